"""The Protocols that the engine needs: what carriers, providers and stores must offer.

Rules for every port: methods without ``async`` never block and never wait; callbacks are called
on the event loop; failures of providers are ``ProviderError``; cancellation always passes
through.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from cordboard.call.actions import ActionCall, ActionOutcome, ActionPlan
from cordboard.call.commands import Message
from cordboard.call.events import EndReason, LegEndedBy
from cordboard.call.expectation import Expectation
from cordboard.call.plan import CallPlan, LanguageModelPlan, TranscriberPlan, VoicePlan
from cordboard.media.codec import Codec


class ProviderError(Exception):
    """A provider did not do its work.

    ``failure`` is a class of failure that may be recorded and logged (``"unavailable"``,
    ``"rejected"``, ``"over_quota"``, ``"bad_credentials"``, ``"timeout"``, ``"bad_answer"``);
    upstream text is never part of it. ``retryable`` tells whether the same request may work a
    moment later.
    """

    def __init__(self, failure: str, *, retryable: bool = False) -> None:
        super().__init__(failure)
        self.failure = failure
        self.retryable = retryable


class Clock(Protocol):
    """Time, injectable: ``now_ms`` is monotonic and for deciding, ``wall`` is UTC and for records
    only.
    """

    def now_ms(self) -> int:
        """Return monotonic milliseconds."""
        ...

    def wall(self) -> datetime:
        """Return the time of day in UTC."""
        ...


class Randomness(Protocol):
    """Chance and identifiers, injectable."""

    def token(self, bits: int = 128) -> str:
        """Return an unguessable lower-case hexadecimal word."""
        ...

    def uuid(self) -> str:
        """Return a version 4 UUID as text."""
        ...

    def random_bytes(self, count: int) -> bytes:
        """Return ``count`` random bytes."""
        ...

    def uniform(self, low: float, high: float) -> float:
        """Return a number between ``low`` and ``high``."""
        ...


# --- carriers ---


class LegSink(Protocol):
    """Where a leg delivers what comes from the far end. All calls are on the event loop and must
    return quickly.
    """

    def audio_received(self, payload: bytes) -> None:
        """Take one 20 ms frame in the leg's encoding, in order, gaps concealed; called once per
        media tick.
        """
        ...

    def mark_reached(self, mark: str) -> None:
        """Learn that everything sent before this mark has been played to the far end."""
        ...

    def digit_pressed(self, digit: str) -> None:
        """Learn of one key press, whichever way it came."""
        ...

    def digits_sent(self, request_id: str, failure: str | None) -> None:
        """Learn that digits have been sent, or why not."""
        ...

    def held(self, on: bool) -> None:
        """Learn that the far end put us on hold, or took us off."""
        ...

    def codec_changed(self) -> None:
        """Learn that ``Leg.codec`` is another one from now on."""
        ...

    def ended(self, by: LegEndedBy, cause: str) -> None:
        """Learn that the leg is gone. Called exactly once, also after our own ``end``."""
        ...


class Leg(Protocol):
    """One signalling-and-media connection with one far end.

    Sound is paced by the leg (or its carrier): ``play`` queues, ``mark`` reports when what was
    queued before it has been played, ``clear`` drops what has not been played yet.
    """

    @property
    def leg_id(self) -> str:
        """The identifier of this leg within the process."""
        ...

    @property
    def codec(self) -> Codec:
        """The encoding of both directions; settled before ``answer`` returns."""
        ...

    def start(self, sink: LegSink) -> None:
        """Name the sink. Called once, before anything else."""
        ...

    async def answer(self) -> None:
        """Answer the far end; returns when sound may flow. Raises ``LegFailed``."""
        ...

    async def refuse(self, status: int) -> None:
        """Refuse a leg that was offered."""
        ...

    async def end(self) -> None:
        """Release the far end at once, in whatever state; returns when the request has left."""
        ...

    def play(self, payload: bytes) -> None:
        """Queue sound in ``codec``'s encoding; any length, cut into frames by the leg."""
        ...

    def mark(self, mark: str) -> None:
        """Ask for ``LegSink.mark_reached`` once all sound queued so far has been played."""
        ...

    def clear(self) -> int:
        """Drop queued sound and pending marks; return how many milliseconds were not heard."""
        ...

    def send_digits(self, request_id: str, digits: str) -> None:
        """Send digits after the queued sound; ``LegSink.digits_sent`` tells the result."""
        ...


