"""The synthesizer port over the tone code; asyncio timers only, so that it runs in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from re import compile as compile_pattern

from cordboard.call.plan import VoicePlan
from cordboard.media.codec import (
    G722_WIDE,
    L16_8K,
    L16_16K,
    PCMA,
    PCMU,
    Codec,
    new_encoder,
)
from cordboard.media.tone_code import encode_word
from cordboard.ports import SpeechChunk, WordTime

_CODECS = (PCMU, PCMA, L16_8K, L16_16K, G722_WIDE)
_GAP_MS = 20
_WORD = compile_pattern(r"\S+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToneDelays:
    """A voice's slowness: the wait before the first sound, and before each further word."""

    first_sound_ms: int = 0
    word_ms: int = 0


AT_ONCE = ToneDelays()


class ToneSynthesizer:
    """Speaks text as tone code, one chunk a word; the same text gives the same sound."""

    def __init__(self, delays: ToneDelays = AT_ONCE) -> None:
        self._delays = delays

    def codecs(self, voice: VoicePlan) -> Sequence[Codec]:
        """Return the codecs it delivers, the cheapest first."""
        return _CODECS

    async def speak(
        self, text: str, voice: VoicePlan, language: str, codec: Codec
    ) -> AsyncIterator[SpeechChunk]:
        """Stream the words of ``text``; each chunk is a word and 20 ms of silence, whole frames."""
        encoder = new_encoder(codec)
        gap = bytes(codec.pcm_frame_bytes * _GAP_MS // 20)
        at_ms = 0
        await asyncio.sleep(self._delays.first_sound_ms / 1000)
        for number, match in enumerate(_WORD.finditer(text)):
            if number and self._delays.word_ms:
                await asyncio.sleep(self._delays.word_ms / 1000)
            pcm = encode_word(match.group(), codec.rate_hz)
            end_ms = at_ms + len(pcm) * 500 // codec.rate_hz
            word = WordTime(match.start(), match.end(), at_ms, end_ms)
            at_ms = end_ms + _GAP_MS
            yield SpeechChunk(encoder.from_pcm(pcm + gap), (word,))
