"""The tone by which a caller hears that the one they are put through to is being rung."""

from __future__ import annotations

from cordboard.media.codec import new_encoder
from cordboard.media.tones import Cadence, cadence
from cordboard.ports import Leg


class Ringback:
    """Plays a national ringing tone on a leg, a frame at a time, in the frames that are free."""

    def __init__(self, leg: Leg, pattern: Cadence) -> None:
        codec = leg.codec
        period_ms = pattern.on_ms + pattern.off_ms
        self._leg = leg
        self._pcm = cadence(pattern, period_ms, codec.rate_hz)
        self._frame_bytes = 2 * codec.rate_hz // 50
        self._encode = new_encoder(codec).from_pcm
        self._at = 0

    def play_frame(self) -> bytes:
        """Send the next 20 ms and return them."""
        piece = self._pcm[self._at : self._at + self._frame_bytes]
        self._at = (self._at + self._frame_bytes) % len(self._pcm)
        frame = self._encode(piece)
        self._leg.play(frame)
        return frame