class LegFailed(Exception):
    """The far end could not be reached or went away while we answered; the text is the cause for
    the record.
    """


class MediaTicker(Protocol):
    """The one 20 ms clock of the process, to which legs register."""

    def add(self, tick: Callable[[int], None]) -> Callable[[], None]:
        """Have ``tick(now_ms)`` called once every 20 ms; returns the function that ends it."""
        ...


# --- providers ---


@dataclass(frozen=True, slots=True)
class TranscriberWords:
    """What a transcriber reports; see ``call.events.WordsHeard``."""

    text: str
    final: bool
    ends_turn: bool = False
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class TranscriberFailed:
    """The stream is dead; nothing follows."""

    failure: str


class TranscriberStream(Protocol):
    """One call's stream. Feeding never blocks; a stalled vendor drops the oldest sound beyond a
    bound.
    """

    def feed(self, payload: bytes) -> None:
        """Take the next 20 ms frame in the codec named at ``open`` (silence included)."""
        ...

    def speech_started(self) -> None:
        """Hint: voice activity began within the last frames fed."""
        ...

    def speech_stopped(self) -> None:
        """Hint: voice activity ended; final words are wanted now."""
        ...

    def expect(self, expectation: Expectation) -> None:
        """Set what kind of answer comes next, from the next utterance on; may be ignored."""
        ...

    async def close(self) -> None:
        """Free everything; nothing is reported afterwards."""
        ...


class Transcriber(Protocol):
    """A vendor of transcription."""

    def codecs(self, plan: TranscriberPlan) -> Sequence[Codec]:
        """Return the codecs it takes, best first; the engine converts when the leg's is not among
        them.
        """
        ...

    async def open(
        self,
        plan: TranscriberPlan,
        codec: Codec,
        language: str,
        report: Callable[[TranscriberWords | TranscriberFailed], None],
    ) -> TranscriberStream:
        """Open a stream for one call. Raises ``ProviderError``."""
        ...


@dataclass(frozen=True, slots=True)
class WordTime:
    """Where a word stands in its text and in its sound."""

    text_start: int
    text_end: int
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class SpeechChunk:
    """A piece of synthesized speech, in order; ``words`` are positions in the whole utterance."""

    payload: bytes
    words: tuple[WordTime, ...] = ()


class Synthesizer(Protocol):
    """A vendor of voice."""

    def codecs(self, voice: VoicePlan) -> Sequence[Codec]:
        """Return the codecs it can deliver, best first; the engine converts when the leg's is not
        among them.
        """
        ...

    def speak(
        self, text: str, voice: VoicePlan, language: str, codec: Codec
    ) -> AsyncIterator[SpeechChunk]:
        """Stream the sound of ``text``. Raises ``ProviderError``; closing the iterator cancels."""
        ...


@dataclass(frozen=True, slots=True)
class ModelText:
    """Some more text of the reply."""

    text: str


@dataclass(frozen=True, slots=True)
class ModelAction:
    """The model asks for an action; ``arguments_json`` is unparsed."""

    function_name: str
    arguments_json: str


@dataclass(frozen=True, slots=True)
class ModelExpects:
    """What kind of answer the words of this reply ask for."""

    expectation: Expectation


@dataclass(frozen=True, slots=True)
class ReplyRequest:
    """What a language model is given."""

    call_id: str
    reply_id: str
    plan: LanguageModelPlan
    prompt: str
    language: str
    actions: tuple[ActionPlan, ...]
    messages: tuple[Message, ...]
    expectation: Expectation
    now: datetime


class LanguageModel(Protocol):
    """A vendor of language. It keeps no state of a call: all it needs is in the request."""

    def reply(self, request: ReplyRequest) -> AsyncIterator[ModelText | ModelAction | ModelExpects]:
        """Stream a reply. Raises ``ProviderError``; closing the iterator cancels."""
        ...

    def expectation(self, actions: Sequence[ActionPlan]) -> Expectation | None:
        """Return what the caller may be expected to say first, None where it cannot be known."""
        ...


class VoiceStream(Protocol):
    """Voice activity of one leg."""

    def push(self, pcm: bytes) -> None:
        """Take the next PCM16 samples at the rate named at ``open``."""
        ...

    def take(self) -> float | None:
        """Return the highest speech probability since the last call, or None if no window was
        completed.
        """
        ...

    def reset(self) -> None:
        """Forget the past: the next samples do not follow the last ones."""
        ...

    def close(self) -> None:
        """Free the stream."""
        ...


