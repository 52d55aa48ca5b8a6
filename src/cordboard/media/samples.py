"""PCM16 bytes to numpy and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def from_pcm(pcm: bytes) -> NDArray[np.float32]:
    """Return the samples of PCM16, -32768 to 32767."""
    return np.frombuffer(pcm, "<i2").astype(np.float32)


def to_pcm(samples: NDArray[np.floating[Any]]) -> bytes:
    """Return PCM16 of samples on that scale, rounded, clipped."""
    return bytes(np.rint(samples).clip(-32768, 32767).astype("<i2"))
