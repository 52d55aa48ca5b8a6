"""The encodings of a leg and how a stream of frames is turned into PCM16 and back.

One frame is 20 ms. G.711 has no state; G.722 has, so each direction of each stream owns one
``Decoder`` or ``Encoder`` and feeds it every frame in order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib import import_module
from typing import Protocol

from cordboard.media import g711

FRAME_MS = 20
FRAMES_PER_SECOND = 50
_MAX_RATE_HZ = 48000
_G722_BITS_PER_SECOND = 64000


class Encoding(StrEnum):
    """How samples are written. ``L16`` is PCM16 little-endian (swap bytes on the RTP wire)."""

    PCMU = "PCMU"
    PCMA = "PCMA"
    G722 = "G722"
    L16 = "L16"


@dataclass(frozen=True, slots=True)
class Codec:
    """An encoding at a sampling rate.

    G.711 is 8000 Hz, G.722 is 16000 Hz; L16 any rate up to 48 kHz whose 20 ms are whole samples.
    Anything else raises ``ValueError``.
    """

    encoding: Encoding
    rate_hz: int

    def __post_init__(self) -> None:
        fixed_hz = _FIXED_RATES_HZ.get(self.encoding)
        if fixed_hz is not None and self.rate_hz != fixed_hz:
            raise ValueError(f"rate_hz: {self.encoding} has {fixed_hz} Hz, not {self.rate_hz}")
        if not 0 < self.rate_hz <= _MAX_RATE_HZ or self.rate_hz % FRAMES_PER_SECOND:
            raise ValueError(f"rate_hz: {self.rate_hz} has no whole 20 ms frame")

    @property
    def rtp_clock_hz(self) -> int:
        """Units of an RTP timestamp per second; 8000 for G.722 by RFC 3551 4.5.2."""
        return 8000 if self.encoding is Encoding.G722 else self.rate_hz

    @property
    def bytes_per_second(self) -> int:
        """Encoded bytes for a second of sound, exact."""
        return 2 * self.rate_hz if self.encoding is Encoding.L16 else 8000

    @property
    def frame_bytes(self) -> int:
        """Encoded bytes for 20 ms."""
        return self.bytes_per_second // FRAMES_PER_SECOND

    @property
    def pcm_frame_bytes(self) -> int:
        """PCM16 bytes for 20 ms at ``rate_hz``."""
        return 2 * self.rate_hz // FRAMES_PER_SECOND

    @property
    def bytes_per_ms(self) -> int:
        """Encoded bytes for 1 ms, rounded down (22.05 and 44.1 kHz have no whole number)."""
        return self.bytes_per_second // 1000

    @property
    def silence_frame(self) -> bytes:
        """20 ms of digital silence."""
        return _silence_frame(self)

    def duration_ms(self, payload: bytes) -> int:
        """Return whole milliseconds in ``payload``. Add up bytes, not durations, over pieces."""
        return len(payload) * 1000 // self.bytes_per_second

    def size_bytes(self, duration_ms: int) -> int:
        """Return the bytes of ``duration_ms``, rounded down to whole samples."""
        size = self.bytes_per_second * duration_ms // 1000
        return size & ~1 if self.encoding is Encoding.L16 else size


_FIXED_RATES_HZ = {Encoding.PCMU: 8000, Encoding.PCMA: 8000, Encoding.G722: 16000}

PCMU = Codec(Encoding.PCMU, 8000)
PCMA = Codec(Encoding.PCMA, 8000)
G722_WIDE = Codec(Encoding.G722, 16000)
L16_8K = Codec(Encoding.L16, 8000)
L16_16K = Codec(Encoding.L16, 16000)


class Decoder(ABC):
    """Turns the payloads of one stream into PCM16."""

    __slots__ = ("codec",)

    def __init__(self, codec: Codec) -> None:
        self.codec = codec

    @abstractmethod
    def to_pcm(self, payload: bytes) -> bytes:
        """Return PCM16 at ``codec.rate_hz`` for encoded bytes of any length (L16: even)."""


class Encoder(ABC):
    """Turns PCM16 at ``codec.rate_hz`` into the payloads of one stream."""

    __slots__ = ("codec",)

    def __init__(self, codec: Codec) -> None:
        self.codec = codec

    @abstractmethod
    def from_pcm(self, pcm: bytes) -> bytes:
        """Return encoded bytes for whole samples of PCM16 (G.722: pairs of samples)."""


class _TableDecoder(Decoder):
    __slots__ = ("_convert",)

    def __init__(self, codec: Codec, convert: Callable[[bytes], bytes]) -> None:
        super().__init__(codec)
        self._convert = convert

    def to_pcm(self, payload: bytes) -> bytes:
        return self._convert(payload)


class _TableEncoder(Encoder):
    __slots__ = ("_convert",)

    def __init__(self, codec: Codec, convert: Callable[[bytes], bytes]) -> None:
        super().__init__(codec)
        self._convert = convert

    def from_pcm(self, pcm: bytes) -> bytes:
        return self._convert(pcm)


class _G722Coder(Protocol):
    """What the untyped ``G722`` extension offers: both directions in one object."""

    def encode(self, samples: array[int]) -> bytes: ...
    def decode(self, payload: bytes) -> array[int]: ...


def _new_g722(codec: Codec) -> _G722Coder:
    coder: _G722Coder = import_module("G722").G722(codec.rate_hz, _G722_BITS_PER_SECOND)
    return coder


class _G722Decoder(Decoder):
    __slots__ = ("_state",)

    def __init__(self, codec: Codec) -> None:
        super().__init__(codec)
        self._state = _new_g722(codec)

    def to_pcm(self, payload: bytes) -> bytes:
        return self._state.decode(payload).tobytes()


class _G722Encoder(Encoder):
    __slots__ = ("_state",)

    def __init__(self, codec: Codec) -> None:
        super().__init__(codec)
        self._state = _new_g722(codec)

    def from_pcm(self, pcm: bytes) -> bytes:
        return self._state.encode(array("h", pcm))


def _unchanged(payload: bytes) -> bytes:
    return payload


def new_decoder(codec: Codec) -> Decoder:
    """Return a decoder for one stream of ``codec``."""
    if codec.encoding is Encoding.G722:
        return _G722Decoder(codec)
    return _TableDecoder(codec, _TO_PCM[codec.encoding])


def new_encoder(codec: Codec) -> Encoder:
    """Return an encoder for one stream of ``codec``."""
    if codec.encoding is Encoding.G722:
        return _G722Encoder(codec)
    return _TableEncoder(codec, _FROM_PCM[codec.encoding])


# For G.722 the code that holds a decoder at zero in both bands; encoded zeros, repeated, drift.
_SILENCE = {
    Encoding.PCMU: g711.MULAW_SILENCE,
    Encoding.PCMA: g711.ALAW_SILENCE,
    Encoding.G722: 0xFC,
    Encoding.L16: 0,
}
_TO_PCM: dict[Encoding, Callable[[bytes], bytes]] = {
    Encoding.PCMU: g711.mulaw_to_pcm,
    Encoding.PCMA: g711.alaw_to_pcm,
    Encoding.L16: _unchanged,
}
_FROM_PCM: dict[Encoding, Callable[[bytes], bytes]] = {
    Encoding.PCMU: g711.pcm_to_mulaw,
    Encoding.PCMA: g711.pcm_to_alaw,
    Encoding.L16: _unchanged,
}


@lru_cache(maxsize=32)
def _silence_frame(codec: Codec) -> bytes:
    return bytes((_SILENCE[codec.encoding],)) * codec.frame_bytes
