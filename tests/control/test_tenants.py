"""Organisations do not see one another: what is foreign is as if it did not exist."""

from __future__ import annotations

import random
import re
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast

import httpx
import pytest
from sqlalchemy import select

from cordboard.control.app import create_app
from cordboard.control.services import ControlServices
from cordboard.storage.tables import Call, CallEvent, Delivery, Row
from tests.control.id_positions import Position, positions
from tests.control.server import Server
from tests.counts import count

CANARY: Final = "canary-of-b"
AT: Final = datetime(2026, 1, 1, tzinfo=UTC)

FLOW: Final = {"name": "x", "url": "https://example.com"}
CALL: Final = {"from_number": "100", "to_number": "12025550155"}

# Method, path and body of every position an id can have; ``@`` stands for an id of that noun.
POSITIONS: Final[list[tuple[str, str, str, Any]]] = [
    *[
        ("GET", noun, f"/v1/{noun}?id=@", None)
        for noun in (
            *("agents", "prompts", "voices", "actions", "webhooks", "vector_databases"),
            *("account_connections", "calls"),
        )
    ],
    *[
        ("POST", noun, f"/v1/{noun}/update?id=@", body)
        for noun, body in (
            ("agents", {"name": "x"}),
            ("prompts", {"content": "x"}),
            ("voices", {"type": "voice_vocode", "voice_id": "joe"}),
            ("actions", {"type": "action_dtmf"}),
            ("webhooks", {"url": "https://example.com"}),
            ("vector_databases", {"type": "vector_database_pinecone", "index": "x"}),
            ("account_connections", {"type": "account_connection_openai"}),
        )
    ],
    ("GET", "calls", "/v1/calls/recording?id=@", None),
    ("GET", "calls", "/v1/calls/recording/@", None),
    ("POST", "calls", "/v1/calls/end?id=@", None),
    ("GET", "calls", "/x/v1/calls?id=@", None),
    ("GET", "calls", "/x/v1/calls/@/recording_url", None),
    ("POST", "calls", "/x/v1/deliveries/replay", {"id": "@"}),
    ("GET", "calls", "/x/v1/calls/@/events", None),
    ("GET", "calls", "/x/v1/calls/recording?id=@", None),
    ("POST", "calls", "/x/v1/calls/end?id=@", None),
    ("GET", "flows", "/x/v1/flows?id=@", None),
    ("GET", "flows", "/x/v1/flows/@/events", None),
    ("POST", "flows", "/v3/ai-flows/@/call", {"toPhoneNumber": "+12025550199"}),
    ("POST", "flows", "/x/v1/flows/update?id=@", {"name": "x"}),
    ("POST", "flows", "/x/v1/flows/delete?id=@", None),
    ("POST", "webhooks", "/x/v1/flows/create", {**FLOW, "webhook": "@"}),
    ("POST", "voices", "/x/v1/flows/create", {**FLOW, "voice": "@"}),
    ("POST", "flows", "/v1/numbers/update?phone_number=100", {"inbound_flow": "@"}),
    (
        "POST",
        "flows",
        "/v1/numbers/link",
        {"phone_number": "300", "telephony_account_connection": "TRUNK", "inbound_flow": "@"},
    ),
    ("GET", "sip_trunks", "/x/v1/sip_trunks?id=@", None),
    ("POST", "sip_trunks", "/x/v1/sip_trunks/update?id=@", {"name": "x"}),
    ("POST", "sip_trunks", "/x/v1/sip_trunks/delete?id=@", None),
    ("GET", "prompt_templates", "/x/v1/prompt_templates?id=@", None),
    ("POST", "prompt_templates", "/x/v1/prompt_templates/update?id=@", {"label": "x"}),
    ("POST", "prompt_templates", "/x/v1/prompt_templates/delete?id=@", None),
    ("POST", "prompt_templates", "/v1/prompts/create", {"prompt_template": "@"}),
    ("POST", "keys", "/x/v1/keys/revoke?id=@", None),
    *[
        (
            "POST",
            "account_connections",
            f"/v1/account_connections/{way}_steering_pool?id=@",
            {"phone_number": "12025550188"},
        )
        for way in ("add_to", "remove_from")
    ],
    *[
        ("POST", "sip_trunks", "/v1/numbers/buy", {"telephony_account_connection": "@"}),
        ("POST", "agents", "/v1/calls/create", {**CALL, "agent": "@"}),
        ("POST", "webhooks", "/x/v1/webhooks/secret?id=@", None),
        ("POST", "webhooks", "/x/v1/webhooks/rotate_secret?id=@", None),
        ("GET", "webhooks", "/x/v1/webhooks/health?id=@", None),
        ("GET", "deliveries", "/x/v1/deliveries?id=@", None),
    ],
    ("GET", "numbers", "/v1/numbers?phone_number=@", None),
    ("POST", "numbers", "/v1/numbers/update?phone_number=@", {"label": "x"}),
    ("POST", "numbers", "/v1/numbers/cancel?phone_number=@", None),
    ("POST", "prompts", "/v1/agents/create", {"prompt": "@"}),
    ("POST", "voices", "/v1/agents/create", {"prompt": {"content": "x"}, "voice": "@"}),
    ("POST", "actions", "/v1/agents/create", {"prompt": {"content": "x"}, "actions": ["@"]}),
    ("POST", "webhooks", "/v1/agents/create", {"prompt": {}, "webhook": "@"}),
    ("POST", "vector_databases", "/v1/agents/create", {"prompt": {}, "vector_database": "@"}),
    (
        "POST",
        "account_connections",
        "/v1/agents/create",
        {"prompt": {}, "openai_account_connection": {"id": "@"}},
    ),
    ("POST", "prompts", "/v1/agents/update?id=MINE", {"prompt": "@"}),
    ("POST", "voices", "/v1/agents/update?id=MINE", {"voice": "@"}),
    ("POST", "actions", "/v1/agents/update?id=MINE", {"actions": ["@"]}),
    ("POST", "webhooks", "/v1/agents/update?id=MINE", {"webhook": "@"}),
    ("POST", "vector_databases", "/v1/agents/update?id=MINE", {"vector_database": "@"}),
    (
        "POST",
        "account_connections",
        "/v1/agents/update?id=MINE",
        {"openai_account_connection": "@"},
    ),
    ("POST", "templates", "/v1/prompts/create", {"prompt_template": "@"}),
    ("POST", "agents", "/v1/numbers/update?phone_number=100", {"inbound_agent": "@"}),
    (
        "POST",
        "actions",
        "/v1/numbers/update?phone_number=100",
        {"inbound_agent": {"actions": ["@"]}},
    ),
    (
        "POST",
        "sip_trunks",
        "/v1/numbers/link",
        {"phone_number": "300", "telephony_account_connection": "@"},
    ),
    (
        "POST",
        "account_connections",
        "/v1/numbers/link",
        {"phone_number": "300", "telephony_account_connection": "@"},
    ),
    (
        "POST",
        "agents",
        "/v1/numbers/link",
        {"phone_number": "300", "telephony_account_connection": "TRUNK", "inbound_agent": "@"},
    ),
]

