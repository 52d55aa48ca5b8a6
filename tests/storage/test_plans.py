"""From rows to plans: what a call gets to know of its agent, and of the number that was called."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from cordboard.call.actions import ActionKind, SpeakBefore
from cordboard.call.context_answer import ContextAnswer
from cordboard.call.plan import CallPlan
from cordboard.clock import VirtualClock
from cordboard.storage.database import Database, migrate
from cordboard.storage.inbound_plans import ContextQuestion, InboundPlans
from cordboard.storage.plan_actions import action_plans, collecting_instructions
from cordboard.storage.plans import (
    AgentMissing,
    PlanOptions,
    build_plan,
    standard_variables,
    substituted,
)
from cordboard.storage.secrets import secret_place, signature_secret
from cordboard.storage.tables import (
    Action,
    Agent,
    AgentAction,
    Number,
    Organisation,
    Prompt,
    SipTrunk,
    Voice,
)
from cordboard.storage.trunk_rows import all_trunks
from cordboard.storage.vault import MasterKey, Vault
from tests.counts import count

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
VAULT = Vault(MasterKey(bytes(range(32))), lambda count: bytes(count))
SCHEMA = {"type": "object", "properties": {"title": {"type": "string", "title": "Title"}}}
FUNCTION = {"type": "action_trigger_function_call", "config": {}}
AGENT_FIELDS: dict[str, Any] = {
    "name": "Ann",
    "language": "de",
    "initial_message": "Hallo ${from_number}, ${unknown}",
    "interrupt_sensitivity": "high",
    "context_endpoint": None,
    "noise_suppression": False,
    "endpointing_sensitivity": "relaxed",
    "ivr_navigation_mode": "off",
    "conversation_speed": 9.0,
    "initial_message_delay": 0.25,
    "llm_temperature": 0.5,
    "openai_model_name_override": "big",
    "ask_if_human_present_on_idle": True,
    "run_do_not_call_detection": False,
    "llm_fallback": None,
    "idle_time_seconds": 12,
    "deepgram_keywords": {"Cordboard": 2},
}


def action(number: int, kind: str, config: dict[str, Any], trigger: object = None) -> Action:
    """Return a stored action."""
    return Action(
        id=f"a{number}",
        organisation_id="o",
        created_at=AT,
        type=kind,
        fields={"config": config, "action_trigger": trigger or FUNCTION},
        secrets={},
    )


def external(number: int, name: str, *, send: bool = True, receive: bool = True) -> Action:
    """Return a stored external action with a sealed secret."""
    config = {
        "name": name,
        "description": "Böök",
        "url": "https://example.com",
        "input_schema": SCHEMA,
        "speak_on_send": send,
        "speak_on_receive": receive,
        "signature_secret": "****cret",
        "signature_format": "python",
    }
    row = action(number, "action_external", config)
    sealed = VAULT.seal("the-real-secret", secret_place(row, ("config", "signature_secret")))
    row.secrets = {"config.signature_secret": sealed}
    return row


ACTIONS = [
    external(0, "Book a meeting!"),
    external(1, "Book a meeting?", send=False, receive=False),
    action(2, "action_end_conversation", {}),
    action(3, "action_dtmf", {}),
    action(4, "action_transfer_call", {"phone_number": "${from_number}"}),
    action(5, "action_transfer_call", {"phone_number": "12025550101"}),
    action(
        6,
        "action_end_conversation",
        {},
        {
            "type": "action_trigger_phrase_based",
            "config": {"phrase_triggers": [{"phrase": "good bye", "conditions": []}]},
        },
    ),
]


def part(table: type[Any], row_id: str, organisation_id: str = "o", **columns: object) -> Any:
    """Return a row."""
    return table(id=row_id, organisation_id=organisation_id, created_at=AT, **columns)


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Return a database with one agent, two numbers and two trunks."""
    await migrate(database_url)
    opened = Database(database_url)
    voice = {"voice_id": "joe"}
    trunk = {
        "networks": ["10.0.0.0/8"],
        "user": "u",
        "password": "****",
        "target": None,
        "transport": "udp",
        "register": False,
        "realm": None,
        "register_user": None,
        "register_password": None,
        "number_format": "e164",
        "dial_prefixes": ["1"],
        "allow_any": True,
        "srtp": "off",
    }
    async with opened.write() as session:
        session.add_all([Organisation(id=name, name=name, created_at=AT) for name in "op"])
        await session.flush()
        prompt = {"content": "You know ${now} and ${to_number}."}
        session.add(part(Prompt, "p", type="prompt", fields=prompt, secrets={}))
        session.add(part(Voice, "v", type="voice_vocode", fields=voice, secrets={}))
        for row in (part(SipTrunk, "t1", name="one", fields=trunk, secrets={}),):
            row.secrets = {"password": VAULT.seal("pass-word", secret_place(row, ("password",)))}
            session.add(row)
        session.add(part(SipTrunk, "t2", "p", name="two", fields=trunk, secrets={}))
        session.add_all([_fresh(row) for row in ACTIONS])
        await session.flush()
        session.add(part(Agent, "g", fields=AGENT_FIELDS, prompt_id="p", voice_id="v"))
        await session.flush()
        for position, row in enumerate(reversed(ACTIONS)):
            session.add(
                AgentAction(agent_id="g", position=position, organisation_id="o", action_id=row.id)
            )
        sip = {"telephony_provider": "sip"}
        session.add(
            part(Number, "n1", number="12025550123", trunk_id="t1", inbound_agent_id="g", **sip)
        )
        session.add(part(Number, "n2", "p", number="12025550123", trunk_id="t2", **sip))
        session.add(part(Number, "n3", number="100", inbound_agent_id="g", active=False, **sip))
        session.add(part(Number, "n4", number="101", inbound_agent_id="g", **sip))
    yield opened
    await opened.close()


