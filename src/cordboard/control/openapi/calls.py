"""The schemas of calls and usage."""

from __future__ import annotations

from typing import Final

from cordboard.control.calls.create import CreateCallParams
from cordboard.control.calls.schemas import CARRIER_FACTS
from cordboard.control.numbers.schemas import KNOWN_PROVIDERS, SIP
from cordboard.control.openapi.resources import CARRIER_ACCOUNT
from cordboard.control.openapi.shapes import (
    NOTHING,
    UUID,
    Shape,
    either,
    fields_of,
    page_of,
    record,
    ref,
    shown,
)

_TEXT: Final[Shape] = {"type": "string"}
_FLAG: Final[Shape] = {"type": "boolean"}
_TEXTS: Final[Shape] = {"type": "object", "additionalProperties": {"type": "string"}}


def _or_nothing(shape: Shape) -> Shape:
    return either(shape, NOTHING)


def _one_of(*words: str) -> Shape:
    return {"type": "string", "enum": list(words)}


def _metadata() -> Shape:
    """Return what carriers tell of a call; each says which one it is."""
    facts = {name: _or_nothing(_TEXT) for name in CARRIER_FACTS}
    kinds = [f"telephony_metadata_{name}" for name in KNOWN_PROVIDERS]
    forms = [
        record({"type": {"type": "string", "enum": [kind], "const": kind}, **facts}, [])
        for kind in kinds
    ]
    return _or_nothing({"oneOf": forms})


def _common() -> Shape:
    return {
        "status": _one_of("not_started", "in_progress", "error", "ended"),
        "error_message": _or_nothing(_TEXT),
        "recording_available": _FLAG,
        "transcript": _or_nothing(_TEXT),
        "human_detection_result": _or_nothing(_one_of("human", "no_human")),
        "do_not_call_result": _or_nothing(_FLAG),
        "telephony_id": _or_nothing(_TEXT),
        "stage": _or_nothing(
            _one_of("created", "picked_up", "transfer_started", "transfer_successful")
        ),
        "stage_outcome": _or_nothing(
            _one_of(
                *("human_unanswered", "call_did_not_connect", "human_disconnected"),
                *("bot_disconnected", "transfer_unanswered", "transfer_disconnected"),
            )
        ),
        "telephony_metadata": _metadata(),
        "to_number": _TEXT,
        "from_number": _TEXT,
        "telephony_provider": _one_of(*KNOWN_PROVIDERS, SIP),
        "agent_phone_number": _TEXT,
        "hipaa_compliant": _FLAG,
        "on_no_human_answer": _or_nothing(_one_of("continue", "hangup")),
        "context": _or_nothing(_TEXTS),
        "run_do_not_call_detection": _or_nothing(_FLAG),
        "telephony_params": _or_nothing(_TEXTS),
        "carrier": _TEXT,
        "trunk_id": _or_nothing(UUID),
    }


def call_schemas() -> Shape:
    """Return the schemas of calls, and of usage."""
    common = _common()
    moment = {"type": "string", "format": "date-time"}
    whole = {
        "start_time": _or_nothing(moment),
        "end_time": _or_nothing(moment),
        "agent": ref("Agent"),
        "telephony_account_connection": _or_nothing(CARRIER_ACCOUNT),
    }
    instant = either(moment, {"type": "number"}, NOTHING)
    listed = {
        "start_time": instant,
        "end_time": instant,
        "agent": either(UUID, NOTHING),
        "telephony_account_connection": either(UUID, CARRIER_ACCOUNT, NOTHING),
    }
    agent = either(UUID, ref("AgentParams"), ref("AgentUpdateParams"))
    asked = fields_of(CreateCallParams, {"agent": agent})
    usage = {
        "user_id": _TEXT,
        "plan_type": _one_of("plan_free", "plan_developer", "plan_enterprise", "plan_unlimited"),
        "monthly_usage_minutes": {"type": "integer"},
        "monthly_usage_limit_minutes": _or_nothing({"type": "integer"}),
    }
    return {
        "CreateCallRequest": record(asked["properties"], ["from_number", "to_number", "agent"]),
        "Call": shown(record({**common, **whole}, [*common, *whole])),
        "NormalizedCall": shown(record({**common, **listed}, [*common, *listed])),
        "CallPage": page_of(ref("NormalizedCall")),
        "Usage": record(usage, list(usage)),
    }