# The same positions once more, as our own description of the API has them: none can be forgotten.
DERIVED: Final = positions()

# An operator's list has all organisations; it is no tenant's.
LISTS: Final = [
    path
    for path in (*create_app(cast("ControlServices", None)).openapi()["paths"], "/v1/usage")
    if path.endswith(("/list", "/usage")) and path != "/x/v1/organizations/list"
]


@dataclass
class Tenants:
    """Organisation A's client and names, and B's ids by noun."""

    a: httpx.Client
    mine: str
    trunk: str
    foreign: dict[str, list[str]]
    b_id: str


def _made(http: httpx.Client, path: str, body: dict[str, Any]) -> str:
    answer = http.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def _parts(http: httpx.Client, mark: str) -> dict[str, str]:
    """Make one of everything that an agent refers to, each with ``mark`` in it."""
    keys = ["from_number", mark.replace("-", "_")]
    text = {"label": mark, "content": f"{mark} ${{from_number}}", "required_context_keys": keys}
    template = _made(http, "/x/v1/prompt_templates/create", text)
    database = {"index": mark, "api_key": mark, "api_environment": mark}
    credentials = {"openai_api_key": f"sk-{mark}"}
    bodies: dict[str, dict[str, Any]] = {
        "prompts": {"content": mark, "prompt_template": template},
        "voices": {"type": "voice_azure", "voice_name": mark},
        "actions": {"config": {"phone_number": mark}},
        "webhooks": {"url": f"https://example.com/{mark}", "subscriptions": []},
        "vector_databases": database,
        "account_connections": {"credentials": credentials},
    }
    made = {noun: _made(http, f"/v1/{noun}/create", body) for noun, body in bodies.items()}
    return {**made, "templates": template}


