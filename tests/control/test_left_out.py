"""What has no effect on a call is named on its record, and the account that carries it is shown."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

import httpx
import pytest

from cordboard.control.agents.schemas import AgentFields
from cordboard.control.calls.left_out import left_out
from cordboard.dial_policy import DialRules
from cordboard.storage.tables import Call
from tests.control.server import Server

# What an agent's fields do today: by name, so that a new one has to be put here or be named.
USED: Final = frozenset(
    {
        *("name", "language", "initial_message", "interrupt_sensitivity", "context_endpoint"),
        *("endpointing_sensitivity", "conversation_speed", "initial_message_delay"),
        *("openai_model_name_override", "ask_if_human_present_on_idle", "idle_time_seconds"),
        *("run_do_not_call_detection", "llm_fallback", "llm_temperature", "deepgram_keywords"),
    }
)
PLAIN: Final[dict[str, Any]] = {
    **AgentFields.model_validate({}).model_dump(mode="json"),
    "prompt": {"content": "p", "collect_fields": None},
    "voice": {"type": "voice_vocode"},
    "actions": [{"type": "action_dtmf"}],
    "vector_database": None,
    "openai_account_connection": None,
}
TWILIO: Final[dict[str, Any]] = {
    "type": "account_connection_twilio",
    "credentials": {"twilio_account_sid": "AC" + "0" * 32, "twilio_auth_token": "secret"},
    "steering_pool": ["12025550605"],
}


def _call(**agent: object) -> Call:
    return Call(direction="inbound", carrier="twilio", agent={**PLAIN, **agent})


def test_nothing_is_asked_for() -> None:
    """With an agent's defaults nothing is left out, nor without any agent on record."""
    assert left_out(_call(), {}) == []
    assert left_out(Call(direction="inbound", carrier="twilio", agent={}), {}) == []


@pytest.mark.parametrize(
    ("agent", "named"),
    [
        ({"noise_suppression": True}, "agent.noise_suppression"),
        ({"ivr_navigation_mode": "default"}, "agent.ivr_navigation_mode"),
        ({"vector_database": {"index": "i"}}, "agent.vector_database"),
        ({"openai_model_name_override": "m"}, "agent.openai_model_name_override"),
        ({"voice": {"type": "voice_azure"}}, "agent.voice"),
        ({"actions": [PLAIN["actions"][0], {"type": "action_set_hold"}]}, "agent.actions.1"),
        ({"actions": [{"type": "action_add_to_conference"}]}, "agent.actions.0"),
    ],
)
def test_each_is_named(agent: dict[str, object], named: str) -> None:
    """A field that has no effect yet is named, and nothing else."""
    assert left_out(_call(**agent), {}) == [named]


def test_menus_are_for_calls_that_are_placed() -> None:
    """An agent finds its way through menus on a call that it places."""
    placed = Call(
        direction="outbound", carrier="sip", agent={**PLAIN, "ivr_navigation_mode": "default"}
    )
    assert left_out(placed, {}) == []


def test_the_account_pays_for_another_model() -> None:
    """With an account of its own, another model's name is honoured."""
    asked = {"openai_model_name_override": "m", "openai_account_connection": {"id": "a"}}
    assert left_out(_call(**asked), {}) == []


def test_no_field_is_dropped_silently() -> None:
    """Every field of an agent has an effect, or is named when it is set."""
    other = {"noise_suppression": True, "ivr_navigation_mode": "default"}
    named = {name.removeprefix("agent.") for name in left_out(_call(**other), {})}
    assert named | USED == set(AgentFields.model_fields)
    assert not named & USED


def test_a_call_through_an_account(server: Server, http: httpx.Client) -> None:
    """A call on a linked account's number shows the account, masked; its pool is not used yet."""
    account = http.post("/v1/account_connections/create", json=TWILIO).json()
    link = {
        "phone_number": "12025550609",
        "telephony_account_connection": account["id"],
        "inbound_agent": None,
    }
    assert http.post("/v1/numbers/link", json=link).status_code == 200
    asked = {
        "from_number": "12025550609",
        "to_number": "12025550110",
        "agent": {"prompt": {"content": "p"}, "noise_suppression": True},
    }
    rules = DialRules(countries=frozenset({"US"}))
    kept = server.app.state.services
    server.app.state.services = dataclasses.replace(kept, dial_rules=rules)
    try:
        made = http.post("/v1/calls/create", json=asked)
    finally:
        server.app.state.services = kept
    assert made.status_code == 200, made.text
    shown = made.json()["telephony_account_connection"]
    assert shown == account
    assert shown["credentials"]["twilio_auth_token"] != "secret"
    call_id = made.json()["id"]
    assert http.get("/v1/calls", params={"id": call_id}).json() == made.json()
    (listed,) = http.get("/v1/calls/list", params={"size": 1}).json()["items"]
    assert (listed["id"], listed["telephony_account_connection"]) == (call_id, account["id"])
    record = http.get("/x/v1/calls", params={"id": call_id}).json()["left_out"]
    assert record == ["agent.noise_suppression", "telephony_account_connection.steering_pool"]
    (item,) = http.get("/x/v1/calls/list", params={"size": 1}).json()["items"]
    assert item["left_out"] == record
