"""How many rows a list has and where its pages begin, at a cost that does not grow with it.

Up to a thousand rows are counted. Of longer lists the rows that are older than a minute were
counted once, and every thousandth of them is remembered; so only what came since is counted each
time, and a page is found from the nearest of those marks. Rows that are removed, or put in with an
old date, show at the next whole count, after ten minutes at most.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from cordboard.storage.tables import TenantRow

EXACT_UP_TO: Final = 1_000
MARK_EVERY: Final = 1_000
SETTLED: Final = timedelta(minutes=1)
RECOUNT: Final = timedelta(minutes=10)
LISTS_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class _Known:
    """``count`` rows were there until ``until``, when all were counted at ``counted_at``.

    ``marks`` are the beginning and id of every ``every``-th row, from the oldest on.
    """

    count: int
    until: datetime
    counted_at: datetime
    every: int
    marks: tuple[tuple[datetime, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Total:
    """A list's ``count``, and from where its rows can be reached, the newest first."""

    count: int
    _table: type[TenantRow]
    _known: _Known | None = field(default=None)

    def start(self, offset: int) -> tuple[tuple[ColumnElement[Any], ...], int]:
        """Return conditions and the rows to pass over, to begin at ``offset`` from the newest."""
        known = self._known
        if known is None:
            return (), offset
        # The row's place from the oldest, counted from one, and the next mark at or after it.
        place = self.count - offset
        index = -(-place // known.every) - 1
        if place <= 0 or index >= len(known.marks):
            return (), offset
        at, row_id = known.marks[index]
        newest = tuple_(self._table.created_at, self._table.id)
        mark = tuple_(literal(at, self._table.created_at.type), literal(row_id))
        return (newest <= mark,), (index + 1) * known.every - place


class Totals:
    """The totals of long lists; at most a thousand are remembered, the longest unused go first."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, ...], _Known] = OrderedDict()

    async def of(
        self,
        session: AsyncSession,
        table: type[TenantRow],
        organisation_id: str,
        now: datetime,
        only: Sequence[ColumnElement[bool]] = (),
    ) -> Total:
        """Return how many rows an organisation has in ``table``, of those that ``only`` lets in."""
        mine = and_(table.organisation_id == organisation_id, *only)
        key = (organisation_id, table.__tablename__, *map(_text, only))
        known = self._known.pop(key, None)
        settled = now - SETTLED
        if known is None or now - known.counted_at >= RECOUNT:
            few = select(table.id).where(mine).limit(EXACT_UP_TO + 1).subquery()
            found = await session.scalar(select(func.count()).select_from(few)) or 0
            if found <= EXACT_UP_TO:
                return Total(found, table)
            known = await _counted(session, table, mine, now)
        elif settled - known.until >= SETTLED:
            since = (table.created_at > known.until, table.created_at <= settled)
            more = await _count(session, mine, *since)
            known = replace(known, count=known.count + more, until=settled)
        self._known[key] = known
        if len(self._known) > LISTS_MAX:
            self._known.popitem(last=False)
        fresh = await _count(session, mine, table.created_at > known.until)
        return Total(known.count + fresh, table, known)


async def _counted(
    session: AsyncSession, table: type[TenantRow], mine: ColumnElement[bool], now: datetime
) -> _Known:
    settled = now - SETTLED
    order = (table.created_at, table.id)
    place = func.row_number().over(order_by=order).label("place")
    numbered = select(*order, place).where(mine, table.created_at <= settled).subquery()
    every = numbered.c.place % MARK_EVERY == 0
    marked = select(numbered.c.created_at, numbered.c.id).where(every).order_by(numbered.c.place)
    marks = tuple((row.created_at, row.id) for row in await session.execute(marked))
    count = await _count(session, mine, table.created_at <= settled)
    return _Known(count, settled, now, MARK_EVERY, marks)


def _text(condition: ColumnElement[bool]) -> str:
    return str(condition.compile(compile_kwargs={"literal_binds": True}))


async def _count(session: AsyncSession, *conditions: ColumnElement[Any]) -> int:
    return await session.scalar(select(func.count()).where(*conditions)) or 0
