"""What an organisation may use: looked at before more of it is given."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final

from cordboard.control.errors import QuotaUsedUp
from cordboard.control.organisations.queries import (
    calls_asked_for_count,
    live_calls_count,
    own_organisation,
)
from cordboard.control.unit import Unit

WINDOW_MS: Final = 60_000
CALL_RETRY_S: Final = 5
ORGANISATIONS_MAX: Final = 10_000


class RequestRates:
    """Counts each organisation's requests in windows of a minute, in this process alone.

    Counted in the database, every request, of reading too, would wait for the one transaction that
    writes at a time, beside running calls. What costs money is counted there: calls and minutes.

    Of more than 10,000 organisations with a limit, those whose window began longest ago are
    forgotten.
    """

    def __init__(self) -> None:
        """Begin with nothing counted."""
        self._windows: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def count(self, organisation_id: str, most: int | None, now_ms: int) -> None:
        """Count a request.

        Raises:
            QuotaUsedUp: the window has had ``most`` already; None is no limit.

        """
        if most is None:
            return
        began_ms, count = self._windows.get(organisation_id, (now_ms, 0))
        if now_ms - began_ms >= WINDOW_MS:
            began_ms, count = now_ms, 0
        if count >= most:
            seconds = -(-(WINDOW_MS - (now_ms - began_ms)) // 1000)
            raise QuotaUsedUp(f"The organisation may send {most} requests in a minute", seconds)
        self._windows[organisation_id] = began_ms, count + 1
        if count == 0:
            self._windows.move_to_end(organisation_id)
        if len(self._windows) > ORGANISATIONS_MAX:
            self._windows.popitem(last=False)


async def check_calls(unit: Unit) -> None:
    """Refuse one more call than the organisation may have.

    Raises:
        QuotaUsedUp: it has as many at this time, or has asked for as many today.

    """
    limits = await own_organisation(unit)
    if limits.calls_max_count is None and limits.calls_per_day_max_count is None:
        return
    # Another request must not count at the same time: both would find room for one.
    limits = await own_organisation(unit, alone=True)
    if limits.calls_max_count is not None:
        await _check_live(unit, limits.calls_max_count)
    if limits.calls_per_day_max_count is not None:
        await _check_day(unit, limits.calls_per_day_max_count)


async def _check_live(unit: Unit, most: int) -> None:
    if await live_calls_count(unit) >= most:
        raise QuotaUsedUp(f"The organisation may have {most} calls at a time", CALL_RETRY_S)


async def _check_day(unit: Unit, most: int) -> None:
    now = unit.services.clock.wall()
    day = _day_of(now)
    if await calls_asked_for_count(unit, day) >= most:
        left = day + timedelta(days=1) - now
        raise QuotaUsedUp(
            f"The organisation may ask for {most} calls in a day (UTC)",
            int(left.total_seconds()) + 1,
        )


def _day_of(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)
