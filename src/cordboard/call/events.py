"""Everything that can happen to a call.

Names are in the past tense. Times and identifiers come in with the event or with
``Call.receive``; ``at_ms`` fields are positions on the call's own timeline (milliseconds since
the leg was answered, as in the recording).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from cordboard.call.actions import ActionOutcome
from cordboard.call.app_events import AppAnswered as AppAnswered
from cordboard.call.app_events import AppBack as AppBack
from cordboard.call.app_events import AppFailed as AppFailed
from cordboard.call.app_events import AppGone as AppGone
from cordboard.call.app_events import AppLost as AppLost
from cordboard.call.app_events import AppWarned as AppWarned
from cordboard.call.expectation import Expectation


class LegEndedBy(StrEnum):
    """Who ended a leg."""

    FAR_END = "far_end"
    LOCAL = "local"
    FAILURE = "failure"


class ProviderKind(StrEnum):
    """The kinds of provider a call leans on."""

    TRANSCRIBER = "transcriber"
    LANGUAGE_MODEL = "language_model"
    SYNTHESIZER = "synthesizer"


class EndReason(StrEnum):
    """Why a call ended: the closed list."""

    CALLER_HUNG_UP = "caller_hung_up"
    CALLER_CANCELLED = "caller_cancelled"
    BUSY = "busy"
    REJECTED = "rejected"
    NO_ANSWER = "no_answer"
    UNREACHABLE = "unreachable"
    DIAL_REFUSED = "dial_refused"
    AGENT_ENDED = "agent_ended"
    API_ENDED = "api_ended"
    IDLE = "idle"
    LONGEST_CALL = "longest_call"
    PROVIDER_FAILED = "provider_failed"
    CARRIER_FAILED = "carrier_failed"
    REFUSED = "refused"
    DRAINED = "drained"
    TRANSFERRED = "transferred"
    NO_HUMAN = "no_human"
    INTERRUPTED = "interrupted"
    INTERNAL_ERROR = "internal_error"


@dataclass(frozen=True, slots=True)
class LegOffered:
    """A far end calls us; nothing has been answered yet."""

    leg_id: str
    from_number: str
    to_number: str


@dataclass(frozen=True, slots=True)
class LegWanted:
    """We are to call a far end; nothing has been dialled yet."""

    leg_id: str
    from_number: str
    to_number: str


@dataclass(frozen=True, slots=True)
class LegRinging:
    """The far end that we called rings; ``early_sound`` where it plays something meanwhile."""

    leg_id: str
    early_sound: bool = False


@dataclass(frozen=True, slots=True)
class LegAnswered:
    """The leg is up and sound may flow; the call's timeline starts here."""

    leg_id: str


@dataclass(frozen=True, slots=True)
class LegHeld:
    """The far end put us on hold: it sends no sound and hears none."""

    leg_id: str


@dataclass(frozen=True, slots=True)
class LegResumed:
    """The far end took us off hold."""

    leg_id: str


@dataclass(frozen=True, slots=True)
class LegEnded:
    """The leg is gone, or could not be had; ``cause`` is for the record (a SIP status, a word).

    ``reason`` is set where a call that we placed came to nothing.
    """

    leg_id: str
    by: LegEndedBy
    cause: str = ""
    reason: EndReason | None = None


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Voice activity began on the caller's side."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """Voice activity ended; ``at_ms`` is where the speech ended, not where that was noticed."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class WordsHeard:
    """What a transcriber reports. A partial replaces the one before; a final closes its stretch of
    speech.

    ``ends_turn`` is the transcriber's own end signal. ``confidence`` is 0 to 1 where the
    transcriber gives one.
    """

    text: str
    final: bool
    ends_turn: bool = False
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class DigitPressed:
    """The caller pressed a key, reported once whichever way it came: one of ``0-9 * # A-D``."""

    digit: str


