"""The speech that callers and agent speak: made once by the embedded voice, kept as mu-law."""

from __future__ import annotations

import asyncio
from pathlib import Path

from benchmarks.vendors import CLAUSES, HEARD
from cordboard.call.plan import VoicePlan
from cordboard.media import g711
from cordboard.media.codec import PCMU, new_decoder
from cordboard.providers.synthesizers.espeak.synthesizer import EspeakSynthesizer

CALLER, AGENT = "caller.ulaw", "agent.ulaw"
_LOUD_RMS = 500
_FRAME_BYTES = 160


def make_speech(directory: Path, says: str = HEARD, plan: VoicePlan | None = None) -> None:
    """Write both files; the caller ``says`` that in the voice of ``plan``."""
    asyncio.run(_make(directory, says, plan or VoicePlan()))


async def _make(directory: Path, says: str, plan: VoicePlan) -> None:
    async with EspeakSynthesizer() as voice:
        for name, text, spoken_by in (
            (CALLER, says, plan),
            (AGENT, "".join(CLAUSES) * 2, VoicePlan()),
        ):
            chunks = voice.speak(text, spoken_by, "en", PCMU)
            sound = b"".join([chunk.payload async for chunk in chunks])
            (directory / name).write_bytes(_trimmed(sound))


def _trimmed(sound: bytes) -> bytes:
    """Return whole frames from the first to the last loud one: there the speech begins and ends."""
    decode = new_decoder(PCMU).to_pcm
    frames = [sound[at : at + _FRAME_BYTES] for at in range(0, len(sound), _FRAME_BYTES)]
    loud = [
        number
        for number, frame in enumerate(frames)
        if len(frame) == _FRAME_BYTES and g711.rms(decode(frame)) > _LOUD_RMS
    ]
    return b"".join(frames[loud[0] : loud[-1] + 1])