class VoiceActivity(Protocol):
    """One shared model for all calls of the process, run in batches."""

    def open(self, rate_hz: int) -> VoiceStream:
        """Open a stream for one leg; 8,000 or 16,000 Hz."""
        ...

    def run(self) -> None:
        """Judge every window completed since the last run, all streams in one batch; once per media
        tick.
        """
        ...


class ActionRunner(Protocol):
    """Runs actions that leave the process."""

    async def run(
        self, call_id: str, call: ActionCall, plan: ActionPlan, sent: Callable[[], None]
    ) -> ActionOutcome:
        """Run one action to its outcome; calls ``sent`` when the request leaves. Raises only
        cancellation.
        """
        ...

    def problems(self, plan: ActionPlan, arguments: Mapping[str, object]) -> Sequence[str]:
        """Return what is wrong with the arguments by the action's schema; empty when nothing is."""
        ...


class PhraseStore(Protocol):
    """Phrases that lie ready as sound and need no provider."""

    def sound(self, phrase: str, language: str, codec: Codec) -> tuple[str, bytes]:
        """Return the phrase's words and its sound in ``codec``; English where the language is not
        there.
        """
        ...


# --- records ---


class Recording(Protocol):
    """One call's recording, both sides, on one timeline."""

    def caller(self, payload: bytes) -> None:
        """Append 20 ms of the caller's sound."""
        ...

    def agent(self, payload: bytes) -> None:
        """Append 20 ms of what was sent to the caller."""
        ...

    async def close(self) -> bool:
        """Seal the file; True if it is readable."""
        ...


class RecordingSink(Protocol):
    """Where recordings go."""

    async def open(self, call_id: str, organisation_id: str, codec: Codec) -> Recording:
        """Begin a recording. Raises ``OSError`` when there is no room."""
        ...


class Direction(StrEnum):
    """Seen from us."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


@dataclass(frozen=True, slots=True)
class InboundPlan:
    """What a number that is called leads to."""

    organisation_id: str
    number: str
    plan: CallPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCall:
    """A call row as it is first written. ``dialog`` is the carrier's own form of what ends the leg
    after a crash.
    """

    call_id: str
    leg_id: str
    organisation_id: str
    direction: Direction
    from_number: str
    to_number: str
    carrier: str
    trunk_id: str | None
    carrier_handle: str
    dialog: Mapping[str, object]
    plan: CallPlan
    at: datetime


@dataclass(frozen=True, slots=True)
class Fact:
    """One entry of a call's timeline. ``at_ms`` counts from the answer, None before it."""

    sequence: int
    kind: str
    at: datetime
    at_ms: int | None
    content: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnding:
    """How a call ended, for its row."""

    reason: EndReason
    detail: str
    at: datetime
    transcript: str
    recording_available: bool


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call that was left open by an engine that died."""

    call_id: str
    leg_id: str
    organisation_id: str
    carrier: str
    dialog: Mapping[str, object] = field(default_factory=dict)


class CallStore(Protocol):
    """The engine's view of the database."""

    async def inbound_plan(
        self, trunk_id: str | None, number: str, from_number: str
    ) -> InboundPlan | None:
        """Turn a called number into a plan, or None when nobody answers there."""
        ...

    async def create_call(self, call: NewCall) -> None:
        """Write call and leg durably, before the carrier hears a 200 OK."""
        ...

    async def save_dialog(self, call_id: str, leg_id: str, dialog: Mapping[str, object]) -> None:
        """Replace what is needed to end the leg after a crash."""
        ...

    async def answered(self, call_id: str, at: datetime) -> None:
        """Mark the call as in progress."""
        ...

    def keep(self, call_id: str, fact: Fact) -> None:
        """Append to the timeline without waiting; written in order, in batches, from a bounded
        queue.
        """
        ...

    def keep_transcript(self, call_id: str, transcript: str) -> None:
        """Replace the transcript of a running call without waiting."""
        ...

    async def finish(self, call_id: str, ending: CallEnding) -> None:
        """Close the row, after all facts kept before; terminal once and for all."""
        ...

    async def open_calls(self, engine_id: str) -> Sequence[OpenCall]:
        """Return calls left open by dead engines (lease run out), now claimed by ``engine_id``."""
        ...
