"""How much of the sound that was sent the far end has played: an estimate from marks and time."""

from __future__ import annotations

from typing import Final

from cordboard.media.codec import PCMU

BYTES_PER_MS: Final = PCMU.bytes_per_ms
FIRST_LAG_MS: Final = 40
"""From sending to playing, until a mark has shown the real one."""

LAG_MS_MAX: Final = 1_000


class Pace:
    """Positions are bytes of mu-law since the stream began.

    Playing runs in real time while there is sound. A mark that comes back proves a position and
    corrects the count; it is late by its own way home, so that the estimate lags a little: what is
    resumed from it repeats some sound rather than losing any.
    """

    __slots__ = ("_anchor_bytes", "_anchor_ms", "_lag_ms", "_sent_bytes")

    def __init__(self, lag_ms: int = FIRST_LAG_MS) -> None:
        self._lag_ms = lag_ms
        self._sent_bytes = 0
        self._anchor_bytes = 0
        self._anchor_ms = 0

    @property
    def lag_ms(self) -> int:
        """How long sound takes from sending to playing, as learned."""
        return self._lag_ms

    @property
    def sent_bytes(self) -> int:
        """How much has been sent."""
        return self._sent_bytes

    def sent(self, size_bytes: int, now_ms: int) -> None:
        """Sound leaves behind all that was sent before."""
        if self.heard(now_ms) >= self._sent_bytes:
            self._anchor_bytes = self._sent_bytes
            self._anchor_ms = now_ms + self._lag_ms
        self._sent_bytes += size_bytes

    def heard(self, now_ms: int) -> int:
        """Return the position that is being played."""
        played = max(0, now_ms - self._anchor_ms) * BYTES_PER_MS
        return min(self._sent_bytes, self._anchor_bytes + played)

    def end_ms(self) -> int:
        """Return when all that was sent will have been played."""
        return self._anchor_ms + (self._sent_bytes - self._anchor_bytes) // BYTES_PER_MS

    def reached(self, position: int, now_ms: int) -> None:
        """A mark has come back: everything before ``position`` has been played."""
        due_ms = self._anchor_ms + (position - self._anchor_bytes) // BYTES_PER_MS
        lag_ms = min(max(self._lag_ms + now_ms - due_ms, 0), LAG_MS_MAX)
        self._lag_ms = (self._lag_ms + lag_ms) // 2
        self._anchor_bytes = position
        self._anchor_ms = now_ms

    def dropped(self, now_ms: int) -> int:
        """What has not been played never will be; return how many bytes that is."""
        unheard = self._sent_bytes - self.heard(now_ms)
        self._sent_bytes -= unheard
        self._anchor_bytes = self._sent_bytes
        self._anchor_ms = now_ms
        return unheard
