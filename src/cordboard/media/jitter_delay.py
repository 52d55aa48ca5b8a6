"""How long the jitter buffer holds back: decides on frames to be put in and left out."""

from __future__ import annotations

from dataclasses import dataclass

from cordboard.media.codec import FRAME_MS

DELAY_MIN_MS = 20
DELAY_MAX_MS = 120
DELAY_INITIAL_MS = 40
_INSERT_MAX_MS = 40
_WINDOW_MIN_TICKS = 50
_WINDOW_MAX_TICKS = 1600
_NO_SLACK = 1 << 30
_TOO_LATE_MS = 500
_LATE_TWICE_TICKS = 100
_LEAP_MS = 60_000
_GUARD_MS = 10  # the least slack that is left, against the lateness of our own clock
_SPARE_MAX_MS = 100
_SKIP_WAIT_TICKS = 200


class Delay:
    """Steers by the least slack of the packets in a window of ticks.

    The window begins at one second and doubles, up to 32 s, whenever leaving out a frame had to be
    taken back soon after.
    """

    __slots__ = (
        "_extra_ms",
        "_late_now",
        "_least_ms",
        "_since_late",
        "_since_skip",
        "_ticks",
        "_waited",
        "_window",
        "arrivals",
        "late_ticks",
    )

    def __init__(self) -> None:
        self.late_ticks = 0  # ticks in a row in which only late packets came
        self._extra_ms = DELAY_INITIAL_MS  # greatest slack of late: the delay there is to spend
        self._least_ms = _NO_SLACK
        self._late_now = False
        self._since_late = _LATE_TWICE_TICKS
        self._since_skip = _WINDOW_MAX_TICKS
        self._ticks = 0
        self._window = _WINDOW_MIN_TICKS
        self._waited = 0
        self.arrivals = Arrivals()

    @property
    def overdue(self) -> bool:
        """Tell whether to leave out a frame now, though none of those that came was quiet."""
        return self._waited > _SKIP_WAIT_TICKS or self._least_ms >= _SPARE_MAX_MS

    def on_time(self, slack_ms: int, arrival_ms: int) -> None:
        """Note a packet that came ``slack_ms``, in whole ticks from the next, before its turn."""
        self.late_ticks = 0
        slack_ms += self.arrivals.before_tick_ms(arrival_ms)
        if slack_ms < self._least_ms:
            self._least_ms = slack_ms
        if slack_ms > self._extra_ms:
            self._extra_ms = slack_ms

    def may_insert(self, lateness_ms: int) -> bool:
        """Tell whether the position may go back by this much to save a late packet."""
        return lateness_ms <= _INSERT_MAX_MS and self._extra_ms + lateness_ms <= DELAY_MAX_MS

    def too_late(self, lateness_ms: int) -> bool:
        """Note a packet that was lost to lateness; tell whether to hold back one frame more."""
        if self._late_now or lateness_ms > _TOO_LATE_MS:
            self._late_now = True
            return False
        self._late_now = True
        again = self._since_late < _LATE_TWICE_TICKS
        self._since_late = 0
        return again and self._extra_ms + FRAME_MS <= DELAY_MAX_MS

    def moved_back(self, frames: int) -> None:
        """Note that the position went back; everything now comes with that much more slack."""
        self._extra_ms += frames * FRAME_MS
        self._least_ms = 0
        self.arrivals.steady = False
        if self._since_skip < self._window * 4:
            self._window = min(self._window * 2, _WINDOW_MAX_TICKS)
        self._ticks = 0

    def tick(self, now_ms: int | None) -> bool:
        """Count 20 ms; tell whether there is a frame to spare: a quiet one, or any if overdue."""
        self.arrivals.ticked_ms = now_ms
        self._since_late += 1
        self._since_skip += 1
        self._ticks += 1
        if self._late_now:
            self._late_now = False
            self.late_ticks += 1
        if self._ticks < self._window and self._least_ms < _SPARE_MAX_MS:
            return False
        if _NO_SLACK > self._least_ms >= FRAME_MS + _GUARD_MS:
            self._waited += 1
            return True
        if self._least_ms < _NO_SLACK:
            # A window in which the position moved is no measure, nor is the very first.
            arrivals = self.arrivals
            arrivals.spare_ms = self._least_ms - _GUARD_MS if arrivals.steady else None
            arrivals.steady = True
        self._begin_window(0, _NO_SLACK)
        return False

    def skipped(self) -> None:
        """Note that a frame was left out; look at half a window before the next."""
        self.arrivals.steady = False
        self._since_skip = 0
        self._begin_window(self._window // 2, self._least_ms - FRAME_MS)

    def _begin_window(self, ticks: int, least_ms: int) -> None:
        self._ticks = ticks
        self._least_ms = least_ms
        self._extra_ms = max(self._extra_ms - FRAME_MS, DELAY_MIN_MS)
        self._waited = 0


@dataclass(slots=True)
class Arrivals:
    """The interarrival jitter of RFC 3550 6.4.1, and where between two ticks packets arrive.

    ``spare_ms`` is the least slack above the guard in the last window that was ``steady``.
    """

    jitter_ms: float = 0.0
    transit_ms: float | None = None
    ticked_ms: int | None = None
    spare_ms: int | None = None
    steady: bool = False

    def before_tick_ms(self, arrival_ms: int) -> int:
        """Return how long the next tick is away, 0 (to be careful) where it is not known."""
        if self.ticked_ms is None:
            return 0
        return min(max(self.ticked_ms + FRAME_MS - arrival_ms, 0), FRAME_MS)

    def note(self, transit_ms: float) -> None:
        """Take a packet's arrival minus its timestamp; leaps (a wrap) are left out."""
        before = self.transit_ms
        self.transit_ms = transit_ms
        if before is not None and abs(transit_ms - before) < _LEAP_MS:
            self.jitter_ms += (abs(transit_ms - before) - self.jitter_ms) / 16
