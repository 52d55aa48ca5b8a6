"""Sound out of what apps put into ``audio``: WAV files as they really are."""

from __future__ import annotations

import base64
import binascii
import io
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cordboard.call.sound import Sound

EXPECTED_HZ: Final = 16_000
LONGEST_S: Final = 1_800
_USUAL_HZ: Final = frozenset(
    {8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000}
)
_HZ_RANGE: Final = (2_000, 384_000)
_UNKNOWN_SIZES: Final = (0, 0xFFFFFFFF)


class NoSound(ValueError):
    """What was sent cannot be played; the text says why."""


def sound_of(text: str) -> tuple[Sound, list[str]]:
    """Decode base64 of a WAV file; return the sound with what about it was not as documented.

    Any channel count, rate and sample format of WAV is taken; a file that is cut short plays as
    far as it goes.

    Raises:
        NoSound: it is no such file, or holds no samples.

    """
    document = _decoded(text)
    if not document:
        raise NoSound("is empty")
    if document[:4] not in (b"RIFF", b"RIFX") or document[8:12] != b"WAVE":
        raise NoSound(f"is {_looks_like(document)}, not a WAV file")
    samples, rate_hz, told = _read(document)
    if not samples.size:
        raise NoSound("is a WAV file without samples")
    remarks = [f"has {told}, where 16-bit mono at {EXPECTED_HZ} Hz is documented"] if told else []
    if _is_cut_short(document):
        remarks.append("is cut short")
    if len(samples) > LONGEST_S * rate_hz:
        samples = samples[: LONGEST_S * rate_hz]
        remarks.append(f"is longer than {LONGEST_S} s; cut")
    samples, rate_hz = _at_usual_rate(samples.mean(axis=1), rate_hz)
    pcm = np.clip(np.rint(samples * 32767), -32768, 32767).astype("<i2").tobytes()
    return Sound(pcm, rate_hz), remarks


def _decoded(text: str) -> bytes:
    body = text.partition(",")[2] if text[:5].lower() == "data:" else text
    body = "".join(body.split()).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise NoSound("is not base64") from None


def _looks_like(document: bytes) -> str:
    if document[:3] == b"ID3" or (document[0] == 0xFF and document[1:2] >= b"\xe0"):
        return "MP3"
    known = {b"OggS": "Ogg", b"fLaC": "FLAC", b"FORM": "AIFF"}
    return known.get(document[:4], "something unknown (raw samples?)")


def _read(document: bytes) -> tuple[NDArray[np.float32], int, str]:
    """Return samples by channels, the rate, and what is unusual about the format."""
    import soundfile

    try:
        with soundfile.SoundFile(io.BytesIO(document)) as file:
            most = (LONGEST_S + 1) * file.samplerate
            if not _HZ_RANGE[0] <= file.samplerate <= _HZ_RANGE[1]:
                raise NoSound(f"has a rate of {file.samplerate} Hz")
            samples: NDArray[Any] = file.read(most, dtype="float32", always_2d=True)
            # Floats may hold anything; beyond full scale there is nothing to be heard.
            samples = np.clip(np.nan_to_num(samples), -1.0, 1.0)
            return samples, file.samplerate, _unusual(file)
    except (soundfile.SoundFileError, RuntimeError, TypeError, MemoryError):
        raise NoSound("is a WAV file that cannot be read") from None


def _unusual(file: Any) -> str:
    if (file.samplerate, file.channels, file.subtype) == (EXPECTED_HZ, 1, "PCM_16"):
        return ""
    return f"{file.channels} channel(s) of {file.subtype} at {file.samplerate} Hz"


def _is_cut_short(document: bytes) -> bool:
    at = document.find(b"data", 12)
    if at < 0 or at + 8 > len(document):
        return True
    order = "big" if document[:4] == b"RIFX" else "little"
    size = int.from_bytes(document[at + 4 : at + 8], order)  # type: ignore[arg-type]
    return size not in _UNKNOWN_SIZES and size > len(document) - at - 8


def _at_usual_rate(samples: NDArray[Any], rate_hz: int) -> tuple[NDArray[Any], int]:
    """Bring rates that nobody records at to one that can be changed cheaply later."""
    while rate_hz > 48_000 and rate_hz % 2 == 0:
        samples = samples[: len(samples) // 2 * 2].reshape(-1, 2).mean(axis=1)
        rate_hz //= 2
    if rate_hz in _USUAL_HZ or not samples.size:
        return samples, rate_hz
    count = max(1, len(samples) * EXPECTED_HZ // rate_hz)
    at = np.arange(count) * (rate_hz / EXPECTED_HZ)
    return np.interp(at, np.arange(len(samples)), samples), EXPECTED_HZ
