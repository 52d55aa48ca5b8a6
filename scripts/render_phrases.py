"""Render the stored phrases anew: `python scripts/render_phrases.py` (needs the extra [offline]).

The voice is eSpeak NG's. Its licence covers the program, not what it says.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import soundfile

from cordboard.call.plan import VoicePlan
from cordboard.media.codec import L16_16K
from cordboard.providers.phrases.words import WORDS
from cordboard.providers.synthesizers.espeak.synthesizer import EspeakSynthesizer

TARGET = Path(__file__).parent.parent / "src/cordboard/providers/phrases/sound"
VOICE = VoicePlan(settings={"rate_wpm": 160})
PEAK = 0.5
QUIET = 60


async def render() -> None:
    """Write every phrase of every language."""
    async with EspeakSynthesizer() as voice:
        for language, phrases in WORDS.items():
            for phrase, words in phrases.items():
                chunks = voice.speak(words, VOICE, language, L16_16K)
                pcm = b"".join([chunk.payload async for chunk in chunks])
                samples = np.frombuffer(pcm, "<i2").astype(np.float32)
                loud = np.flatnonzero(np.abs(samples) > QUIET)
                samples = samples[loud[0] : loud[-1] + 800]
                samples *= PEAK * 32767 / np.abs(samples).max()
                path = TARGET / f"{language}-{phrase}.wav"
                soundfile.write(path, samples.astype(np.int16), 16_000, subtype="IMA_ADPCM")


if __name__ == "__main__":
    asyncio.run(render())
