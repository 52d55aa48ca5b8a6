"""All SQL about flows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import func, select

from cordboard.control.rows import Columns, text_fields
from cordboard.control.unit import Unit
from cordboard.storage.tables import Flow, Number

COLUMNS: Final[Columns] = text_fields(Flow, "name", "url", "transport", "language")


async def flow_by_name(unit: Unit, name: str) -> Flow | None:
    """Return the organisation's flow of a name."""
    same = Flow.fields["name"].as_string() == name
    wanted = select(Flow).where(Flow.organisation_id == unit.organisation_id, same).limit(1)
    return (await unit.session.scalars(wanted)).first()


async def numbers_count(unit: Unit, flow_id: str) -> int:
    """Return how many numbers lead to a flow."""
    counted = select(func.count()).select_from(Number)
    wanted = counted.where(
        Number.organisation_id == unit.organisation_id, Number.inbound_flow_id == flow_id
    )
    return await unit.session.scalar(wanted) or 0


async def number_of_flow(unit: Unit, flow_id: str) -> Number | None:
    """Return the number that has led to a flow the longest, among those in use."""
    wanted = select(Number).where(
        Number.organisation_id == unit.organisation_id,
        Number.inbound_flow_id == flow_id,
        Number.active.is_(True),
    )
    return (await unit.session.scalars(wanted.order_by(Number.created_at, Number.id))).first()


async def all_flows(unit: Unit) -> Sequence[Flow]:
    """Return all flows of the organisation, the oldest first."""
    wanted = select(Flow).where(Flow.organisation_id == unit.organisation_id)
    return (await unit.session.scalars(wanted.order_by(Flow.created_at, Flow.id))).all()
