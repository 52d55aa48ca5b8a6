"""The call's own time: it runs with the clock, stands still, or is moved on."""

from __future__ import annotations

from cordboard.ports import Clock


class Pace:
    """Milliseconds of one call, which stand still while nobody but the typist is waited for."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead_ms = 0
        self._still_ms: int | None = None

    def now_ms(self) -> int:
        """Return the call's time."""
        if self._still_ms is not None:
            return self._still_ms
        return self._clock.now_ms() + self._ahead_ms

    def stand_still(self) -> None:
        """Let no time pass until it runs again."""
        if self._still_ms is None:
            self._still_ms = self.now_ms()

    def run(self) -> None:
        """Let time pass from where it stood."""
        if self._still_ms is not None:
            self._ahead_ms = self._still_ms - self._clock.now_ms()
            self._still_ms = None

    def skip_to(self, at_ms: int) -> None:
        """Move the time on, never back."""
        left_ms = max(0, at_ms - self.now_ms())
        if self._still_ms is not None:
            self._still_ms += left_ms
        else:
            self._ahead_ms += left_ms
