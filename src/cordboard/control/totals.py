"""How many rows a list has, at a cost that does not grow with their number.

Up to a thousand are counted. Of longer lists the rows that are older than a minute were counted
once and are remembered, so that only what came since is counted each time. Rows that are removed,
or put in with an old date, show in such a total at the next whole count.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cordboard.storage.tables import TenantRow

EXACT_UP_TO: Final = 1_000
SETTLED: Final = timedelta(minutes=1)
RECOUNT: Final = timedelta(minutes=10)
LISTS_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Known:
    """``count`` rows were there until ``until``, when all were counted at ``counted_at``."""

    count: int
    until: datetime
    counted_at: datetime


class Totals:
    """The totals of long lists; at most 10,000 are remembered, the longest unused go first."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], _Known] = OrderedDict()

    async def of(
        self, session: AsyncSession, table: type[TenantRow], organisation_id: str, now: datetime
    ) -> int:
        """Return how many rows an organisation has in ``table``."""
        mine = table.organisation_id == organisation_id
        few = select(table.id).where(mine).limit(EXACT_UP_TO + 1).subquery()
        found = await session.scalar(select(func.count()).select_from(few)) or 0
        if found <= EXACT_UP_TO:
            return found
        key = (organisation_id, table.__tablename__)
        known = self._known.pop(key, None)
        settled = now - SETTLED
        if known is None or now - known.counted_at >= RECOUNT:
            known = _Known(await _count(session, mine, table.created_at <= settled), settled, now)
        elif settled - known.until >= SETTLED:
            since = (table.created_at > known.until, table.created_at <= settled)
            more = await _count(session, mine, *since)
            known = replace(known, count=known.count + more, until=settled)
        self._known[key] = known
        if len(self._known) > LISTS_MAX:
            self._known.popitem(last=False)
        return known.count + await _count(session, mine, table.created_at > known.until)


async def _count(session: AsyncSession, *conditions: ColumnElement[Any]) -> int:
    return await session.scalar(select(func.count()).where(*conditions)) or 0
