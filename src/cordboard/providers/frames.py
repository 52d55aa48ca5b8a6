"""Length-prefixed frames on a pipe: four bytes of length (big-endian), then that many bytes."""

from __future__ import annotations

from struct import Struct
from typing import TypeVar

import msgspec

T = TypeVar("T")

_LENGTH = Struct("!I")
MOST_FRAME_BYTES = 8 * 1024 * 1024


class BadFrame(ValueError):
    """What came over a pipe is no frame of ours; the pipe cannot be trusted any more."""


def pack(payload: bytes) -> bytes:
    """Return ``payload`` as a frame. Raises ``BadFrame`` beyond ``MOST_FRAME_BYTES``."""
    if len(payload) > MOST_FRAME_BYTES:
        raise BadFrame(f"length: {len(payload)} bytes are more than a frame may hold")
    return _LENGTH.pack(len(payload)) + payload


class FrameReader:
    """Cuts a stream of bytes, which arrives in pieces of any size, into frames."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def push(self, piece: bytes) -> list[bytes]:
        """Take the next bytes and return the payloads completed by them, in order.

        Raises ``BadFrame`` when a length is beyond ``MOST_FRAME_BYTES``.
        """
        self._rest += piece
        frames: list[bytes] = []
        start = 0
        while len(self._rest) - start >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._rest, start)
            if length > MOST_FRAME_BYTES:
                raise BadFrame(f"length: {length} bytes are more than a frame may hold")
            end = start + _LENGTH.size + length
            if end > len(self._rest):
                break
            frames.append(bytes(self._rest[start + _LENGTH.size : end]))
            start = end
        del self._rest[:start]
        return frames


def structure(decoder: msgspec.msgpack.Decoder[T], payload: bytes, name: str) -> T:
    """Read a payload as a MessagePack structure. Raises ``BadFrame``, which says ``name``."""
    try:
        return decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadFrame(f"{name}: {error}") from None