def _furnish(http: httpx.Client, number: str, mark: str) -> dict[str, list[str]]:
    """Make one of everything, and return the ids by noun."""
    parts = _parts(http, mark)
    agent = {
        "name": mark,
        "prompt": parts["prompts"],
        "voice": parts["voices"],
        "actions": [parts["actions"]],
        "webhook": parts["webhooks"],
        "vector_database": parts["vector_databases"],
        "openai_account_connection": parts["account_connections"],
    }
    agent_id = _made(http, "/v1/agents/create", agent)
    trunk = _made(http, "/x/v1/sip_trunks/create", {"name": mark, "networks": ["10.0.0.0/8"]})
    linked = {"phone_number": number, "telephony_account_connection": trunk}
    _made(http, "/v1/numbers/link", {**linked, "inbound_agent": agent_id})
    key = _made(http, "/x/v1/keys/create", {"name": mark, "role": "viewer"})
    text = _made(http, "/x/v1/prompt_templates/create", {"label": mark, "content": mark})
    flow = {"name": mark, "url": f"https://example.com/{mark}", "webhook": parts["webhooks"]}
    own = {
        "flows": _made(http, "/x/v1/flows/create", flow),
        "prompt_templates": text,
        "agents": agent_id,
        "sip_trunks": trunk,
        "keys": key,
        "numbers": number,
    }
    return {noun: [row_id] for noun, row_id in (parts | own).items()}


def _delivery(call: Call, webhook_id: str) -> Delivery:
    return Delivery(
        id=call.id,
        organisation_id=call.organisation_id,
        created_at=AT,
        call_id=call.id,
        sequence=1,
        webhook_id=webhook_id,
        type="event_transcript",
        url=f"https://example.com/{CANARY}",
        method="POST",
        body=CANARY,
        state="failed",
        attempts_count=1,
        due_at=AT,
    )


@pytest.fixture(scope="module")
def tenants(server: Server) -> Iterator[Tenants]:
    """Furnish two organisations."""
    with server.client() as a, server.client(server.other_organisation()) as b:
        own = _furnish(a, "100", "a")
        foreign = _furnish(b, "200", CANARY)
        shown = b.get("/v1/agents", params={"id": foreign["agents"][0]}).json()

        async def add_call() -> str:
            services = server.services
            row = Call(
                id=services.randomness.uuid(),
                organisation_id=shown["user_id"],
                created_at=AT,
                direction="inbound",
                status="in_progress",
                from_number=CANARY,
                to_number="200",
                agent_phone_number="200",
                agent_id=shown["id"],
                agent=shown,
                plan={},
                carrier="sip",
                telephony_provider="sip",
                recording_available=True,
            )
            async with services.database.write() as session:
                session.add(row)
                await session.flush()
                session.add(
                    CallEvent(
                        call_id=row.id,
                        sequence=0,
                        organisation_id=row.organisation_id,
                        kind="words_heard",
                        at=AT,
                        content={"text": CANARY},
                    )
                )
                session.add(_delivery(row, foreign["webhooks"][0]))
            return row.id

        call_id = str(server.run(add_call()))
        server.engine.recordings[call_id] = CANARY.encode()
        # An event's id is its own; that it is the call's here only saves a name.
        foreign["calls"] = foreign["deliveries"] = [call_id]
        foreign["organizations"] = [shown["user_id"]]
        yield Tenants(a, own["agents"][0], own["sip_trunks"][0], foreign, shown["user_id"])


