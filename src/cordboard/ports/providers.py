"""What vendors of transcription, language, voice and voice activity must offer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from cordboard.call.actions import ActionCall, ActionOutcome, ActionPlan
from cordboard.call.commands import Message
from cordboard.call.expectation import Expectation
from cordboard.call.plan import LanguageModelPlan, TranscriberPlan, VoicePlan
from cordboard.media.codec import Codec


class ProviderError(Exception):
    """A provider did not do its work.

    ``failure`` is a class of failure that may be recorded and logged (``"unavailable"``,
    ``"rejected"``, ``"over_quota"``, ``"bad_credentials"``, ``"timeout"``, ``"bad_answer"``);
    upstream text is never part of it. ``retryable`` tells whether the same request may work a
    moment later, ``retry_after_s`` for how long the provider has asked to be left alone.
    """

    def __init__(
        self, failure: str, *, retryable: bool = False, retry_after_s: float | None = None
    ) -> None:
        super().__init__(failure)
        self.failure = failure
        self.retryable = retryable
        self.retry_after_s = retry_after_s


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


@runtime_checkable
class WarmSynthesizer(Protocol):
    """A synthesizer that can be got ready for a voice before there is something to say."""

    async def warm(self, voice: VoicePlan, language: str, codec: Codec) -> None:
        """Begin to get ready. Raises ``ProviderError``, which may be ignored."""
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


@runtime_checkable
class WarmLanguageModel(Protocol):
    """A language model that can be connected to before there is something to answer."""

    async def warm(self) -> None:
        """Get ready. Raises ``ProviderError``, which may be ignored."""
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