def _fresh(row: Action) -> Action:
    return part(Action, row.id, type=row.type, fields=row.fields, secrets=row.secrets)  # type: ignore[no-any-return]


async def test_plan(database: Database) -> None:
    """The plan has everything filled in and clamped, survives JSON, and holds no secret."""
    variables = standard_variables("491", "12025550123", AT)
    async with database.read() as session:
        plan, shown = await build_plan(session, "o", "g", variables=variables)
    assert plan.prompt == "You know 2026-01-02 03:04 UTC and 12025550123."
    assert plan.initial_message == "Hallo 491, ${unknown}"
    assert (plan.agent_name, plan.language) == ("Ann", "de")
    assert plan.turn.conversation_speed == 2.0
    assert plan.turn.initial_message_delay_ms == 250
    assert plan.turn.idle_ms == 12_000
    assert plan.turn.ask_if_human_present_on_idle
    assert plan.voice.provider == "auto"
    assert plan.voice.voice == "joe"
    assert plan.language_model.model == ""
    assert plan.language_model.temperature == 0.5
    assert plan.transcriber.keywords == {"Cordboard": 2}
    assert plan.record
    text = json.dumps(plan.to_json())
    assert CallPlan.from_json(json.loads(text)) == plan
    assert "secret" not in text
    assert [item["id"] for item in shown["actions"]] == [f"a{n}" for n in range(6, -1, -1)]
    assert shown["prompt"]["content"] == "You know ${now} and ${to_number}."
    assert shown["actions"][-1]["config"]["signature_secret"] == "****cret"


async def test_a_prompt_that_collects(database: Database) -> None:
    """What a prompt has its agent collect is in the plan, and nothing of it in the agent shown."""
    field = {
        "field_type": "field_type_email",
        "name": "bill",
        "label": "Bills",
        "description": None,
    }
    async with database.write() as session:
        prompt = await session.get_one(Prompt, "p")
        prompt.fields = {**prompt.fields, "collect_fields": [field]}
    async with database.read() as session:
        plan, shown = await build_plan(session, "o", "g", variables={})
    assert plan.actions[-1].function_name == "record_bill"
    assert "Bills: record it with record_bill." in plan.prompt
    assert CallPlan.from_json(json.loads(json.dumps(plan.to_json()))) == plan
    assert len(shown["actions"]) == len(plan.actions) - 1


async def test_menus(database: Database) -> None:
    """On a call that is placed an agent may wait on hold, for ten minutes; an idle time of its own
    counts all the same.
    """
    async with database.write() as session:
        agent = await session.get_one(Agent, "g")
        fields = {**agent.fields, "ivr_navigation_mode": "default"}
        agent.fields = {**fields, "idle_time_seconds": None}
    placed = PlanOptions(is_placed=True)
    async with database.read() as session:
        plan, _ = await build_plan(session, "o", "g", variables={}, options=placed)
        taken, _ = await build_plan(session, "o", "g", variables={})
    assert (plan.actions[-1].function_name, plan.turn.idle_ms) == ("action_wait", 600_000)
    assert all(each.kind is not ActionKind.WAIT for each in taken.actions)
    assert taken.turn.idle_ms is None
    async with database.write() as session:
        (await session.get_one(Agent, "g")).fields = fields
    async with database.read() as session:
        plan, _ = await build_plan(session, "o", "g", variables={}, options=placed)
    assert plan.turn.idle_ms == 12_000


