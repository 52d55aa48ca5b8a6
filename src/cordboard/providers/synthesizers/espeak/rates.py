"""From the library's rate to a codec's."""

from __future__ import annotations

from functools import lru_cache
from math import gcd

import numpy as np
from numpy.typing import NDArray

_TAPS = 24
_ROWS = 16_000


def convert(pcm: bytes, from_hz: int, to_hz: int) -> bytes:
    """Return PCM16 at another rate: polyphase FIR, 24 taps a phase, all of the sound at once."""
    if from_hz == to_hz:
        return pcm
    step = gcd(from_hz, to_hz)
    up, down = to_hz // step, from_hz // step
    bank = _bank(up, down)
    taps = bank.shape[1]
    samples = np.frombuffer(pcm, "<i2").astype(np.float32)
    padded = np.concatenate((np.zeros(taps // 2, np.float32), samples, np.zeros(taps, np.float32)))
    count = len(samples) * up // down
    pieces: list[bytes] = []
    for start in range(0, count, _ROWS):
        at = np.arange(start, min(start + _ROWS, count)) * down
        windows = padded[(at // up)[:, None] + np.arange(taps)]
        values = np.einsum("ij,ij->i", windows, bank[at % up])
        pieces.append(np.clip(np.rint(values), -32768, 32767).astype("<i2").tobytes())
    return b"".join(pieces)


@lru_cache(maxsize=8)
def _bank(up: int, down: int) -> NDArray[np.float32]:
    """Return one row of taps a phase: a Kaiser-windowed sinc below both Nyquist limits."""
    cutoff = min(1.0, up / down) * 0.94
    taps = round(_TAPS / min(1.0, up / down)) // 2 * 2
    position = np.arange(taps)[None, :] - taps // 2 - (np.arange(up) / up)[:, None]
    inside = np.clip(1 - (position / (taps / 2)) ** 2, 0, None)
    window = np.i0(7.0 * np.sqrt(inside)) / np.i0(7.0)
    bank = cutoff * np.sinc(cutoff * position) * window
    result: NDArray[np.float32] = (bank / bank.sum(axis=1, keepdims=True)).astype(np.float32)
    return result
