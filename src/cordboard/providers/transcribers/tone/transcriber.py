"""The transcriber port over the tone code; asyncio timers only, so that it runs in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cordboard.call.expectation import Expectation
from cordboard.call.plan import TranscriberPlan
from cordboard.media.codec import (
    FRAME_MS,
    G722_WIDE,
    L16_8K,
    L16_16K,
    PCMA,
    PCMU,
    Codec,
    new_decoder,
)
from cordboard.media.tone_code import ToneDecoder
from cordboard.ports import TranscriberFailed, TranscriberWords

_CODECS = (PCMU, PCMA, L16_8K, L16_16K, G722_WIDE)
_SILENCE_MS = 1500

Report = Callable[[TranscriberWords | TranscriberFailed], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class HearingDelays:
    """A transcriber's slowness: how late partial and final words come."""

    partial_ms: int = 0
    final_ms: int = 0


AT_ONCE = HearingDelays()


class ToneTranscriber:
    """Hears tone code: a partial a word, a final at ``speech_stopped``."""

    def __init__(self, delays: HearingDelays = AT_ONCE) -> None:
        self._delays = delays

    def codecs(self, plan: TranscriberPlan) -> Sequence[Codec]:
        """Return the codecs it takes, the cheapest first."""
        return _CODECS

    async def open(
        self, plan: TranscriberPlan, codec: Codec, language: str, report: Report
    ) -> ToneStream:
        """Open a stream; never fails."""
        return ToneStream(codec, report, self._delays)


class ToneStream:
    """One call's stream.

    ``speech_stopped`` is answered by a final, an empty one if no word was whole. Without that hint
    words become final after 1.5 s of sound without a word.
    """

    def __init__(self, codec: Codec, report: Report, delays: HearingDelays) -> None:
        self._decoder = new_decoder(codec)
        self._tones = ToneDecoder(codec.rate_hz)
        self._report: Report | None = report
        self._delays = delays
        self._words: list[str] = []
        self._silent_ms = 0

    def feed(self, payload: bytes) -> None:
        """Take the next frame; words it completes are reported as a partial."""
        heard = self._tones.push(self._decoder.to_pcm(payload))
        self._silent_ms = 0 if heard else self._silent_ms + FRAME_MS
        if heard:
            self._words += (word.word for word in heard)
            partial = TranscriberWords(" ".join(self._words), final=False)
            self._later(self._delays.partial_ms, partial)
        elif self._words and self._silent_ms >= _SILENCE_MS:
            self.speech_stopped()

    def speech_started(self) -> None:
        """Nothing to do: the code itself says where words begin."""

    def speech_stopped(self) -> None:
        """Close the utterance: its words are final."""
        words, self._words = self._words, []
        final = TranscriberWords(" ".join(words), final=True, confidence=1.0 if words else 0.0)
        self._later(max(self._delays.final_ms, self._delays.partial_ms), final)

    def expect(self, expectation: Expectation) -> None:
        """Ignored: every word is heard."""

    async def close(self) -> None:
        """Stop reporting."""
        self._report = None

    def _later(self, delay_ms: int, words: TranscriberWords) -> None:
        loop = asyncio.get_running_loop()
        if delay_ms:
            loop.call_later(delay_ms / 1000, self._deliver, words)
        else:
            loop.call_soon(self._deliver, words)

    def _deliver(self, words: TranscriberWords) -> None:
        if self._report is not None:
            self._report(words)
