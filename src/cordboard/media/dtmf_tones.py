"""Hearing digits that are sent as sound (ITU-T Q.24) without hearing any in speech."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cordboard.media import g711
from cordboard.media.samples import from_pcm
from cordboard.media.tones import COLUMNS_HZ, KEYPAD, ROWS_HZ

_WINDOW_MS = 20
_HOP_MS = 10
_HITS_MIN = 3
_MISSES_MIN = 5
_RMS_MIN = 260  # -42 dBov
_PURITY_MIN = 0.88
_DEVIATION = 0.009  # probed to either side of each tone, so that 1.5 % off is still pure
_TWIST_MAX = 10.0  # column over row or row over column, in power
_LEAD_MIN = 4.0  # over the next tone of its group, in power


class InBandDigits:
    """Hears presses of 60 ms and more (of 50 ms on a clean line) in one stream of PCM16.

    Two tones of the grid have to hold nearly all of the energy for 40 ms on end, which speech does
    not do; a press ends after as long without them. Quiet sound costs one level measurement.
    """

    __slots__ = ("_current", "_hits", "_hop", "_last", "_misses", "_rate_hz", "_tail")

    def __init__(self, rate_hz: int) -> None:
        if rate_hz % 100:
            raise ValueError(f"rate_hz: {rate_hz} has no whole window")
        self._rate_hz = rate_hz
        self._hop = rate_hz * _HOP_MS // 1000
        self._tail = b""
        self._last = ""  # what the last window held
        self._hits = 0
        self._misses = 0
        self._current = ""  # the press that has been reported and goes on

    def push(self, pcm: bytes) -> str | None:
        """Return the digit whose press became certain in this sound (several in a long one)."""
        if not self._last and not self._current and g711.rms(pcm) < _RMS_MIN:
            self._tail = (self._tail + pcm)[-2 * self._hop :]
            return None
        samples = self._tail + pcm
        step, size = 2 * self._hop, 2 * self._rate_hz * _WINDOW_MS // 1000
        heard = ""
        start = 0
        while start + size <= len(samples):
            heard += self._follow(self._window(samples[start : start + size]))
            start += step
        self._tail = samples[start:]
        return heard or None

    def _follow(self, digit: str) -> str:
        """Count windows; return a digit when it has been there long enough."""
        if digit and digit == self._last:
            self._hits += 1
        else:
            self._hits = 1 if digit else 0
        self._last = digit
        if digit == self._current:
            self._misses = 0
            return ""
        if self._current:
            self._misses += 1
            if self._misses >= _MISSES_MIN:
                self._current = ""
        if self._hits < _HITS_MIN:
            return ""
        self._current, self._misses = digit, 0
        return digit

    def _window(self, pcm: bytes) -> str:
        """Return the digit that one window holds, or nothing."""
        if g711.rms(pcm) < _RMS_MIN:
            return ""
        samples = from_pcm(pcm)
        parts = samples @ _kernel(self._rate_hz)
        parts *= parts
        powers = (parts[:24] + parts[24:]).reshape(3, 8).max(axis=0).tolist()
        row = max(range(4), key=powers.__getitem__)
        column = max(range(4, 8), key=powers.__getitem__)
        row_power, column_power = powers[row], powers[column]
        whole = float(samples @ samples) * len(samples) / 2
        if row_power + column_power < _PURITY_MIN * whole:
            return ""
        if max(row_power, column_power) > _TWIST_MAX * min(row_power, column_power):
            return ""
        for index, power in enumerate(powers):
            own = row_power if index < 4 else column_power
            if index not in (row, column) and power * _LEAD_MIN > own:
                return ""
        return KEYPAD[row][column - 4]


@lru_cache(maxsize=8)
def _kernel(rate_hz: int) -> NDArray[np.float32]:
    time = np.arange(rate_hz * _WINDOW_MS // 1000) / rate_hz
    grid = np.array(ROWS_HZ + COLUMNS_HZ)
    probes = np.concatenate((grid, grid * (1 - _DEVIATION), grid * (1 + _DEVIATION)))
    angle = 2 * np.pi * np.outer(time, probes)
    return np.concatenate((np.cos(angle), np.sin(angle)), axis=1).astype(np.float32)
