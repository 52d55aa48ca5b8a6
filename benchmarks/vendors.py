"""Vendors of fixed delays: all that a real one would take time for, and no work of their own.

The caller's sound is real speech, so that voice activity is judged in earnest; what was said
is fixed. The voice plays made speech, five times as fast as it sounds.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from cordboard.call.actions import ActionPlan
from cordboard.call.expectation import Expectation
from cordboard.call.plan import TranscriberPlan, VoicePlan
from cordboard.engine.parts import Choice
from cordboard.media.codec import PCMU, Codec
from cordboard.ports import (
    ModelText,
    ReplyRequest,
    SpeechChunk,
    TranscriberFailed,
    TranscriberWords,
)
from cordboard.providers.phrases.store import PackagedPhrases
from cordboard.providers.voice_activity.silero.activity import SileroVoiceActivity
from cordboard.settings import Settings
from cordboard.wiring.providers import Providers
from cordboard.wiring.server import BuildProviders

TRANSCRIBER_MS = 300
MODEL_MS = 200
VOICE_MS = 100


def vendors_ms(utterance: int) -> int:
    """Return what vendors take from the end of a call's ``utterance`` (from 1) to first sound.

    The transcriber's delay moves through 20 ms, as in life: delays that are whole frames would
    always end just after (or before) a tick of the media clock.
    """
    return _transcriber_ms(utterance) + MODEL_MS + VOICE_MS


def _transcriber_ms(utterance: int) -> int:
    return TRANSCRIBER_MS - 10 + 7 * utterance % 20


HEARD = "I would like a table for two people tomorrow at half past seven"
CLAUSES = (
    "All right.",
    " I have noted a table for two people tomorrow evening at half past seven.",
    " Is there anything else that I can do for you today?",
)

_NAME = "fixed"
_PARTIAL_S = 0.3
_TOKEN_S = 0.02
_CHUNK_BYTES = 1_600
_CHUNK_S = 0.04
_CHARACTER_BYTES = 480

Report = Callable[[TranscriberWords | TranscriberFailed], None]


class FixedTranscriber:
    """Hears the same words each time: partial ones every 300 ms, final some 300 ms after sound."""

    def codecs(self, plan: TranscriberPlan) -> Sequence[Codec]:
        """Return mu-law: the bytes pass through."""
        return (PCMU,)

    async def open(
        self, plan: TranscriberPlan, codec: Codec, language: str, report: Report
    ) -> FixedStream:
        """Open a stream."""
        return FixedStream(report)


class FixedStream:
    """One call's stream."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._final: asyncio.TimerHandle | None = None
        self._words = 0
        self._utterances = 0
        self.fed_bytes = 0

    def feed(self, payload: bytes) -> None:
        """Count the bytes."""
        self.fed_bytes += len(payload)

    def speech_started(self) -> None:
        """Report words while they are spoken."""
        if self._timer is None:
            self._words = 0
            self._timer = self._loop.call_later(_PARTIAL_S, self._partial)

    def speech_stopped(self) -> None:
        """Report the final words after the fixed delay; they end the turn."""
        self._stop()
        self._utterances += 1
        delay_s = _transcriber_ms(self._utterances) / 1000
        self._final = self._loop.call_later(delay_s, self._report_final)

    def expect(self, expectation: Expectation) -> None:
        """Ignored: the words are fixed."""

    async def close(self) -> None:
        """Report nothing more."""
        self._stop()
        if self._final is not None:
            self._final.cancel()

    def _partial(self) -> None:
        self._words += 1
        self._timer = self._loop.call_later(_PARTIAL_S, self._partial)
        self._report(TranscriberWords(" ".join(HEARD.split()[: self._words]), final=False))

    def _report_final(self) -> None:
        self._report(TranscriberWords(HEARD, final=True, ends_turn=True, confidence=1.0))

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class FixedModel:
    """Answers the same each time; the first clause is whole at the first token."""

    async def reply(self, request: ReplyRequest) -> AsyncIterator[ModelText]:
        """Stream the answer."""
        await asyncio.sleep(MODEL_MS / 1000)
        yield ModelText(CLAUSES[0])
        for clause in CLAUSES[1:]:
            for word in clause.split():
                await asyncio.sleep(_TOKEN_S)
                yield ModelText(f" {word}")

    def expectation(self, actions: Sequence[ActionPlan]) -> Expectation | None:
        """Return None: anything may be said."""
        return None


class FixedVoice:
    """Speaks ``sound`` (mu-law), as much of it as the text is long."""

    def __init__(self, sound: bytes) -> None:
        self._sound = sound

    def codecs(self, voice: VoicePlan) -> Sequence[Codec]:
        """Return mu-law."""
        return (PCMU,)

    async def speak(
        self, text: str, voice: VoicePlan, language: str, codec: Codec
    ) -> AsyncIterator[SpeechChunk]:
        """Stream 200 ms pieces, one every 40 ms."""
        await asyncio.sleep(VOICE_MS / 1000)
        length = min(len(text) * _CHARACTER_BYTES, len(self._sound)) // 160 * 160
        for start in range(0, length, _CHUNK_BYTES):
            yield SpeechChunk(self._sound[start : min(start + _CHUNK_BYTES, length)])
            await asyncio.sleep(_CHUNK_S)


def building(agent_speech: Path) -> BuildProviders:
    """Return what builds the providers of a server under test."""
    sound = agent_speech.read_bytes()

    async def build(settings: Settings, stack: AsyncExitStack) -> Providers:
        return Providers(
            Choice({_NAME: FixedTranscriber()}, _NAME),
            Choice({_NAME: FixedModel()}, _NAME),
            Choice({_NAME: FixedVoice(sound)}, _NAME),
            SileroVoiceActivity(),
            PackagedPhrases(),
        )

    return build