@dataclass(frozen=True, slots=True)
class ToneHeard:
    """A steady tone came from the far end, as answering machines and faxes send; no key's tone."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class AnswerJudged:
    """The carrier tells who picked up: a human, or a machine."""

    human: bool


@dataclass(frozen=True, slots=True)
class PlayoutStarted:
    """The first sound of an utterance was sent; ``text`` are the words of a stored phrase."""

    utterance_id: str
    at_ms: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class PlayoutPaused:
    """Speaking stopped, its sound is kept; ``heard_characters`` of the text were played whole."""

    utterance_id: str
    heard_characters: int


@dataclass(frozen=True, slots=True)
class PlayoutFinished:
    """The last sound of an utterance was played."""

    utterance_id: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class PlayoutStopped:
    """An utterance was dropped; ``heard_characters`` of its text were proven to be heard."""

    utterance_id: str
    heard_characters: int


@dataclass(frozen=True, slots=True)
class PlayoutFailed:
    """No (more) sound could be made for an utterance; what was played is ``heard_characters``."""

    utterance_id: str
    heard_characters: int
    failure: str


@dataclass(frozen=True, slots=True)
class ReplyClauseReady:
    """A clause of the reply under way is complete and may be spoken."""

    reply_id: str
    text: str


@dataclass(frozen=True, slots=True)
class ReplyActionAsked:
    """The model asks for an action; ``arguments_json`` is its text, unparsed and untrusted."""

    reply_id: str
    function_name: str
    arguments_json: str


@dataclass(frozen=True, slots=True)
class ReplyExpected:
    """The model says what kind of answer its words ask for."""

    reply_id: str
    expectation: Expectation


@dataclass(frozen=True, slots=True)
class ReplyFinished:
    """The model has said all of this reply."""

    reply_id: str


@dataclass(frozen=True, slots=True)
class ReplyFailed:
    """The reply could not be made or broke off; ``failure`` is a class of failure, never upstream
    text.
    """

    reply_id: str
    failure: str


@dataclass(frozen=True, slots=True)
class ActionSent:
    """The action's request has left: from now on nothing withdraws it."""

    action_call_id: str


@dataclass(frozen=True, slots=True)
class ActionFinished:
    """The action came to an outcome, good or bad."""

    action_call_id: str
    outcome: ActionOutcome


@dataclass(frozen=True, slots=True)
class DigitsSent:
    """The digits asked for have been played to the far end, or could not be (``failure``)."""

    request_id: str
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class ProviderFailed:
    """A provider gave up after retries and fallbacks; the machine decides what is heard."""

    kind: ProviderKind
    failure: str


@dataclass(frozen=True, slots=True)
class ProviderRecovered:
    """A provider that had failed works again."""

    kind: ProviderKind


@dataclass(frozen=True, slots=True)
class EndRequested:
    """Someone outside the conversation ends the call: the API, a drain, an internal error."""

    reason: EndReason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class OperatorInput:
    """Something for the call's operator alone that no other event tells."""

    kind: str
    content: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class SpeechMade:
    """All sound of an utterance has been made; it is ``duration_ms`` long."""

    utterance_id: str
    duration_ms: int


@dataclass(frozen=True, slots=True)
class TextSent:
    """A text message was taken for delivery, or could not be sent (``failure``)."""

    request_id: str
    failure: str | None = None


Event = (
    LegOffered
    | LegWanted
    | LegRinging
    | LegAnswered
    | LegHeld
    | LegResumed
    | LegEnded
    | SpeechStarted
    | SpeechStopped
    | WordsHeard
    | DigitPressed
    | ToneHeard
    | AnswerJudged
    | PlayoutStarted
    | PlayoutPaused
    | PlayoutFinished
    | PlayoutStopped
    | PlayoutFailed
    | ReplyClauseReady
    | ReplyActionAsked
    | ReplyExpected
    | ReplyFinished
    | ReplyFailed
    | ActionSent
    | ActionFinished
    | DigitsSent
    | ProviderFailed
    | ProviderRecovered
    | EndRequested
    | OperatorInput
    | SpeechMade
    | TextSent
    | AppAnswered
    | AppFailed
    | AppWarned
    | AppLost
    | AppBack
    | AppGone
)
