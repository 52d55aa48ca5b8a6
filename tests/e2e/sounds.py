"""Tone-code sound for foreign programs, and what can be understood of what they recorded."""

from __future__ import annotations

import os
import wave
from pathlib import Path

from cordboard.media import wave as sound_file
from cordboard.media.codec import PCMA, PCMU, Codec, new_decoder, new_encoder
from cordboard.media.tone_code import ToneDecoder, encode
from cordboard.storage.recordings import read_wave
from cordboard.storage.sealed_file import FileKeys
from cordboard.storage.vault import MasterKey

QUIET_MS = 300
LEAD_MS = 400
"""Silence before the words that sipp streams: its first packets come as unevenly as any."""


def spoken(words: str, rate_hz: int, before_ms: int = 0, after_ms: int = QUIET_MS) -> bytes:
    """Return words as PCM with silence around them."""
    pcm, _ = encode(words, rate_hz)
    return bytes(rate_hz * before_ms // 500) + pcm + bytes(rate_hz * after_ms // 500)


def write_words(directory: Path, words: str) -> None:
    """Write ``words.ulaw`` and ``words.alaw``: bare bytes, as ``sipp`` streams them."""
    for codec, name in ((PCMU, "words.ulaw"), (PCMA, "words.alaw")):
        (directory / name).write_bytes(_encoded(words, codec))


def _encoded(words: str, codec: Codec) -> bytes:
    encoded = new_encoder(codec).from_pcm(spoken(words, codec.rate_hz, LEAD_MS))
    return encoded[: len(encoded) // codec.frame_bytes * codec.frame_bytes]


def write_wav(path: Path, pcm: bytes, rate_hz: int) -> None:
    """Write 16 bit mono."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(pcm)


def read_wav(path: Path) -> tuple[bytes, int]:
    """Return the samples of a 16 bit mono file and their rate."""
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        return file.readframes(file.getnframes()), file.getframerate()


def understood(pcm: bytes, rate_hz: int) -> str:
    """Return the words that tone code in ``pcm`` says."""
    decoder = ToneDecoder(rate_hz)
    step = rate_hz // 50 * 2
    heard = [
        item.word for at in range(0, len(pcm), step) for item in decoder.push(pcm[at : at + step])
    ]
    return " ".join(heard)


def recorded(directory: Path, call_id: str, channel: int = 0) -> bytes:
    """Return what the server in ``directory`` recorded of the caller (1: of the agent), as PCM."""
    root = directory / "var" / "recordings"
    key = MasterKey.from_text((directory / "var" / "master.key").read_text(encoding="ascii"))
    (path,) = root.glob(f"*/{call_id}.wav.sealed")
    sound = read_wave(root, FileKeys.of(key, os.urandom), path.parent.name, call_id)
    assert sound is not None
    whole = sound_file.read(sound.read(0, sound.size_bytes))
    return new_decoder(whole.codec).to_pcm(whole.channels()[channel])