async def test_options(database: Database) -> None:
    """The operator's options go into every plan; a content-free call is never recorded."""
    options = PlanOptions(content_free=True, longest_call_ms=5, synthesizer="x", language_model="y")
    async with database.read() as session:
        plan, _ = await build_plan(session, "o", "g", variables={}, options=options)
    assert not plan.record
    assert plan.content_free
    assert plan.longest_call_ms == 5
    assert (plan.voice.provider, plan.language_model.provider) == ("x", "y")


async def test_missing_agents(database: Database) -> None:
    """Another organisation's agent is no agent."""
    async with database.read() as session:
        for organisation_id, agent_id in (("p", "g"), ("o", "x")):
            with pytest.raises(AgentMissing):
                await build_plan(session, organisation_id, agent_id, variables={})


def test_actions() -> None:
    """Names are unique and fit every model; what is spoken before follows from kind and config."""
    plans = action_plans(ACTIONS, lambda text: text.replace("${from_number}", "491"))
    assert [plan.function_name for plan in plans] == [
        *("Book_a_meeting_", "Book_a_meeting__2", "action_end_conversation", "action_dtmf"),
        *("action_transfer_call", "action_transfer_call_2", "action_end_conversation_2"),
    ]
    assert [plan.speak_before for plan in plans] == [
        *(SpeakBefore.ALWAYS, SpeakBefore.NEVER, SpeakBefore.SOMETIMES, SpeakBefore.NEVER),
        *(SpeakBefore.ALWAYS, SpeakBefore.ALWAYS, SpeakBefore.SOMETIMES),
    ]
    booking = plans[0]
    assert booking.description == "Böök"
    assert booking.parameters == SCHEMA
    assert booking.config["url"] == "https://example.com"
    assert "signature_secret" not in booking.config
    assert booking.speak_on_receive
    assert not plans[1].speak_on_receive
    assert plans[3].parameters["required"] == ["buttons"]
    assert plans[4].config["phone_number"] == "491"
    assert plans[6].phrases == ("good bye",)
    assert all(plan.phrases == () for plan in plans[:6])


@given(st.lists(st.text(min_size=1, max_size=80), min_size=1, max_size=12))
def test_function_names(names: list[str]) -> None:
    """Whatever external actions are called, their functions' names fit and differ."""
    plans = action_plans([external(index, name) for index, name in enumerate(names)], str)
    found = [plan.function_name for plan in plans]
    assert len(set(found)) == len(found)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in found)


def test_collected_fields() -> None:
    """Each field to be collected is a function of its own, and the prompt says what it is for."""
    fields: list[dict[str, Any]] = [
        {"name": "billing e-mail", "label": "Invoices", "description": "where bills go"},
        {"name": "billing_e-mail", "label": "", "description": None},
    ]
    plans = action_plans([], str, fields)
    assert [plan.function_name for plan in plans] == [
        "record_billing_e-mail",
        "record_billing_e-mail_2",
    ]
    assert all(plan.kind is ActionKind.RECORD_EMAIL for plan in plans)
    assert plans[0].config == {"name": "billing e-mail", "purpose": "Invoices (where bills go)"}
    text = collecting_instructions(plans)
    assert "Invoices (where bills go): record it with record_billing_e-mail." in text
    assert "billing_e-mail: record it with record_billing_e-mail_2." in text


def test_every_kind_has_a_plan() -> None:
    """Every action of the API can be planned."""
    for kind in ActionKind:
        if kind is not ActionKind.EXTERNAL:
            (plan,) = action_plans([action(0, kind.value, {"phone_number": "1"})], str)
            assert plan.kind is kind
            assert plan.description


PIECES = st.lists(
    st.sampled_from(["${", "}", "$", "{", "a", "b", "_1", "$$", "{{", "%(a)s", "\n", "é", "."])
    | st.text(max_size=3),
    max_size=12,
).map("".join)


def _by_hand(text: str, variables: dict[str, str]) -> str:
    """Substitute by reading from left to right, without regular expressions."""
    done, rest = "", text
    while (start := rest.find("${")) >= 0:
        name, closed, after = rest[start + 2 :].partition("}")
        if closed and name in variables:
            done, rest = done + rest[:start] + variables[name], after
        else:
            done, rest = done + rest[: start + 1], rest[start + 1 :]
    return done + rest


