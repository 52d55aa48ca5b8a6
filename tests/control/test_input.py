"""Bad input: a 4xx that names the field in a shape clients can parse, and nothing half-written."""

from __future__ import annotations

from typing import Any, Final

import httpx
import pytest
from sqlalchemy import func, select

from cordboard.storage.tables import Row
from tests.control.server import Server

PROMPT: Final = {"content": "p"}
EXTERNAL: Final[dict[str, Any]] = {
    "name": "n",
    "description": "d",
    "url": "https://example.com",
    "input_schema": {"type": "object"},
    "speak_on_send": False,
    "speak_on_receive": True,
}
PHRASES: Final = {"config": {"phrase_triggers": [{"phrase": "bye", "conditions": []}]}}


def external(**changed: object) -> dict[str, Any]:
    """Return an external action whose config is changed."""
    config = {name: value for name, value in {**EXTERNAL, **changed}.items() if value is not ...}
    return {"type": "action_external", "config": config}


# Path, body, where the problem is.
BAD: Final[list[tuple[str, object, list[str | int]]]] = [
    ("agents/create", {}, ["body", "prompt"]),
    ("agents/create", {"prompt": None}, ["body", "prompt"]),
    ("agents/create", {"prompt": 5}, ["body", "prompt"]),
    ("agents/create", {"prompt": {"content": 5}}, ["body", "prompt", "content"]),
    ("agents/create", {"prompt": PROMPT, "voice": {}, "name": 1}, ["body", "name"]),
    ("agents/create", {"prompt": PROMPT, "voice": {"voice_id": "x"}}, ["body", "voice", "type"]),
    ("agents/create", {"prompt": PROMPT, "voice": "joe"}, ["body", "voice"]),
    ("agents/create", {"prompt": PROMPT, "voice": ""}, ["body", "voice"]),
    ("agents/create", {"prompt": PROMPT, "actions": None}, ["body", "actions"]),
    ("agents/create", {"prompt": PROMPT, "actions": [{}]}, ["body", "actions", 0, "type"]),
    ("agents/create", {"prompt": PROMPT, "actions": ["x"]}, ["body", "actions", 0]),
    (
        "agents/create",
        {"prompt": PROMPT, "actions": [{"type": "action_dtmf"}, external(url="ftp://x")]},
        ["body", "actions", 1, "config", "url"],
    ),
    (
        "agents/create",
        {"prompt": PROMPT, "webhook": {"url": "https://e.com", "subscriptions": ["x"]}},
        ["body", "webhook", "subscriptions", 0],
    ),
    (
        "agents/create",
        {"prompt": PROMPT, "vector_database": {"index": "i"}},
        ["body", "vector_database", "api_key"],
    ),
    (
        "agents/create",
        {"prompt": PROMPT, "openai_account_connection": {"type": "account_connection_openai"}},
        ["body", "openai_account_connection"],
    ),
    ("prompts/create", {"content": "a\u0000b"}, ["body", "content"]),
    ("prompts/create", {"collect_fields": [{"label": "x"}]}, ["body", "collect_fields", 0, "name"]),
    ("voices/create", {"type": "voice_vocode", "voice_id": "jane"}, ["body", "voice_id"]),
    ("voices/create", {"type": "voice_new", "voice_id": "x"}, ["body", "type"]),
    ("voices/create", {"type": "voice_azure", "voice_name": "x", "rate": "fast"}, ["body", "rate"]),
    (
        "voices/create",
        {"type": "voice_eleven_labs", "voice_id": "x", "api_key": "****1234"},
        ["body", "api_key"],
    ),
    ("actions/create", {"type": "action_transfer_call"}, ["body", "config"]),
    (
        "actions/create",
        {"type": "action_dtmf", "action_trigger": PHRASES},
        ["body", "action_trigger", "type"],
    ),
    ("actions/create", external(name=...), ["body", "config", "name"]),
    ("actions/create", external(speak_on_send="perhaps"), ["body", "config", "speak_on_send"]),
    ("actions/create", external(url="http://169.254.169.254/x"), ["body", "config", "url"]),
    (
        "actions/create",
        external(input_schema={"type": "string"}),
        ["body", "config", "input_schema", "type"],
    ),
    (
        "actions/create",
        external(input_schema={"type": "object", "properties": {"bad": {}}}),
        ["body", "config", "input_schema", "properties", "bad"],
    ),
    ("actions/create", external(signature_format="xml"), ["body", "config", "signature_format"]),
    ("webhooks/create", {"url": "https://e.com"}, ["body", "subscriptions"]),
    ("account_connections/create", {"credentials": {}}, ["body", "type"]),
    ("numbers/link", {"phone_number": "12"}, ["body", "telephony_account_connection"]),
    (
        "numbers/link",
        {"phone_number": "1 2", "telephony_account_connection": "x"},
        ["body", "phone_number"],
    ),
    ("numbers/buy", {"telephony_provider": "acme"}, ["body", "telephony_provider"]),
    ("x/sip_trunks/create", {"name": "n"}, ["body", "networks"]),
    ("x/sip_trunks/create", {"name": "n", "networks": ["10.0.0.0/33"]}, ["body", "networks", 0]),
    ("x/sip_trunks/create", {"name": "n", "target": "sip:a\r\nX: y"}, ["body", "target"]),
    (
        "x/sip_trunks/create",
        {"name": "n", "user": 'a"b', "password": "p"},
        ["body", "user"],
    ),
]


