"""The two forms of a call: whole, and as an item of a list (reference sections 1.4 and 3.2)."""

from __future__ import annotations

from datetime import datetime

from cordboard.control.fields import Json
from cordboard.control.numbers.schemas import ASSUMED_PROVIDER, SIP, shown_provider
from cordboard.storage.tables import Call, CallEvent

# The last version of the other official client that reads texts as times in lists.
_LAST_WITH_TEXT_TIMES = (0, 0, 46)
_FIRST_WITH_HUMAN_DETECTION = (0, 0, 24)
CARRIER_FACTS = [
    "call_sid",
    "call_status",
    "transfer_call_sid",
    "transfer_call_status",
    "conference_sid",
]

Version = tuple[int, ...] | None


def shown_call(row: Call, version: Version, connection: Json | None) -> Json:
    """Return a call whole: times as texts, the agent as it was when the call began.

    ``connection`` is the linked account that carries it.
    """
    return {
        **_common(row, version),
        "start_time": _text(row.started_at),
        "end_time": _text(row.ended_at),
        "agent": row.agent,
        "telephony_account_connection": connection,
    }


def listed_call(row: Call, version: Version, *, text_times: bool = False) -> Json:
    """Return a call as an item of a list: times as epoch seconds, the agent by its id."""
    times = _text if text_times else _epoch
    return {
        **_common(row, version),
        "start_time": times(row.started_at),
        "end_time": times(row.ended_at),
        "agent": row.agent_id or row.agent.get("id"),
        "telephony_account_connection": row.telephony_account_connection_id,
    }


def wants_text_times(language: str | None, version: Version) -> bool:
    """Tell whether the client is the JavaScript one of before August 2024."""
    if (language or "").lower() != "javascript":
        return False
    return version is not None and version <= _LAST_WITH_TEXT_TIMES


def shown_event(row: CallEvent) -> Json:
    """Return one fact of a call's timeline."""
    return {
        "sequence": row.sequence,
        "kind": row.kind,
        "at": _text(row.at),
        "at_ms": row.at_ms,
        "content": row.content,
    }


def extended(row: Call) -> Json:
    """Return what the public API has no place for, for our own routes."""
    flow = {"agent": None, "flow": row.agent} if row.flow_id is not None else {"flow": None}
    return {
        **flow,
        "direction": row.direction,
        "operator": row.operator,
        "end_reason": row.end_reason,
        "created_at": _text(row.created_at),
    }


def _common(row: Call, version: Version) -> Json:
    return {
        **_old_names(row, version),
        "id": row.id,
        "user_id": row.organisation_id,
        "status": row.status,
        "error_message": row.error_message,
        "recording_available": row.recording_available,
        "transcript": row.transcript,
        "human_detection_result": row.human_detection_result,
        "do_not_call_result": row.do_not_call_result,
        "telephony_id": row.telephony_id,
        "stage": row.stage,
        "stage_outcome": row.stage_outcome,
        "telephony_metadata": _metadata(row),
        "to_number": row.to_number,
        "from_number": row.from_number,
        "telephony_provider": shown_provider(row.telephony_provider, version),
        "agent_phone_number": row.agent_phone_number,
        "hipaa_compliant": row.hipaa_compliant,
        "on_no_human_answer": row.on_no_human_answer,
        "context": row.call_variables,
        "run_do_not_call_detection": row.run_do_not_call_detection,
        "telephony_params": row.telephony_params,
        "carrier": row.carrier,
        "trunk_id": row.trunk_id,
    }


def _metadata(row: Call) -> Json | None:
    """Return what a carrier tells of a call; one over SIP has none."""
    if row.telephony_provider == SIP:
        return None
    told = row.telephony_metadata or {}
    kind = {"type": f"telephony_metadata_{row.telephony_provider}"}
    if row.telephony_provider == ASSUMED_PROVIDER:
        return {**kind, **told}
    return {**kind, **dict.fromkeys(CARRIER_FACTS), "call_sid": row.telephony_id, **told}


def _old_names(row: Call, version: Version) -> Json:
    """Return what clients of before October 2023 look for."""
    if version is None or version >= _FIRST_WITH_HUMAN_DETECTION:
        return {}
    result = "machine" if row.human_detection_result == "no_human" else row.human_detection_result
    return {"machine_detection_result": result}


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _epoch(at: datetime | None) -> float | None:
    return at.timestamp() if at else None
