"""A recording, decoded: what the page plays, draws and measures."""

from __future__ import annotations

import base64
import io
import wave
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]
Floats = npt.NDArray[np.float64]

MAX_PLAIN_MS: Final = 600_000
MAX_PEAK_COUNT: Final = 6_000

_PEAK_MS: Final = 20
_HOP_MS: Final = 2
_WINDOW_HOPS: Final = 5
_JOIN_MS: Final = 80
_SHORTEST_MS: Final = 30
_QUIETEST_RMS: Final = 30.0
_ABOVE_NOISE: Final = 4.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of sound above the noise, in milliseconds of the recording."""

    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Sound:
    """Both sides of a call, equally long."""

    rate_hz: int
    caller: Samples
    agent: Samples

    @property
    def duration_ms(self) -> int:
        """Length in whole milliseconds."""
        return len(self.caller) * 1000 // self.rate_hz


def read(recording: bytes) -> Sound:
    """Decode a stereo recording in any form libsndfile reads; raises ``ValueError``."""
    import soundfile  # only whoever makes a page needs it

    try:
        samples, rate_hz = soundfile.read(io.BytesIO(recording), dtype="int16", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise ValueError(f"recording: {error}") from None
    if samples.shape[1] != 2:
        raise ValueError("recording: it is not stereo")
    return Sound(int(rate_hz), samples[:, 0].copy(), samples[:, 1].copy())


def playable(sound: Sound) -> str:
    """Return the sound as a ``data:`` address that every browser plays.

    Up to ten minutes it is PCM, whose positions are exact; beyond, MP3.
    """
    stereo = np.column_stack((sound.caller, sound.agent))
    output = io.BytesIO()
    kind = "audio/wav"
    if sound.duration_ms <= MAX_PLAIN_MS:
        with wave.open(output, "wb") as target:
            target.setnchannels(2)
            target.setsampwidth(2)
            target.setframerate(sound.rate_hz)
            target.writeframes(stereo.astype("<i2").tobytes())
    else:
        import soundfile

        kind = "audio/mpeg"
        soundfile.write(output, stereo, sound.rate_hz, format="MP3")
    return f"data:{kind};base64,{base64.b64encode(output.getvalue()).decode('ascii')}"


def peaks(samples: Samples, rate_hz: int) -> list[int]:
    """Return the loudest sample (0 to 100) of each of equally long pieces, at most 6,000."""
    if not len(samples):
        return []
    size = max(rate_hz * _PEAK_MS // 1000, -(-len(samples) // MAX_PEAK_COUNT), 1)
    missing = -len(samples) % size
    padded = np.pad(np.abs(samples.astype(np.int32)), (0, missing))
    loudest = padded.reshape(-1, size).max(axis=1)
    # A square root shows quiet speech, which is most of it, without hiding what is loud.
    return [int(value) for value in np.sqrt(loudest / 32768) * 100]


def stretches(samples: Samples, rate_hz: int) -> list[Stretch]:
    """Find the stretches of sound by energy alone, to about 2 ms.

    The bar is four times the noise between them, and never below what nobody hears; gaps shorter
    than 80 ms belong to a stretch.
    """
    hop = rate_hz * _HOP_MS // 1000
    count = len(samples) // hop
    if count == 0:
        return []
    power, smooth = _power(samples[: count * hop].astype(np.float64).reshape(count, hop))
    noise = float(np.sqrt(np.percentile(smooth, 20)))
    bar = max(_QUIETEST_RMS, min(_ABOVE_NOISE * noise, float(np.sqrt(smooth.max())) / 4))
    loud = np.concatenate(([False], smooth > bar**2, [False]))
    edges = np.flatnonzero(loud[1:] != loud[:-1])
    found: list[Stretch] = []
    for first, last in zip(edges[0::2], edges[1::2], strict=True):
        start_ms, end_ms = _sharpened(power, int(first), int(last), bar)
        if found and start_ms - found[-1].end_ms < _JOIN_MS:
            start_ms = found.pop().start_ms
        found.append(Stretch(start_ms, end_ms))
    return [each for each in found if each.end_ms - each.start_ms >= _SHORTEST_MS]


def _power(hops: Floats) -> tuple[Floats, Floats]:
    """Return the power of each hop, alone and within its surroundings.

    A constant is no sound: decoders of silence leave one behind, so what counts is the distance
    from the mean around.
    """
    window = np.ones(_WINDOW_HOPS) / _WINDOW_HOPS
    square, level = (hops**2).mean(axis=1), hops.mean(axis=1)
    around = np.convolve(level, window, mode="same")
    smooth = np.convolve(square, window, mode="same") - around**2
    return square - level**2, np.maximum(smooth, 0)


def _sharpened(power: Floats, first: int, last: int, bar: float) -> tuple[int, int]:
    """Move the edges that smoothing widened to the first and last loud hop."""
    loud = np.flatnonzero(power[first:last] > bar**2)
    if not len(loud):
        return first * _HOP_MS, last * _HOP_MS
    return (first + int(loud[0])) * _HOP_MS, (first + int(loud[-1]) + 1) * _HOP_MS