@settings(max_examples=count(200, 10_000))
@given(PIECES, st.dictionaries(st.sampled_from(["a", "b", "_1", "ab"]), PIECES))
def test_one_pass(text: str, variables: dict[str, str]) -> None:
    """Any text, any values: what is between the placeholders and in the values stays as it is."""
    assert substituted(text, variables) == _by_hand(text, variables)


@settings(max_examples=count(100, 10_000))
@given(
    st.text(max_size=60),
    st.dictionaries(st.from_regex(r"[A-Za-z0-9_]{1,5}", fullmatch=True), st.text()),
)
def test_substitution_is_plain(text: str, variables: dict[str, str]) -> None:
    """Only ``${name}`` is replaced, once: values are never read again, other syntax stays."""
    assert substituted(text.replace("${", ""), variables) == text.replace("${", "")
    for name, value in variables.items():
        assert substituted(f"a${{{name}}}b", variables) == f"a{value}b"
    for other in ("{x.__class__}", "{{x}}", "$x", "${x.y}", "${}", "%(x)s", "${ x }"):
        assert substituted(other, {"x": "!", "": "!"}) == other


@pytest.mark.parametrize(
    ("trunk_id", "number", "organisation_id"),
    [
        ("t1", "+1 202 555 0123", "o"),
        ("t1", "2025550123", "o"),
        ("t2", "12025550123", None),
        ("t9", "12025550123", None),
        (None, "12025550123", None),
        (None, "100", None),
        (None, "101", "o"),
        ("t1", "101", None),
        ("t1", "sip:nonsense@", None),
    ],
)
async def test_inbound(
    database: Database, trunk_id: str | None, number: str, organisation_id: str | None
) -> None:
    """A number leads to its agent through its own trunk, if it is active and unambiguous."""
    plans = InboundPlans(clock=_Clock())
    async with database.read() as session:
        found = await plans.find(session, trunk_id, number, "+49 1")
        shown = await plans.show(session, "o", CallPlan(organisation_id="o", agent_id="g"))
    assert (found.organisation_id if found else None) == organisation_id
    if found is not None:
        assert found.plan.agent_id == "g"
        assert found.plan.initial_message == "Hallo 491, ${unknown}"
    assert shown["name"] == "Ann"


class _Clock(VirtualClock):
    def wall(self) -> datetime:
        return AT


async def test_secrets(database: Database) -> None:
    """A secret is found by its action, within its organisation only."""
    async with database.read() as session:
        assert await signature_secret(session, VAULT, "o", "a0") == "the-real-secret"
        assert await signature_secret(session, VAULT, "o", "a2") is None
        assert await signature_secret(session, VAULT, "p", "a0") is None


async def test_trunks(database: Database) -> None:
    """Signalling gets every organisation's trunks, passwords in clear but never printed."""
    async with database.read() as session:
        first, second = await all_trunks(session, VAULT)
    assert (first.trunk_id, first.password) == ("t1", "pass-word")
    assert second.password is None
    assert [str(network) for network in first.networks] == ["10.0.0.0/8"]
    assert "pass-word" not in repr(first)


async def test_context_endpoint(database: Database) -> None:
    """The prompt's endpoint is asked before the agent's; values are no templates themselves."""
    asked: list[ContextQuestion] = []

    async def ask(question: ContextQuestion) -> ContextAnswer:
        asked.append(question)
        return ContextAnswer(values={"unknown": "${from_number} $$", "now": "today"})

    await _set_endpoints(database, agent="https://agent.example/", prompt=None)
    plans = InboundPlans(clock=_Clock(), ask=ask)
    async with database.read() as session:
        found = await plans.find(session, "t1", "12025550123", "${unknown}")
    assert found is not None
    assert asked == []
    plan = (await found.whole()).plan
    assert plan.prompt == "You know today and 12025550123."
    assert plan.initial_message == "Hallo ${unknown}, ${from_number} $$"
    assert plan.context_answer is not None
    assert plan.context_answer.values["now"] == "today"
    await _set_endpoints(database, agent="https://agent.example/", prompt="https://prompt.example/")
    async with database.read() as session:
        found = await plans.find(session, "t1", "12025550123", "+49 1")
    assert found is not None
    await found.whole()
    assert [question.url for question in asked] == [
        "https://agent.example/",
        "https://prompt.example/",
    ]
    assert asked[1].caller == "491"


async def _set_endpoints(database: Database, agent: str | None, prompt: str | None) -> None:
    async with database.write() as session:
        row = await session.get_one(Agent, "g")
        row.fields = {**row.fields, "context_endpoint": agent}
        text = await session.get_one(Prompt, "p")
        text.fields = {**text.fields, "context_endpoint": prompt}
