"""How many and how often a tenant may dial; pure, so time comes in as ``now_ms``."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from cordboard.dial_policy.decision import Refused

CONCURRENT: Final = "concurrent_limit"
RATE: Final = "rate_limit"
"""The two refusals that pass by waiting."""

_SECOND_MS: Final = 1_000
_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DialLimits:
    """Limits of one tenant; ``per_day_minutes`` None means that minutes are not counted."""

    concurrent_count: int = 10
    per_second_count: int = 1
    per_destination_hour_count: int = 3
    per_day_minutes: int | None = None


@dataclass(slots=True)
class DialGauge:
    """What one tenant has dialled lately; memory is bounded by what the limits let through."""

    limits: DialLimits
    running_count: int = 0
    _attempts: deque[tuple[int, str]] = field(default_factory=deque)
    _of_number: Counter[str] = field(default_factory=Counter)
    _talks: deque[tuple[int, int]] = field(default_factory=deque)

    def remember(
        self, attempts: Sequence[tuple[int, str]], talks: Sequence[tuple[int, int]]
    ) -> None:
        """Take what is on record of the time before: dials (when, which number), in order, and
        conversations (when they ended, how long they were). Times may be below zero.
        """
        self._attempts.extendleft(reversed(attempts))
        self._of_number.update(number for _, number in attempts)
        self._talks.extendleft(reversed(talks))

    def admit(self, number: str, now_ms: int, *, further: bool = False) -> Refused | None:
        """Count a dial to ``number`` (as ``Allowed`` spells it), or say why it must not happen.

        ``further`` means another number for a call that runs already, as a redirection brings it.
        """
        self._forget(now_ms)
        refusal = self._refusal(number, now_ms, self.running_count - further)
        if refusal is None:
            self.running_count += not further
            self._attempts.append((now_ms, number))
            self._of_number[number] += 1
        return refusal

    def wait_ms(self, now_ms: int) -> int:
        """Return how long the rate makes a dial wait; 0 where it may be made now."""
        if self._lately(now_ms) < self.limits.per_second_count:
            return 0
        at_ms, _ = self._attempts[-self.limits.per_second_count]
        return at_ms + _SECOND_MS - now_ms

    def ended(self, now_ms: int, talk_ms: int) -> None:
        """Note that an admitted call is over, after ``talk_ms`` of conversation."""
        assert self.running_count > 0, "more calls ended than were admitted"
        self.running_count -= 1
        if self.limits.per_day_minutes is not None and talk_ms > 0:
            self._talks.append((now_ms, talk_ms))

    def _refusal(self, number: str, now_ms: int, running_count: int) -> Refused | None:
        limits = self.limits
        if running_count >= limits.concurrent_count:
            return Refused(CONCURRENT, "too many calls at the same time")
        if self._of_number[number] >= limits.per_destination_hour_count:
            return Refused("destination_limit", "this number was dialled too often in an hour")
        if self._lately(now_ms) >= limits.per_second_count:
            return Refused(RATE, "too many calls in one second")
        if limits.per_day_minutes is not None:
            spent_ms = sum(talk_ms for _, talk_ms in self._talks)
            if spent_ms >= limits.per_day_minutes * 60_000:
                return Refused("minutes_limit", "the minutes of this day are used up")
        return None

    def _lately(self, now_ms: int) -> int:
        count = 0
        for at_ms, _ in reversed(self._attempts):
            if now_ms - at_ms >= _SECOND_MS:
                break
            count += 1
        return count

    def _forget(self, now_ms: int) -> None:
        while self._attempts and now_ms - self._attempts[0][0] >= _HOUR_MS:
            _, number = self._attempts.popleft()
            self._of_number[number] -= 1
            if not self._of_number[number]:
                del self._of_number[number]
        while self._talks and now_ms - self._talks[0][0] >= _DAY_MS:
            self._talks.popleft()
