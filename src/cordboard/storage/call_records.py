"""Reading what is on record about calls, for the operator's command line: all organisations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cordboard.storage.call_writes import TERMINAL
from cordboard.storage.tables import Call, CallEvent


async def newest_calls(session: AsyncSession, count: int) -> Sequence[Call]:
    """Return the newest calls, the newest first."""
    wanted = select(Call).order_by(Call.created_at.desc(), Call.id).limit(count)
    return (await session.scalars(wanted)).all()


async def calls_like(session: AsyncSession, beginning: str) -> Sequence[Call]:
    """Return calls whose id begins so, at most two: enough to tell whether it is the only one."""
    wanted = select(Call).where(Call.id.startswith(beginning, autoescape=True))
    return (await session.scalars(wanted.order_by(Call.id).limit(2))).all()


async def live_calls(session: AsyncSession, since: datetime, limit: int) -> Sequence[Call]:
    """Return calls that run or began after ``since``, the oldest first."""
    wanted = (
        select(Call)
        .where(or_(Call.status.not_in(TERMINAL), Call.created_at >= since))
        .order_by(Call.created_at, Call.id)
        .limit(limit)
    )
    return (await session.scalars(wanted)).all()


async def facts_after(
    session: AsyncSession, call_id: str, after: int, limit: int
) -> Sequence[CallEvent]:
    """Return the facts of a call that follow the number ``after``, in order."""
    wanted = (
        select(CallEvent)
        .where(CallEvent.call_id == call_id, CallEvent.sequence > after)
        .order_by(CallEvent.sequence)
        .limit(limit)
    )
    return (await session.scalars(wanted)).all()
