"""A call's own timeline: milliseconds since the answer, in steps of the frames that were heard and
recorded.
"""

from __future__ import annotations

from cordboard.media.codec import FRAME_MS
from cordboard.ports import Clock

_GAP_FRAMES = 5


class Timeline:
    """Position 0 is the answer. Frames advance it; where frames are missing the clock says how
    many.
    """

    __slots__ = ("_clock", "_started_ms", "position_ms")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._started_ms: int | None = None
        self.position_ms = 0
        """Where the next frame lies."""

    @property
    def running(self) -> bool:
        """Whether the leg was answered."""
        return self._started_ms is not None

    def start(self) -> None:
        """Begin at 0: the leg has been answered. Once only."""
        assert self._started_ms is None
        self._started_ms = self._clock.now_ms()

    def at_ms(self) -> int | None:
        """Return the present moment, or None before the answer."""
        if self._started_ms is None:
            return None
        return self._clock.now_ms() - self._started_ms

    def missing_frames(self) -> int:
        """Return how many frames should have come before the one that is here now; 0 within 100
        ms.
        """
        assert self._started_ms is not None
        behind_ms = self._clock.now_ms() - self._started_ms - self.position_ms
        if behind_ms <= (_GAP_FRAMES + 1) * FRAME_MS:
            return 0
        return behind_ms // FRAME_MS - 1

    def advance(self, frames: int = 1) -> None:
        """Move on by so many frames."""
        self.position_ms += frames * FRAME_MS