def counts(server: Server) -> dict[str, int]:
    """Return how many rows each table has."""

    async def read() -> dict[str, int]:
        found = {}
        async with server.services.database.read() as session:
            for name, table in Row.metadata.tables.items():
                counted = select(func.count()).select_from(table)
                found[name] = await session.scalar(counted) or 0
        return found

    result = server.run(read())
    assert isinstance(result, dict)
    return result


@pytest.mark.parametrize(("path", "body", "place"), BAD)
def test_the_field_is_named(
    server: Server, http: httpx.Client, path: str, body: object, place: list[str | int]
) -> None:
    """The problem is told at its place, and no table has got a row."""
    before = counts(server)
    url = f"/x/v1/{path[2:]}" if path.startswith("x/") else f"/v1/{path}"
    answer = http.post(url, json=body)
    assert answer.status_code == 422, answer.text
    problems = answer.json()["detail"]
    assert place in [problem["loc"] for problem in problems], problems
    assert all(set(problem) == {"loc", "msg", "type"} for problem in problems)
    assert counts(server) == before


def test_all_problems_at_once(http: httpx.Client) -> None:
    """Problems of an agent and of everything inline in it are told together."""
    body = {
        "language": "xx",
        "prompt": {"content": 1},
        "voice": {"type": "voice_rime"},
        "actions": [{"type": "action_transfer_call", "config": {}}, {"type": "no"}],
    }
    problems = http.post("/v1/agents/create", json=body).json()["detail"]
    assert {tuple(problem["loc"]) for problem in problems} == {
        ("body", "language"),
        ("body", "prompt", "content"),
        ("body", "voice", "speaker"),
        ("body", "actions", 0, "config", "phone_number"),
        ("body", "actions", 1, "type"),
    }


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"[]",
        b'"text"',
        b"5",
        b'{"content": NaN}',
        b'{"content": "\\ud800"}',
        b"\xff\xfe",
        b'{"a": ' * 2000 + b"1" + b"}" * 2000,
        b"[" * 200_000,
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": 1e999}',
        b'{"a": [' + b"1," * 50_000 + b"1]}",
    ],
)
def test_bodies_that_are_no_object(http: httpx.Client, raw: bytes) -> None:
    """What is not a JSON object, or cannot be kept, is a 422 at the body."""
    answer = http.post("/v1/prompts/create", content=raw)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][0] == "body"


@pytest.mark.parametrize("raw", [b"", b"null", b"{}", b"  \n"])
def test_bodies_that_count_as_empty(http: httpx.Client, raw: bytes) -> None:
    """A missing, empty or null body is an empty object."""
    assert http.post("/v1/prompts/create", content=raw).json()["content"] == ""


def test_a_body_has_an_end(http: httpx.Client) -> None:
    """A body beyond the limit is refused before it is parsed."""
    answer = http.post("/v1/prompts/create", content=b'"' + b"x" * 1_100_000 + b'"')
    assert answer.status_code == 413
    assert isinstance(answer.json()["detail"], str)


def test_what_may_not_be_assigned(http: httpx.Client) -> None:
    """``id``, ``user_id``, ``created_at`` and unknown keys in a body have no effect."""
    stray = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
    body = {"id": stray, "user_id": stray, "created_at": "x", "organisation_id": stray, "zzz": 1}
    made = http.post("/v1/prompts/create", json={**body, "content": "c"}).json()
    assert stray not in made.values()
    assert "zzz" not in made
    changed = http.post(f"/v1/prompts/update?id={made['id']}", json={**body, "content": "d"}).json()
    assert changed == {**made, "content": "d"}


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("", ["query", "id"]),
        ("?id=", ["query", "id"]),
        ("?id=1 OR 1=1", ["query", "id"]),
        ("/list?page=0", ["query", "page"]),
        ("/list?size=-1", ["query", "size"]),
        ("/list?page=99999999999999999999", ["query", "page"]),
        ("/list?sort_desc=perhaps", ["query", "sort_desc"]),
        ("/list?sort_column=id;drop table agents", ["query", "sort_column"]),
        ("/list?sort_column=organisation_id", ["query", "sort_column"]),
    ],
)
def test_bad_queries(http: httpx.Client, query: str, place: list[str]) -> None:
    """A bad parameter is named; a column to sort by comes from a list."""
    answer = http.get(f"/v1/agents{query}")
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == place


def test_unknown_things(http: httpx.Client) -> None:
    """An unknown id or number is a 404 with a text; so is an unknown path."""
    for path in (
        "/v1/agents?id=3c90c3cc-0d44-4b50-8888-8dd25736052a",
        "/v1/numbers?phone_number=12025550111",
        "/v1/numbers?phone_number=@",
        "/v1/nothing",
    ):
        answer = http.get(path)
        assert answer.status_code == 404
        assert isinstance(answer.json()["detail"], str)


def test_trailing_slash(http: httpx.Client) -> None:
    """A slash at the end changes nothing, and costs no redirect."""
    assert http.get("/v1/agents/list/").status_code == 200
    assert http.post("/v1/prompts/create/", json={}).status_code == 200


def test_health(server: Server) -> None:
    """Health needs no key; readiness tells why not."""
    with server.client(None) as nobody:
        assert nobody.get("/healthz").json() == {"status": "ok"}
        assert nobody.get("/readyz").status_code == 200
        server.engine.not_ready = "draining"
        refused = nobody.get("/readyz")
        server.engine.not_ready = None
    assert refused.status_code == 503
    assert refused.json()["detail"] == "draining"
