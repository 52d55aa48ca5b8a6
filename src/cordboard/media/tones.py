"""Call progress tones, comfort noise, levels, and finding a single tone (an answering machine)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log10

import numpy as np
from numpy.typing import NDArray

from cordboard.media import g711
from cordboard.media.samples import from_pcm, to_pcm

ROWS_HZ = (697.0, 770.0, 852.0, 941.0)
COLUMNS_HZ = (1209.0, 1336.0, 1477.0, 1633.0)
KEYPAD = ("123A", "456B", "789C", "*0#D")

SILENCE_DBOV = -127.0
_RAMP_MS = 3
_BEEP_RMS_MIN = 300
_BEEP_DRIFT_HZ = 50.0
_BEEP_TICKS_MIN = 5
_BEEP_TICKS_MAX = 100
_BEEP_LOW_HZ = 600.0
_BEEP_HIGH_HZ = 2200.0
_BEEP_PURITY = 0.98


@dataclass(frozen=True, slots=True)
class Cadence:
    """A tone of one or two frequencies that is switched on and off."""

    frequencies_hz: tuple[float, ...]
    on_ms: int
    off_ms: int


RINGBACK = Cadence((440.0, 480.0), 2000, 4000)
RINGBACK_EUROPE = Cadence((425.0,), 1000, 4000)
BUSY = Cadence((480.0, 620.0), 500, 500)
BUSY_EUROPE = Cadence((425.0,), 500, 500)


def level_dbov(pcm: bytes) -> float:
    """Return the level against the overload point: 0 for a full-scale square, -127 for silence."""
    rms = g711.rms(pcm)
    return 20 * log10(rms / g711.FULL_SCALE) if rms else SILENCE_DBOV


def chord(
    frequencies_hz: Sequence[float], duration_ms: int, rate_hz: int, level_dbov: float = -13.0
) -> bytes:
    """Return sines sounding together as PCM16, each at ``level_dbov``, with soft edges."""
    sample_count = rate_hz * duration_ms // 1000
    time = np.arange(sample_count) / rate_hz
    amplitude = g711.FULL_SCALE * 2**0.5 * 10 ** (level_dbov / 20)
    samples = np.zeros(sample_count)
    for frequency_hz in frequencies_hz:
        samples += amplitude * np.sin(2 * np.pi * frequency_hz * time)
    ramp = np.minimum(np.arange(sample_count), np.arange(sample_count)[::-1])
    samples *= np.minimum(1, ramp / max(1, rate_hz * _RAMP_MS // 1000))
    return to_pcm(samples)


def sine(hz: float, duration_ms: int, rate_hz: int, level_dbov: float = -13.0) -> bytes:
    """Return one sine as PCM16."""
    return chord((hz,), duration_ms, rate_hz, level_dbov)


def digit_tone(digit: str, duration_ms: int, rate_hz: int, level_dbov: float = -12.0) -> bytes:
    """Return a press as PCM16 (ITU-T Q.23), each of its two tones at ``level_dbov``.

    Raises ``ValueError`` for anything but one of ``0123456789*#ABCD``.
    """
    for row_hz, keys in zip(ROWS_HZ, KEYPAD, strict=True):
        for column_hz, key in zip(COLUMNS_HZ, keys, strict=True):
            if key == digit:
                return chord((row_hz, column_hz), duration_ms, rate_hz, level_dbov)
    raise ValueError(f"digit: {digit!r} is not on the keypad")


def noise(duration_ms: int, rate_hz: int, level_dbov: float = -20.0) -> bytes:
    """Return white noise as PCM16, always the same."""
    return ComfortNoise(rate_hz, level_dbov).take(2 * (rate_hz * duration_ms // 1000))


def cadence(pattern: Cadence, duration_ms: int, rate_hz: int, level_dbov: float = -19.0) -> bytes:
    """Return so much of a switched tone as PCM16, beginning with the tone."""
    tone = chord(pattern.frequencies_hz, pattern.on_ms, rate_hz, level_dbov)
    period = tone + bytes(2 * (rate_hz * pattern.off_ms // 1000))
    size = 2 * (rate_hz * duration_ms // 1000)
    return (period * (size // len(period) + 1))[:size]


class ComfortNoise:
    """Quiet noise without end for one stream, so that a line does not sound dead."""

    __slots__ = ("_at", "_sound")

    def __init__(self, rate_hz: int, level_dbov: float = -60.0, start: int = 0) -> None:
        self._sound = _noise(rate_hz, level_dbov)
        self._at = 2 * start % len(self._sound)

    def take(self, size_bytes: int) -> bytes:
        """Return the next bytes of PCM16; an even number."""
        sound = self._sound
        piece = sound[self._at : self._at + size_bytes]
        while len(piece) < size_bytes:
            piece += sound[: size_bytes - len(piece)]
        self._at = (self._at + size_bytes) % len(sound)
        return piece


@lru_cache(maxsize=16)
def _noise(rate_hz: int, level_dbov: float) -> bytes:
    """Return two seconds of white noise by a linear congruential generator, always the same."""
    state = 1
    values: list[int] = []
    for _ in range(2 * rate_hz):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        values.append(state >> 8)
    uniform = np.array(values) / 2.0**23 - 1
    samples = uniform * 3**0.5 * g711.FULL_SCALE * 10 ** (level_dbov / 20)
    return to_pcm(samples)


def tone_share(pcm: bytes, hz: float, rate_hz: int) -> float:
    """Return how much of the energy of PCM16 is one frequency, 0 to 1 (Goertzel's measure)."""
    samples = np.frombuffer(pcm, "<i2").astype(np.float64)
    energy = float(samples @ samples)
    if not energy:
        return 0.0
    cosine, sine_ = _probe(len(samples), hz, rate_hz)
    power = float(samples @ cosine) ** 2 + float(samples @ sine_) ** 2
    return min(1.0, power / (energy * len(samples) / 2))


@lru_cache(maxsize=64)
def _probe(count: int, hz: float, rate_hz: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    angle = 2 * np.pi * hz / rate_hz * np.arange(count)
    return np.cos(angle), np.sin(angle)


class BeepDetector:
    """Hears the single tone that ends an answering machine's greeting.

    A beep is one frequency between 600 and 2200 Hz, steady for 120 to 2000 ms and much purer than
    speech. DTMF and call progress tones are two frequencies or lower, and are not beeps.
    """

    __slots__ = ("_frame_bytes", "_hz", "_rate_hz", "_rest", "_ticks")

    def __init__(self, rate_hz: int) -> None:
        if rate_hz % 50:
            raise ValueError(f"rate_hz: {rate_hz} has no whole 20 ms frame")
        self._rate_hz = rate_hz
        self._frame_bytes = rate_hz // 50 * 2
        self._rest = b""
        self._hz = 0.0
        self._ticks = 0

    def push(self, pcm: bytes) -> bool:
        """Take PCM16; tell whether a beep ended in it."""
        pcm = self._rest + pcm
        size = self._frame_bytes
        whole = len(pcm) - len(pcm) % size
        self._rest = pcm[whole:]
        ended = False
        for start in range(0, whole, size):
            ended |= self._frame(pcm[start : start + size])
        return ended

    def _frame(self, pcm: bytes) -> bool:
        hz = self._single_tone(pcm) if g711.rms(pcm) > _BEEP_RMS_MIN else 0.0
        if hz and abs(hz - self._hz) <= _BEEP_DRIFT_HZ:
            self._ticks += 1
            return False
        ended = _BEEP_TICKS_MIN <= self._ticks <= _BEEP_TICKS_MAX
        self._ticks = 1 if hz else 0
        self._hz = hz
        return ended

    def _single_tone(self, pcm: bytes) -> float:
        """Return the frequency of a pure tone in the band, or 0."""
        samples = from_pcm(pcm) * np.hanning(len(pcm) // 2)
        power = np.abs(np.fft.rfft(samples)) ** 2
        best = int(power.argmax())
        hz = best * 50.0
        around = power[max(best - 2, 0) : best + 3]
        if not _BEEP_LOW_HZ <= hz <= _BEEP_HIGH_HZ or around.sum() < _BEEP_PURITY * power.sum():
            return 0.0
        return hz
