"""All SQL about usage."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from cordboard.control.unit import Unit
from cordboard.storage.tables import Call


async def spans_since(unit: Unit, since: datetime) -> list[tuple[datetime, datetime | None]]:
    """Return when each call that was answered since then began, and when it ended."""
    wanted = select(Call.started_at, Call.ended_at).where(
        Call.organisation_id == unit.organisation_id,
        Call.created_at >= since,
        Call.started_at.is_not(None),
    )
    rows = (await unit.session.execute(wanted)).all()
    return [(row.started_at, row.ended_at) for row in rows]
