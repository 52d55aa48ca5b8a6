"""How much an organisation has telephoned this month, and whether that is enough."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cordboard.ports import Clock
from cordboard.storage.tables import Call

KEPT_MS: Final = 10_000
ORGANISATIONS_MAX: Final = 10_000
USED_UP: Final = "the minutes of this month are used up (CORDBOARD_MONTHLY_MINUTES_MAX)"


def month_of(now: datetime) -> datetime:
    """Return when the month of ``now`` began."""
    return now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


async def minutes_of_month(session: AsyncSession, organisation_id: str, now: datetime) -> int:
    """Return the minutes of an organisation's answered calls of this month (UTC), rounded up."""
    wanted = select(Call.started_at, Call.ended_at).where(
        Call.organisation_id == organisation_id,
        Call.created_at >= month_of(now),
        Call.started_at.is_not(None),
    )
    seconds = sum(
        ((row.ended_at or now) - row.started_at).total_seconds()
        for row in (await session.execute(wanted)).all()
        if row.started_at is not None
    )
    return -int(-seconds // 60)


class MonthlyMinutes:
    """Tells for each call that comes in whether there are minutes left; what is known holds for ten
    seconds, since a flood of calls must not have the month counted for each of them.
    """

    def __init__(self, clock: Clock, most: int) -> None:
        """``most`` is each organisation's, 0 for any number."""
        self._clock = clock
        self._most = most
        self._known: OrderedDict[str, tuple[int, int]] = OrderedDict()

    async def are_used_up(self, session: AsyncSession, organisation_id: str) -> bool:
        """Tell whether the organisation has had all its minutes."""
        if not self._most:
            return False
        now_ms = self._clock.now_ms()
        counted_ms, minutes = self._known.get(organisation_id, (now_ms - KEPT_MS, 0))
        if now_ms - counted_ms >= KEPT_MS:
            minutes = await minutes_of_month(session, organisation_id, self._clock.wall())
            self._known[organisation_id] = now_ms, minutes
            self._known.move_to_end(organisation_id)
            if len(self._known) > ORGANISATIONS_MAX:
                self._known.popitem(last=False)
        return minutes >= self._most
