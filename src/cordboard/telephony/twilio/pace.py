"""How much of the sound that was sent the far end has played: an estimate from marks and time."""

from __future__ import annotations

from collections import deque
from typing import Final

from cordboard.media.codec import PCMU

BYTES_PER_MS: Final = PCMU.bytes_per_ms
FIRST_LAG_MS: Final = 100
"""From sending to playing, until a mark has shown the real one."""

LAG_MS_MAX: Final = 1_000


class Pace:
    """Positions are bytes of mu-law since the stream began.

    Playing runs in real time while there is sound. Sound that is sent when the far end has, or will
    soon have, played everything begins a stretch of its own, a lag later. A mark that comes back
    proves a position and corrects the count; it is late by its own way home, so that the estimate
    lags a little: what is resumed from it repeats some sound rather than losing any.
    """

    __slots__ = ("_lag_ms", "_sent_bytes", "_stretches")

    def __init__(self, lag_ms: int = FIRST_LAG_MS) -> None:
        self._lag_ms = lag_ms
        self._sent_bytes = 0
        self._stretches = deque([(0, 0)])
        """Where each begins and when, in order; the first is being played or has been."""

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
        self.heard(now_ms)
        if self.end_ms() < now_ms + self._lag_ms:
            self._stretches.append((self._sent_bytes, now_ms + self._lag_ms))
        self._sent_bytes += size_bytes

    def heard(self, now_ms: int) -> int:
        """Return the position that is being played; ``now_ms`` never goes back."""
        stretches = self._stretches
        while len(stretches) > 1 and stretches[1][1] <= now_ms:
            stretches.popleft()
        start, start_ms = stretches[0]
        end = stretches[1][0] if len(stretches) > 1 else self._sent_bytes
        return min(end, start + max(0, now_ms - start_ms) * BYTES_PER_MS)

    def end_ms(self) -> int:
        """Return when all that was sent will have been played."""
        start, start_ms = self._stretches[-1]
        return start_ms + (self._sent_bytes - start) // BYTES_PER_MS

    def reached(self, position: int, now_ms: int) -> None:
        """A mark has come back: everything before ``position`` has been played."""
        before = self._stretches[0]
        later: list[tuple[int, int]] = []
        for stretch in self._stretches:
            if stretch[0] < position:
                before = stretch
            else:
                later.append(stretch)
        late_ms = now_ms - before[1] - (position - before[0]) // BYTES_PER_MS
        lag_ms = min(max(self._lag_ms + late_ms, 0), LAG_MS_MAX)
        # Too long a lag repeats some sound, too short a one loses some: believe long ones at once.
        self._lag_ms = max(lag_ms, (self._lag_ms + lag_ms) // 2)
        self._stretches = deque([(position, now_ms)])
        for start, start_ms in later:
            last, last_ms = self._stretches[-1]
            after_ms = last_ms + (start - last) // BYTES_PER_MS
            if start_ms > after_ms:
                self._stretches.append((start, start_ms))

    def dropped(self, now_ms: int) -> int:
        """What has not been played never will be; return how many bytes that is."""
        unheard = self._sent_bytes - self.heard(now_ms)
        self._sent_bytes -= unheard
        self._stretches = deque([(self._sent_bytes, now_ms)])
        return unheard
