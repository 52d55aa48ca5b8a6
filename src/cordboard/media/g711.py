"""G.711 and PCM16 arithmetic by ``audioop``; the only module that imports it.

Everything works on ``bytes``: PCM is signed 16 bit, little-endian, mono. A PCM argument whose
length is odd raises ``audioop.error`` (a programming error: frames are whole everywhere).
"""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop  # noqa: TID251

FULL_SCALE = 32768
MULAW_SILENCE = 0xFF
ALAW_SILENCE = 0xD5

_ALL_CODES = bytes(range(256))
_MULAW_TO_ALAW = audioop.lin2alaw(audioop.ulaw2lin(_ALL_CODES, 2), 2)
_ALAW_TO_MULAW = audioop.lin2ulaw(audioop.alaw2lin(_ALL_CODES, 2), 2)


def mulaw_to_pcm(payload: bytes) -> bytes:
    """Decode mu-law to PCM16, two bytes out for each one in."""
    return audioop.ulaw2lin(payload, 2)


def pcm_to_mulaw(pcm: bytes) -> bytes:
    """Encode PCM16 as mu-law."""
    return audioop.lin2ulaw(pcm, 2)


def alaw_to_pcm(payload: bytes) -> bytes:
    """Decode A-law to PCM16, two bytes out for each one in."""
    return audioop.alaw2lin(payload, 2)


def pcm_to_alaw(pcm: bytes) -> bytes:
    """Encode PCM16 as A-law."""
    return audioop.lin2alaw(pcm, 2)


def mulaw_to_alaw(payload: bytes) -> bytes:
    """Transcode by one table look-up a byte."""
    return payload.translate(_MULAW_TO_ALAW)


def alaw_to_mulaw(payload: bytes) -> bytes:
    """Transcode by one table look-up a byte."""
    return payload.translate(_ALAW_TO_MULAW)


def rms(pcm: bytes) -> int:
    """Return the root mean square of the samples, 0 to 32768; 0 for no samples."""
    return audioop.rms(pcm, 2)


def peak(pcm: bytes) -> int:
    """Return the largest absolute sample."""
    return audioop.max(pcm, 2)


def add(first: bytes, second: bytes) -> bytes:
    """Add two equally long PCM16 pieces, saturating instead of wrapping."""
    return audioop.add(first, second, 2)


def scale(pcm: bytes, factor: float) -> bytes:
    """Multiply all samples, saturating instead of wrapping."""
    return audioop.mul(pcm, 2, factor)


def swap_bytes(pcm: bytes) -> bytes:
    """Turn little-endian PCM16 into the network order of RTP's L16 (RFC 3551 4.5.11), or back."""
    return audioop.byteswap(pcm, 2)


def to_stereo(pcm: bytes, left: float, right: float) -> bytes:
    """Spread mono PCM16 over two channels with the given gains."""
    return audioop.tostereo(pcm, 2, left, right)


def to_mono(pcm: bytes, left: float, right: float) -> bytes:
    """Fold interleaved stereo PCM16 into one channel with the given gains."""
    return audioop.tomono(pcm, 2, left, right)
