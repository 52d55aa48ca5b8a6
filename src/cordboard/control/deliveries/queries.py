"""Which deliveries are meant."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, func, select

from cordboard.control.deliveries.schemas import Replay, State
from cordboard.control.requests import PageQuery
from cordboard.control.unit import Unit
from cordboard.storage.tables import Delivery, WebhookHealth


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


async def healths_of(unit: Unit, webhook_ids: Sequence[str]) -> dict[str, WebhookHealth]:
    """Return how webhooks of the organisation fare, as far as anything was sent to them."""
    rows = await unit.session.scalars(
        select(WebhookHealth).where(
            WebhookHealth.organisation_id == unit.organisation_id,
            WebhookHealth.webhook_id.in_(webhook_ids),
        )
    )
    return {row.webhook_id: row for row in rows}


async def counts_of(unit: Unit, webhook_ids: Sequence[str]) -> dict[tuple[str, str], int]:
    """Return how many deliveries there are by webhook and state."""
    counted = (
        select(Delivery.webhook_id, Delivery.state, func.count())
        .where(
            Delivery.organisation_id == unit.organisation_id,
            Delivery.webhook_id.in_(webhook_ids),
        )
        .group_by(Delivery.webhook_id, Delivery.state)
    )
    return {(row[0], row[1]): row[2] for row in await unit.session.execute(counted)}


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
