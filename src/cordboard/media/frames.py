"""Cutting a stream of bytes into whole frames."""

from __future__ import annotations


class Slicer:
    """Cuts bytes that come in any lengths into frames of one length.

    ``silence`` (one frame, e.g. ``Codec.silence_frame``) fills up the last frame; zeros if it is
    not given.
    """

    __slots__ = ("_frame_bytes", "_rest", "_silence")

    def __init__(self, frame_bytes: int, silence: bytes | None = None) -> None:
        if frame_bytes <= 0:
            raise ValueError(f"frame_bytes: {frame_bytes} is not positive")
        if silence is not None and len(silence) < frame_bytes:
            raise ValueError("silence: shorter than a frame")
        self._frame_bytes = frame_bytes
        self._silence = silence if silence is not None else bytes(frame_bytes)
        self._rest = b""

    @property
    def waiting_bytes(self) -> int:
        """Return how much of a frame is waiting for its rest."""
        return len(self._rest)

    def push(self, sound: bytes) -> list[bytes]:
        """Return the frames that are whole now."""
        size = self._frame_bytes
        if self._rest:
            sound = self._rest + sound
        whole = len(sound) - len(sound) % size
        self._rest = sound[whole:]
        return [sound[start : start + size] for start in range(0, whole, size)]

    def flush(self) -> bytes | None:
        """Return the rest as a frame that ends in silence, or nothing when there is no rest."""
        rest = self._rest
        self._rest = b""
        return rest + self._silence[len(rest) : self._frame_bytes] if rest else None

    def clear(self) -> None:
        """Forget the rest."""
        self._rest = b""
