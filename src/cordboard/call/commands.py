"""Everything a call can ask for. Names are imperative; each is carried out once, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from cordboard.call.actions import ActionCall, ActionPlan
from cordboard.call.barge_in import BargeInRule
from cordboard.call.events import EndReason
from cordboard.call.expectation import Expectation
from cordboard.call.plan import VoicePlan
from cordboard.call.sound import Sound


class StoredPhrase(StrEnum):
    """Phrases that lie ready as sound and need no provider."""

    ONE_MOMENT = "one_moment"
    STILL_THERE = "still_there"
    SORRY_TROUBLE = "sorry_trouble"
    GOODBYE = "goodbye"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How one utterance is spoken, where that differs from the plan.

    ``rule`` says who may cut it off. ``markup`` is the SSML document whose words the text are;
    ``sound`` is played in place of a text.
    """

    rule: BargeInRule | None = None
    voice: VoicePlan | None = None
    language: str | None = None
    markup: str | None = None
    sound: Sound | None = None


@dataclass(frozen=True, slots=True)
class Deadline:
    """When the call must be woken if nothing happens before, and why."""

    at_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class Message:
    """One entry of the conversation as a language model reads it.

    ``role`` is ``"caller"``, ``"agent"``, ``"action_call"`` or ``"action"``. An ``action_call``
    carries ``{"arguments": …}``, the ``action`` that follows it ``{"success": …, "result": …,
    "agent_message": …}`` under the same ``action_call_id``. An agent entry that was cut short
    holds only what was heard and ends in ``-``.
    """

    role: str
    text: str = ""
    action_call_id: str | None = None
    function_name: str | None = None
    content: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class AnswerLeg:
    """Answer the offered leg."""

    leg_id: str


@dataclass(frozen=True, slots=True)
class DialLeg:
    """Call the far end; answered by ``LegRinging`` and ``LegAnswered``, or by ``LegEnded``."""

    leg_id: str


@dataclass(frozen=True, slots=True)
class RefuseLeg:
    """Refuse the offered leg with a SIP-like status."""

    leg_id: str
    status: int


@dataclass(frozen=True, slots=True)
class EndLeg:
    """Release the far end now, whatever state its leg is in."""

    leg_id: str


@dataclass(frozen=True, slots=True)
class Speak:
    """Make sound of ``text`` and play it after what is already queued.

    ``prepare`` utterances are synthesized but held until ``StartSpeaking`` (the greeting, before
    the answer).
    """

    utterance_id: str
    text: str
    language: str
    prepare: bool = False
    manner: Manner | None = None


@dataclass(frozen=True, slots=True)
class StartSpeaking:
    """Let a prepared utterance be played."""

    utterance_id: str


@dataclass(frozen=True, slots=True)
class PlayStored:
    """Play a stored phrase after what is sounding now, before what has no sound yet; else an
    utterance like any other.
    """

    utterance_id: str
    phrase: StoredPhrase
    language: str


@dataclass(frozen=True, slots=True)
class PlaySound:
    """Play sound after what is already queued: an utterance without words."""

    utterance_id: str
    sound: Sound


@dataclass(frozen=True, slots=True)
class MixSound:
    """Loop sound under everything, from now on and in place of what was looped; None ends it.

    ``volume`` is 0 to 1.
    """

    sound: Sound | None
    volume: float = 0.5


@dataclass(frozen=True, slots=True)
class PlayWaiting:
    """Let the caller hear that somebody is at work, or no longer (``on`` False)."""

    on: bool


@dataclass(frozen=True, slots=True)
class ConfigureTranscriber:
    """Listen in another way from now on; None leaves a thing as it is.

    Empty ``languages`` are the provider's own choice.
    """

    provider: str | None = None
    languages: tuple[str, ...] | None = None
    vocabulary: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class SendText:
    """Send a text message; answered by ``TextSent``."""

    request_id: str
    number: str
    text: str


@dataclass(frozen=True, slots=True)
class TellApp:
    """Tell the user's app what happened; an answerable event is answered by ``AppAnswered`` or
    ``AppFailed``.

    ``content`` holds the event's own fields. ``speech_started_at`` among them is a position on the
    call's timeline, as in all events of the core.
    """

    event_id: str
    kind: str
    content: Mapping[str, object]
    answerable: bool


@dataclass(frozen=True, slots=True)
class PauseSpeaking:
    """Fall silent at once, keep the sound, and let nothing queued begin; answered by
    ``PlayoutPaused`` if it sounded.
    """


@dataclass(frozen=True, slots=True)
class ResumeSpeaking:
    """Go on from the start of the word that was cut, so that every word is heard whole and once."""


@dataclass(frozen=True, slots=True)
class StopSpeaking:
    """Drop all sound, paused, playing and queued; answered by ``PlayoutStopped`` for each utterance
    dropped.
    """


@dataclass(frozen=True, slots=True)
class StartReply:
    """Ask the language model for the next thing to say or do."""

    reply_id: str
    messages: tuple[Message, ...]
    expectation: Expectation


@dataclass(frozen=True, slots=True)
class CancelReply:
    """Stop making this reply; events of it that still arrive are ignored."""

    reply_id: str


@dataclass(frozen=True, slots=True)
class RunAction:
    """Run an action that leaves the process; answered by ``ActionSent`` and ``ActionFinished``."""

    call: ActionCall
    plan: ActionPlan


@dataclass(frozen=True, slots=True)
class SendDigits:
    """Play digits to the far end; answered by ``DigitsSent``."""

    request_id: str
    digits: str


@dataclass(frozen=True, slots=True)
class Expect:
    """Tell the transcriber what kind of answer comes next, from the next utterance on."""

    expectation: Expectation


@dataclass(frozen=True, slots=True)
class KeepFact:
    """Append a fact to the call's timeline: a decision with its reason, an utterance, a turn."""

    kind: str
    content: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CloseCall:
    """The call is over: free everything, close the record. Always the last command of a call."""

    reason: EndReason
    detail: str = ""


Command = (
    AnswerLeg
    | DialLeg
    | RefuseLeg
    | EndLeg
    | Speak
    | StartSpeaking
    | PlayStored
    | PlaySound
    | MixSound
    | PlayWaiting
    | ConfigureTranscriber
    | SendText
    | TellApp
    | PauseSpeaking
    | ResumeSpeaking
    | StopSpeaking
    | StartReply
    | CancelReply
    | RunAction
    | SendDigits
    | Expect
    | KeepFact
    | CloseCall
)
