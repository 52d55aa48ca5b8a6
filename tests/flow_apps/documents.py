"""WAV documents as apps send them."""

from __future__ import annotations

import base64
import io
import wave

import numpy as np


def tone(duration_ms: int, rate_hz: int = 16_000, freq_hz: int = 440) -> bytes:
    """A tone as 16-bit samples."""
    at = np.arange(rate_hz * duration_ms // 1_000) / rate_hz
    return (np.sin(2 * np.pi * freq_hz * at) * 12_000).astype("<i2").tobytes()


def wav(pcm: bytes, rate_hz: int = 16_000, width: int = 2, channels: int = 1) -> bytes:
    """A WAV file around samples."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(width)
        out.setframerate(rate_hz)
        out.writeframes(pcm)
    return file.getvalue()


def text(document: bytes) -> str:
    """A document as base64."""
    return base64.b64encode(document).decode()
