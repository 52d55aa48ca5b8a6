"""All SQL about calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select

from cordboard.control.rows import Columns
from cordboard.control.unit import Unit
from cordboard.storage.tables import Call, CallEvent

_COLUMNS = Call.__table__.c
_PLAIN: Final = (
    *("status", "stage", "stage_outcome", "error_message", "recording_available"),
    *("from_number", "to_number", "agent_phone_number", "telephony_provider", "telephony_id"),
    *("human_detection_result", "do_not_call_result", "on_no_human_answer", "hipaa_compliant"),
    *("run_do_not_call_detection", "transcript", "carrier", "direction", "end_reason"),
)

COLUMNS: Final[Columns] = {name: _COLUMNS[name] for name in _PLAIN} | {
    "start_time": _COLUMNS.started_at,
    "end_time": _COLUMNS.ended_at,
    "agent": _COLUMNS.agent_id,
}


async def events_of(unit: Unit, call_id: str, after: int, limit: int) -> Sequence[CallEvent]:
    """Return the facts of a call's timeline that follow ``after``."""
    wanted = select(CallEvent).where(
        CallEvent.organisation_id == unit.organisation_id,
        CallEvent.call_id == call_id,
        CallEvent.sequence > after,
    )
    return (await unit.session.scalars(wanted.order_by(CallEvent.sequence).limit(limit))).all()