def rows_of(server: Server, organisation_id: str) -> list[tuple[str, tuple[Any, ...]]]:
    """Return everything that an organisation has in the database."""

    async def read() -> list[tuple[str, tuple[Any, ...]]]:
        found: list[tuple[str, tuple[Any, ...]]] = []
        async with server.services.database.read() as session:
            for name, table in sorted(Row.metadata.tables.items()):
                if "organisation_id" in table.c:
                    mine = select(table).where(table.c.organisation_id == organisation_id)
                    found += [(name, tuple(map(str, row))) for row in await session.execute(mine)]
        return sorted(found)

    rows = server.run(read())
    assert isinstance(rows, list)
    return rows


def _send(tenants: Tenants, position: tuple[str, str, str, Any], row_id: str) -> tuple[int, bytes]:
    method, _, path, body = position

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(item) for key, item in value.items()}
        if isinstance(value, list):
            return [filled(item) for item in value]
        return {"@": row_id, "TRUNK": tenants.trunk}.get(value, value)

    url = path.replace("@", row_id).replace("MINE", tenants.mine)
    answer = tenants.a.request(method, url, json=filled(body))
    return answer.status_code, answer.content


@pytest.mark.parametrize(
    "position", POSITIONS, ids=lambda found: f"{found[0]} {found[2]} {found[3]}"
)
def test_a_foreign_id_is_no_id(
    server: Server, tenants: Tenants, position: tuple[str, str, str, Any]
) -> None:
    """B's id gets A the very answer that an id nobody has gets, and changes nothing."""
    before = rows_of(server, tenants.b_id)
    mine = len(rows_of(server, tenants.a.get(f"/v1/agents?id={tenants.mine}").json()["user_id"]))
    absent = "299" if position[1] == "numbers" else server.services.randomness.uuid()
    for foreign in tenants.foreign[position[1]]:
        answer = _send(tenants, position, foreign)
        assert answer == _send(tenants, position, absent)
        assert answer[0] == 404
    assert rows_of(server, tenants.b_id) == before
    assert server.engine.asked == []
    after = len(rows_of(server, tenants.a.get(f"/v1/agents?id={tenants.mine}").json()["user_id"]))
    assert after == mine


def test_no_position_is_left_out(server: Server) -> None:
    """Every operation that takes an id, a number or a call's id in its address is tried."""
    tried = {
        (method, path.partition("?")[0].replace("@", "{}")) for method, _, path, _ in POSITIONS
    }
    missing = []
    for path, item in server.app.openapi()["paths"].items():
        for method, operation in item.items():
            names = {each["name"] for each in operation.get("parameters", [])}
            place = (method.upper(), re.sub(r"{\w+}", "{}", path))
            if names & {"id", "phone_number", "call_id", "flow_id"} and place not in tried:
                missing.append(place)
    # A filter of a list, an operator's own, and a signed link: no id of a tenant's opens these.
    assert set(missing) == {
        ("GET", "/x/v1/deliveries/list"),
        ("GET", "/x/v1/organizations"),
        ("GET", "/x/v1/recordings/{}"),
        ("POST", "/x/v1/organizations/update"),
    }


def _compare(server: Server, tenants: Tenants, position: Position, value: str) -> None:
    """Try a foreign id and one that nobody has at a derived position; A must see no difference."""
    number = position.parameter == "phone_number" and not position.pointer
    absent = "299" if number else server.services.randomness.uuid()
    answers = []
    for each in (value, absent):
        method, path, query, body = position.request(each, tenants.mine)
        if isinstance(body, dict) and body.get("telephony_account_connection") == "TRUNK":
            body["telephony_account_connection"] = tenants.trunk
        answer = tenants.a.request(method, path, params=query, json=body)
        assert answer.status_code < 500, (position, answer.text)
        assert CANARY not in answer.text, position
        if value != tenants.b_id:
            assert tenants.b_id not in answer.text, position
        answers.append(answer)
    foreign, unknown = answers
    assert foreign.status_code == unknown.status_code, position
    if foreign.status_code >= 400:
        assert foreign.content == unknown.content, position


