"""Changing the sampling rate of a stream by a polyphase low-pass (windowed sinc, Kaiser).

Nothing is held back beyond the filter's group delay (2 ms at 8 kHz): each push returns all
output whose newest input has come. Input is taken in blocks that hold a whole number of output
samples, so that one matrix product makes them; a block that is not full yet is computed with
zeros for what is missing, and again when more of it comes.
"""

from __future__ import annotations

from functools import lru_cache
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TAPS_PER_PHASE = 32
_KAISER_BETA = 8.5
_CUTOFF = 0.96  # of the lower rate's half
_RATE_MAX_HZ = 48000
_OUTPUTS_MIN = 8  # made by one row of the matrix product, to keep it fast


class Resampler:
    """Turns one stream of PCM16 from one rate into another, both up to 48 kHz."""

    __slots__ = ("_block", "_done", "_kernel", "_made", "_odd", "_overlap", "_samples")

    def __init__(self, from_hz: int, to_hz: int) -> None:
        for rate_hz in (from_hz, to_hz):
            if not 0 < rate_hz <= _RATE_MAX_HZ:
                raise ValueError(f"rate: {rate_hz} Hz is not between 1 and {_RATE_MAX_HZ}")
        self._block, self._made = _block(from_hz, to_hz)
        self._kernel = _kernel(from_hz, to_hz)
        self._overlap = self._kernel.shape[0] - self._block
        self._samples = np.zeros(self._overlap, np.float32)  # what the filter still looks at
        self._done = 0  # output samples of the unfinished block that have left
        self._odd = b""

    def push(self, pcm: bytes) -> bytes:
        """Return what the next samples give; half a sample at the end waits for its other half."""
        if self._odd or len(pcm) & 1:
            pcm = self._odd + pcm
            whole = len(pcm) & ~1
            pcm, self._odd = pcm[:whole], pcm[whole:]
        block, made = self._block, self._made
        if block == made or not pcm:
            return pcm
        samples = np.concatenate((self._samples, np.frombuffer(pcm, "<i2")), dtype=np.float32)
        count = len(samples) - self._overlap
        blocks = -(-count // block)
        missing = blocks * block - count
        padded = np.concatenate((samples, np.zeros(missing, np.float32))) if missing else samples
        shape = (blocks, self._overlap + block)
        windows = np.ndarray(shape, np.float32, padded, 0, (4 * block, 4))
        output = windows @ self._kernel
        np.rint(output, out=output)
        output.clip(-32768, 32767, out=output)
        ready = -(-count * made // block)
        sound = output.ravel()[self._done : ready].astype("<i2").tobytes()
        whole = count // block
        self._samples = samples[whole * block :]
        self._done = ready - whole * made
        return sound

    def flush(self) -> bytes:
        """Return the tail that is still in the filter, and begin anew."""
        tail = b"" if self._block == self._made else self.push(bytes(2 * self._overlap))
        self._samples = np.zeros(self._overlap, np.float32)
        self._done = 0
        self._odd = b""
        return tail


def _block(from_hz: int, to_hz: int) -> tuple[int, int]:
    """Return how many input samples make how many output samples in one step."""
    divisor = gcd(from_hz, to_hz)
    block, made = from_hz // divisor, to_hz // divisor
    repeats = max(1, _OUTPUTS_MIN // made) if block != made else 1
    return block * repeats, made * repeats


@lru_cache(maxsize=32)
def _kernel(from_hz: int, to_hz: int) -> NDArray[np.float32]:
    """Return the matrix that turns a block, with what lies before it, into its output samples."""
    block, made = _block(from_hz, to_hz)
    width = -(-_TAPS_PER_PHASE * max(from_hz, to_hz) // to_hz)
    cutoff = _CUTOFF * min(from_hz, to_hz) / from_hz
    kernel = np.zeros((width - 1 + block, made))
    for output in range(made):
        newest, fraction = divmod(output * block, made)
        # Distance of each tap's sample from the output's place, the group delay taken off.
        distance = np.arange(width) - (width - 1) / 2 - 0.5 + 1 - fraction / made
        taps = np.sinc(cutoff * distance) * _window(distance, width)
        kernel[newest : newest + width, output] = taps / taps.sum()
    return kernel.astype(np.float32)


def _window(distance: NDArray[np.floating[Any]], width: int) -> NDArray[np.float64]:
    place = np.clip(1 - (2 * distance / (width + 1)) ** 2, 0, None)
    return np.asarray(np.i0(_KAISER_BETA * np.sqrt(place)) / np.i0(_KAISER_BETA))
