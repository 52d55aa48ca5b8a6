"""When a failed delivery is tried again, and when nothing more is; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

WAITS: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""Between the first attempt, which is made at once, and each one after it."""

SPREAD: Final = 0.2
DISABLED_AFTER: Final = timedelta(days=5)
HOLD: Final = timedelta(seconds=60)
"""So long at most an event that fails holds back the later ones of its call."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from an attempt: done, or again after a wait, or given up (no wait).

    ``gone`` says that the receiver wants nothing more at all.
    """

    delivered: bool = False
    wait: timedelta | None = None
    gone: bool = False


def judge(
    status: int | None, headers: Mapping[str, str], attempts_count: int, chance: float
) -> Verdict:
    """Judge the answer to attempt number ``attempts_count`` (from 1); None where none came.

    ``chance`` in [0, 1) spreads the wait by a fifth either way. ``Retry-After`` in seconds counts
    between the schedule's own wait and twice that. 410 says that the receiver is gone; any other
    status but 2xx is tried again, redirects too, which are not followed.
    """
    if status is not None and 200 <= status <= 299:
        return Verdict(delivered=True)
    if status == 410:
        return Verdict(gone=True)
    if attempts_count > len(WAITS):
        return Verdict()
    base = WAITS[attempts_count - 1]
    wait = base * (1 - SPREAD + 2 * SPREAD * chance)
    asked = headers.get("retry-after", "").strip()
    if status in (429, 503) and asked.isascii() and asked.isdigit():
        seconds = min(int(asked[:9]), 2 * base.total_seconds())
        wait = max(wait, timedelta(seconds=seconds))
    return Verdict(wait=wait)
