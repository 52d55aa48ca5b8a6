"""Which deliveries are meant."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, func, select

from cordboard.control.deliveries.schemas import Replay, State
from cordboard.control.requests import PageQuery
from cordboard.control.unit import Unit
from cordboard.storage.tables import Delivery


async def page_of_deliveries(
    unit: Unit, page: PageQuery, state: State | None, call_id: str | None
) -> tuple[Sequence[Delivery], int]:
    """Return a page, the newest first, and how many there are in all."""
    which = [Delivery.organisation_id == unit.organisation_id]
    if state is not None:
        which.append(Delivery.state == state)
    if call_id is not None:
        which.append(Delivery.call_id == call_id)
    rows = await unit.session.scalars(
        select(Delivery)
        .where(*which)
        .order_by(Delivery.created_at.desc(), Delivery.sequence.desc(), Delivery.id)
        .limit(page.size)
        .offset((page.page - 1) * page.size)
    )
    total = await unit.session.scalar(select(func.count()).select_from(Delivery).where(*which))
    return rows.all(), total or 0


def wanted(replay: Replay) -> ColumnElement[bool]:
    """Return the condition that a replay's deliveries meet."""
    if replay.id is not None:
        return Delivery.id == str(replay.id)
    which = [Delivery.state == replay.state]
    if replay.since is not None:
        which.append(Delivery.created_at >= replay.since)
    if replay.until is not None:
        which.append(Delivery.created_at < replay.until)
    if replay.webhook is not None:
        which.append(Delivery.webhook_id == str(replay.webhook))
    return and_(*which)
