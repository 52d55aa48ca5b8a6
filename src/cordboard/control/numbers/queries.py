"""All SQL about numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select

from cordboard.control.rows import Columns
from cordboard.control.unit import Unit
from cordboard.storage.tables import Number, NumberWish

_COLUMNS = Number.__table__.c

COLUMNS: Final[Columns] = {
    name: _COLUMNS[name]
    for name in ("number", "label", "active", "outbound_only", "telephony_provider")
} | {"inbound_agent": _COLUMNS.inbound_agent_id}


async def number_of(unit: Unit, number: str) -> Number | None:
    """Return the organisation's row of a number in its stored form."""
    wanted = select(Number).where(
        Number.organisation_id == unit.organisation_id, Number.number == number
    )
    return (await unit.session.scalars(wanted)).first()


async def all_numbers(unit: Unit) -> Sequence[Number]:
    """Return all numbers of the organisation, in order."""
    wanted = select(Number).where(Number.organisation_id == unit.organisation_id)
    return (await unit.session.scalars(wanted.order_by(Number.number))).all()


async def problem_of(unit: Unit, row: Number) -> str | None:
    """Return why the carrier has not done yet what it was asked about a number."""
    wanted = select(NumberWish.problem).where(
        NumberWish.organisation_id == unit.organisation_id, NumberWish.number == row.number
    )
    return await unit.session.scalar(wanted)