def test_every_id_position(server: Server, tenants: Tenants) -> None:
    """At every place that the API's own description has for an id, B's are as good as none."""
    before = rows_of(server, tenants.b_id)
    source = random.Random("positions")
    every = [row_id for ids in tenants.foreign.values() for row_id in ids if "-" in row_id]
    assert len(DERIVED) > 100
    for position in DERIVED:
        if position.parameter == "phone_number" and not position.pointer:
            _compare(server, tenants, position, tenants.foreign["numbers"][0])
            continue
        for value in source.sample(every, count(2, len(every))):
            _compare(server, tenants, position, value)
    assert rows_of(server, tenants.b_id) == before
    assert server.engine.asked == []


@pytest.mark.timeout(count(120, 3600))
def test_random_steps(server: Server, tenants: Tenants) -> None:
    """However A mixes reads, writes and lists with B's ids, it sees and changes nothing of B."""
    source = random.Random("tenants")
    before = rows_of(server, tenants.b_id)
    every = [(noun, row_id) for noun, ids in tenants.foreign.items() for row_id in ids]
    for _ in range(count(300, 20_000)):
        if source.random() < 0.3:
            position = source.choice(DERIVED)
            number = position.parameter == "phone_number" and not position.pointer
            wanted = [value for noun, value in every if (noun == "numbers") == number]
            _compare(server, tenants, position, source.choice(wanted))
            continue
        if source.random() < 0.2:
            answer = tenants.a.get(source.choice(LISTS), params={"size": 100})
            content, status = answer.content, answer.status_code
            assert status == 200
        else:
            place = source.choice(POSITIONS)
            noun, row_id = source.choice(every)
            if noun == "numbers" and "phone_number=@" not in place[2]:
                continue
            status, content = _send(tenants, place, row_id)
            assert 400 <= status < 500, (place, noun, content)
        assert CANARY.encode() not in content
        assert tenants.b_id.encode() not in content
    assert rows_of(server, tenants.b_id) == before


def _apart_ms(server: Server, tenants: Tenants, noun: str, path: str) -> float:
    """Return how much later a foreign id is refused than one that nobody has, in the median."""
    (foreign,) = tenants.foreign[noun]
    later_ms = []
    for turn in range(count(30, 2_000)):
        spent_ms = {}
        # Absent ones are new each time, and either kind begins as often.
        for is_foreign in ((True, False), (False, True))[turn % 2]:
            row_id = foreign if is_foreign else server.services.randomness.uuid()
            begun = time.perf_counter()
            answer = tenants.a.get(path, params={"id": row_id})
            spent_ms[is_foreign] = (time.perf_counter() - begun) * 1000
            assert answer.status_code == 404
        later_ms.append(spent_ms[True] - spent_ms[False])
    return statistics.median(later_ms)


@pytest.mark.timeout(count(120, 3600))
@pytest.mark.parametrize(
    ("noun", "path"),
    [("agents", "/v1/agents"), ("calls", "/v1/calls/recording"), ("flows", "/x/v1/flows")],
)
def test_time_tells_nothing(server: Server, tenants: Tenants, noun: str, path: str) -> None:
    """Medians lie less than 1 ms apart; what a few tries show by chance, others do not again."""
    tries = (_apart_ms(server, tenants, noun, path) for _ in range(count(6, 1)))
    assert any(abs(apart) < 1 for apart in tries)


def test_both_may_have_the_same_number(server: Server, tenants: Tenants) -> None:
    """A number is the organisation's own: that B has it is no hindrance to A."""
    body = {"phone_number": "200", "telephony_account_connection": tenants.trunk}
    answer = tenants.a.post("/v1/numbers/link", json=body)
    assert answer.status_code == 200
    assert answer.json()["user_id"] != tenants.b_id
    assert CANARY not in answer.text
    assert server.engine.asked == []
