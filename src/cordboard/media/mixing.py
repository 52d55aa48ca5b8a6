"""Adding and interleaving PCM16."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cordboard.media import g711
from cordboard.media.samples import to_pcm


def mix(frames: Sequence[bytes]) -> bytes:
    """Return the sum of equally long frames.

    Where the sum would clip, the whole frame is made quieter just enough; nothing wraps. No frames
    give no bytes; frames of different lengths raise ``ValueError``.
    """
    if not frames:
        return b""
    first = frames[0]
    if len(frames) == 1:
        return first
    if any(len(frame) != len(first) for frame in frames):
        raise ValueError("frames: not equally long")
    if sum(map(g711.peak, frames)) < g711.FULL_SCALE:
        total = first
        for frame in frames[1:]:
            total = g711.add(total, frame)
        return total
    stack = np.stack([np.frombuffer(frame, "<i2") for frame in frames])
    summed = stack.sum(axis=0, dtype=np.float64)
    highest = float(np.abs(summed).max())
    if highest >= g711.FULL_SCALE:
        summed *= (g711.FULL_SCALE - 1) / highest
    return to_pcm(summed)


def interleave(left: bytes, right: bytes, sample_bytes: int = 2) -> bytes:
    """Return stereo from two channels; the shorter one is not padded but ``ValueError``.

    ``sample_bytes`` is 2 for PCM16 and 1 for mu-law and A-law.
    """
    if len(left) != len(right) or len(left) % sample_bytes:
        raise ValueError("channels: not equally long")
    stereo = bytearray(2 * len(left))
    step = 2 * sample_bytes
    for byte in range(sample_bytes):
        stereo[byte::step] = left[byte::sample_bytes]
        stereo[sample_bytes + byte :: step] = right[byte::sample_bytes]
    return bytes(stereo)


def separate(stereo: bytes, sample_bytes: int = 2) -> tuple[bytes, bytes]:
    """Return left and right of interleaved stereo."""
    if len(stereo) % (2 * sample_bytes):
        raise ValueError("stereo: not whole samples")
    samples = np.frombuffer(stereo, f"V{sample_bytes}")
    return samples[::2].tobytes(), samples[1::2].tobytes()
