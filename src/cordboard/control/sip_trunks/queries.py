"""All SQL about SIP trunks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import func, select

from cordboard.control.rows import Columns
from cordboard.control.unit import Unit
from cordboard.storage.tables import Number, SipTrunk

COLUMNS: Final[Columns] = {"name": SipTrunk.__table__.c.name}


async def trunk_by_name(unit: Unit, name: str) -> SipTrunk | None:
    """Return the organisation's trunk of a name."""
    wanted = select(SipTrunk).where(
        SipTrunk.organisation_id == unit.organisation_id, SipTrunk.name == name
    )
    return (await unit.session.scalars(wanted)).first()


async def user_is_taken(unit: Unit, user: str, row_id: str) -> bool:
    """Tell whether a trunk other than ``row_id`` has this digest user, in any organisation."""
    same = SipTrunk.fields["user"].as_string() == user
    wanted = select(SipTrunk.id).where(same, SipTrunk.id != row_id).limit(1)
    return (await unit.session.scalars(wanted)).first() is not None


async def numbers_count(unit: Unit, trunk_id: str) -> int:
    """Return how many numbers are reached through a trunk."""
    counted = select(func.count()).select_from(Number)
    wanted = counted.where(
        Number.organisation_id == unit.organisation_id, Number.trunk_id == trunk_id
    )
    return await unit.session.scalar(wanted) or 0


async def all_trunks(unit: Unit) -> Sequence[SipTrunk]:
    """Return all trunks of the organisation, by name."""
    wanted = select(SipTrunk).where(SipTrunk.organisation_id == unit.organisation_id)
    return (await unit.session.scalars(wanted.order_by(SipTrunk.name))).all()
