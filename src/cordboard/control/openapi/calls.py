"""The schemas of calls and usage."""

from __future__ import annotations

from typing import Final

from cordboard.control.calls.create import CreateCallParams
from cordboard.control.calls.schemas import CARRIER_FACTS
from cordboard.control.numbers.schemas import KNOWN_PROVIDERS, SIP
from cordboard.control.openapi.resources import CARRIER_ACCOUNT
from cordboard.control.openapi.shapes import (
    COUNT,
    FLAG,
    MOMENT,
    NOTHING,
    TEXT,
    UUID,
    Shape,
    either,
    fields_of,
    one_of,
    or_nothing,
    page_of,
    record,
    ref,
    shown,
    whole,
)

_TEXTS: Final[Shape] = {"type": "object", "additionalProperties": {"type": "string"}}


def _metadata() -> Shape:
    """Return what carriers tell of a call; each says which one it is."""
    facts = {name: or_nothing(TEXT) for name in CARRIER_FACTS}
    kinds = [f"telephony_metadata_{name}" for name in KNOWN_PROVIDERS]
    forms = [
        record({"type": {"type": "string", "enum": [kind], "const": kind}, **facts}, [])
        for kind in kinds
    ]
    return or_nothing({"oneOf": forms})


def _common() -> Shape:
    return {
        "status": one_of("not_started", "in_progress", "error", "ended"),
        "error_message": or_nothing(TEXT),
        "recording_available": FLAG,
        "transcript": or_nothing(TEXT),
        "human_detection_result": or_nothing(one_of("human", "no_human")),
        "do_not_call_result": or_nothing(FLAG),
        "telephony_id": or_nothing(TEXT),
        "stage": or_nothing(
            one_of("created", "picked_up", "transfer_started", "transfer_successful")
        ),
        "stage_outcome": or_nothing(
            one_of(
                *("human_unanswered", "call_did_not_connect", "human_disconnected"),
                *("bot_disconnected", "transfer_unanswered", "transfer_disconnected"),
            )
        ),
        "telephony_metadata": _metadata(),
        "to_number": TEXT,
        "from_number": TEXT,
        "telephony_provider": one_of(*KNOWN_PROVIDERS, SIP),
        "agent_phone_number": TEXT,
        "hipaa_compliant": FLAG,
        "on_no_human_answer": or_nothing(one_of("continue", "hangup")),
        "context": or_nothing(_TEXTS),
        "run_do_not_call_detection": or_nothing(FLAG),
        "telephony_params": or_nothing(_TEXTS),
        "carrier": TEXT,
        "trunk_id": or_nothing(UUID),
    }


def call_schemas() -> Shape:
    """Return the schemas of calls, and of usage."""
    common = _common()
    seen = {
        "start_time": or_nothing(MOMENT),
        "end_time": or_nothing(MOMENT),
        "agent": ref("Agent"),
        "telephony_account_connection": or_nothing(CARRIER_ACCOUNT),
    }
    instant = either(MOMENT, {"type": "number"}, NOTHING)
    listed = {
        "start_time": instant,
        "end_time": instant,
        "agent": either(UUID, NOTHING),
        "telephony_account_connection": either(UUID, CARRIER_ACCOUNT, NOTHING),
    }
    agent = either(UUID, ref("AgentParams"), ref("AgentUpdateParams"))
    asked = fields_of(CreateCallParams, {"agent": agent})
    usage = {
        "user_id": TEXT,
        "plan_type": one_of("plan_free", "plan_developer", "plan_enterprise", "plan_unlimited"),
        "monthly_usage_minutes": COUNT,
        "monthly_usage_limit_minutes": or_nothing(COUNT),
        "limit_reached": FLAG,
    }
    return {
        "CreateCallRequest": record(asked["properties"], ["from_number", "to_number", "agent"]),
        "Call": shown(whole({**common, **seen})),
        "NormalizedCall": shown(whole({**common, **listed})),
        "CallPage": page_of(ref("NormalizedCall")),
        "Usage": whole(usage),
    }
