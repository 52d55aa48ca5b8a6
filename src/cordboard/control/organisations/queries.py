"""All SQL about organisations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cordboard.control.unit import Unit
from cordboard.ports import Direction
from cordboard.storage.tables import Call, Organisation

LIVE = ("not_started", "in_progress")


async def organisation_by_id(session: AsyncSession, row_id: str) -> Organisation | None:
    """Return an organisation."""
    return await session.get(Organisation, row_id)


async def organisations(session: AsyncSession) -> Sequence[Organisation]:
    """Return all of them, oldest first."""
    wanted = select(Organisation).order_by(Organisation.created_at, Organisation.id)
    return (await session.scalars(wanted)).all()


async def own_organisation(unit: Unit, *, alone: bool = False) -> Organisation:
    """Return the unit's own; ``alone`` lets no other transaction do so until this one ends."""
    wanted = select(Organisation).where(Organisation.id == unit.organisation_id)
    return (await unit.session.scalars(wanted.with_for_update() if alone else wanted)).one()


async def live_calls_count(unit: Unit) -> int:
    """Count the calls that wait or are under way, whoever called."""
    wanted = select(func.count()).where(
        Call.organisation_id == unit.organisation_id, Call.status.in_(LIVE)
    )
    return await unit.session.scalar(wanted) or 0


async def calls_asked_for_count(unit: Unit, since: datetime) -> int:
    """Count the calls that were asked for since then."""
    wanted = select(func.count()).where(
        Call.organisation_id == unit.organisation_id,
        Call.direction == Direction.OUTBOUND.value,
        Call.created_at >= since,
    )
    return await unit.session.scalar(wanted) or 0
