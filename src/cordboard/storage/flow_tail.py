"""What happens on the calls of one flow, as it gets on record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select, union
from sqlalchemy.ext.asyncio import AsyncSession

from cordboard.storage.call_writes import TERMINAL
from cordboard.storage.tables import Call, CallEvent

OVERLAP: Final = timedelta(seconds=10)
"""Facts are written in batches, and clocks differ: so far back one looks for new calls."""

OPEN: Final = ("not_started", "in_progress")
CALLS_MAX: Final = 200
FACTS_MAX: Final = 1_000


class FlowTail:
    """Follows a flow's calls: those that run, from their beginning, and those that begin.

    With ``since``, calls that ended after that moment too, and of all of them only what happened
    after it. Of more than 200 calls at a time the oldest 200 are followed.
    """

    def __init__(
        self, organisation_id: str, flow_id: str, now: datetime, since: datetime | None = None
    ) -> None:
        self._mine = (Call.organisation_id == organisation_id, Call.flow_id == flow_id)
        self._facts_since = since
        self._calls_since = now - OVERLAP if since is None else since
        self._after: dict[str, int] = {}
        self._finished: set[str] = set()

    async def step(self, session: AsyncSession, now: datetime) -> Sequence[CallEvent]:
        """Return the facts that are new, in order for each call."""
        listed = await self._listed(session)
        self._calls_since = max(self._calls_since, now - OVERLAP)
        self._finished &= listed
        for call_id in listed - self._finished:
            self._after.setdefault(call_id, -1)
        over = set(
            await session.scalars(
                select(Call.id).where(Call.id.in_(list(self._after)), Call.status.in_(TERMINAL))
            )
        )
        new: list[CallEvent] = []
        for call_id in list(self._after):
            facts = await self._facts(session, call_id)
            new += facts
            if call_id in over and len(facts) < FACTS_MAX:
                del self._after[call_id]
                self._finished.add(call_id)
        return new

    async def _listed(self, session: AsyncSession) -> set[str]:
        since = self._calls_since
        wanted = select(Call.id, Call.created_at).where(*self._mine)
        # Each by an index of its own, however many calls the flow has had.
        listed = union(
            wanted.where(Call.status.in_(OPEN)),
            wanted.where(Call.created_at >= since),
            wanted.where(Call.ended_at >= since),
        )
        found = await session.execute(listed.order_by("created_at").limit(CALLS_MAX))
        return {row.id for row in found}

    async def _facts(self, session: AsyncSession, call_id: str) -> Sequence[CallEvent]:
        wanted = select(CallEvent).where(
            CallEvent.call_id == call_id, CallEvent.sequence > self._after[call_id]
        )
        if self._facts_since is not None:
            wanted = wanted.where(CallEvent.at >= self._facts_since)
        found = await session.scalars(wanted.order_by(CallEvent.sequence).limit(FACTS_MAX))
        facts = found.all()
        if facts:
            self._after[call_id] = facts[-1].sequence
        return facts
