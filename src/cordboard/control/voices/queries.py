"""What voices are sorted by, and finding the default one."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select

from cordboard.control.rows import Columns, text_fields
from cordboard.control.unit import Unit
from cordboard.storage.tables import Voice

COLUMNS: Final[Columns] = {
    "type": Voice.__table__.c.type,
    **text_fields(Voice, "voice_id", "voice_name", "speaker"),
}


async def oldest_voice(unit: Unit, kind: str) -> Voice | None:
    """Return the organisation's first voice of a type."""
    wanted = select(Voice).where(Voice.organisation_id == unit.organisation_id, Voice.type == kind)
    return (await unit.session.scalars(wanted.order_by(Voice.created_at).limit(1))).first()
