"""Every operation that takes a body, and every field of each: none at all, wrong, and null."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from cordboard.control.answers import NOTICE_HEADER
from cordboard.control.openapi.document import document
from tests.control.server import Server, running
from tests.control.test_input import counts

Json = dict[str, Any]

WRONG: Final[list[object]] = [[]]
"""No field of the API takes a list of a list."""

EXTERNAL: Final[Json] = {
    "name": "n",
    "description": "d",
    "url": "https://example.com",
    "speak_on_send": False,
    "speak_on_receive": True,
    "input_schema": {"type": "object"},
}
BODIES: Final[dict[str, list[Json]]] = {
    "prompts": [{"content": "p"}],
    "webhooks": [{"url": "https://example.com", "subscriptions": []}],
    "vector_databases": [
        {"type": "vector_database_pinecone", "index": "i", "api_key": "k", "api_environment": "e"}
    ],
    "voices": [
        {"type": "voice_azure", "voice_name": "n"},
        {"type": "voice_rime", "speaker": "s"},
        {"type": "voice_eleven_labs", "voice_id": "v"},
        {"type": "voice_play_ht", "voice_id": "v"},
        {"type": "voice_vocode", "voice_id": "joe"},
    ],
    "actions": [
        {"type": "action_dtmf"},
        {"type": "action_end_conversation"},
        {"type": "action_set_hold"},
        {"type": "action_transfer_call", "config": {"phone_number": "12025550100"}},
        {"type": "action_add_to_conference", "config": {"phone_number": "12025550100"}},
        {"type": "action_external", "config": EXTERNAL},
    ],
    "account_connections": [
        {
            "type": "account_connection_twilio",
            "credentials": {"twilio_account_sid": "AC1", "twilio_auth_token": "t"},
        },
        {"type": "account_connection_openai", "credentials": {"openai_api_key": "k"}},
    ],
    "agents": [{"prompt": {"content": "p"}}],
}
CASES: Final = [
    pytest.param(noun, body, id=str(body.get("type", noun)))
    for noun, bodies in BODIES.items()
    for body in bodies
]


def fields_of(schema: Json, kind: str | None) -> dict[str, Json]:
    """Return the fields of a schema, of its form of type ``kind`` where it has several."""
    components = document()["components"]["schemas"]
    while "$ref" in schema:
        schema = components[schema["$ref"].rpartition("/")[2]]
    for form in schema.get("oneOf", ()):
        found = fields_of(form, kind)
        if found["type"].get("const") == kind:
            return found
    properties: dict[str, Json] = schema.get("properties", {})
    return properties


def taken(path: str, kind: str | None = None) -> dict[str, Json]:
    """Return the fields that an operation takes."""
    content = document()["paths"][path]["post"]["requestBody"]["content"]
    return fields_of(content["application/json"]["schema"], kind)


def nullable(schema: Json) -> bool:
    """Tell whether null is a value of a field."""
    return {"type": "null"} in schema.get("anyOf", ())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server on SQLite: what is wrong is found before any database is asked."""
    with running(Path(tmp_path_factory.mktemp("server"))) as started:
        yield started


@pytest.fixture(scope="module")
def number(server: Server) -> Iterator[str]:
    """Return a number with an agent."""
    with server.client() as http:
        trunk = http.post("/x/v1/sip_trunks/create", json={"name": "f", "networks": ["::1"]})
        body = {"phone_number": "12025550188", "telephony_account_connection": trunk.json()["id"]}
        yield http.post("/v1/numbers/link", json=body).json()["number"]


def told(answer: httpx.Response, field: str) -> bool:
    """Tell whether an answer names a field in the one shape that clients parse."""
    if answer.status_code != 422:
        return False
    problems = answer.json()["detail"]
    assert all(set(problem) == {"loc", "msg", "type"} for problem in problems)
    return any(problem["loc"][:2] == ["body", field] for problem in problems)


@pytest.mark.parametrize(("noun", "body"), CASES)
def test_create(server: Server, http: httpx.Client, noun: str, body: Json) -> None:
    """A wrong value of any field is named, with nothing written; so is null where there is none."""
    path = f"/v1/{noun}/create"
    before = counts(server)
    for name, schema in taken(path, body.get("type")).items():
        wrong = http.post(path, json={**body, name: WRONG})
        assert told(wrong, name), (name, wrong.text)
        # Without a voice an agent gets the default one.
        if not nullable(schema) and name not in ("voice", "type"):
            refused = http.post(path, json={**body, name: None})
            assert told(refused, name), (name, refused.text)
    assert counts(server) == before
    made = http.post(path, json=body)
    assert made.status_code == 200, made.text
    missing = taken(path, body.get("type")).keys() - made.json().keys()
    assert not missing, "dropped"


@pytest.mark.parametrize(("noun", "body"), CASES)
def test_update(server: Server, http: httpx.Client, noun: str, body: Json) -> None:
    """As for create; what is refused changes nothing, and left as it is or absent is the same."""
    made = http.post(f"/v1/{noun}/create", json=body).json()
    path, place = f"/v1/{noun}/update", {"id": made["id"]}
    kind = {"type": body["type"]} if "type" in body else {}
    before = counts(server)
    for name, schema in taken(path, body.get("type")).items():
        wrong = http.post(path, params=place, json={**kind, name: WRONG})
        assert told(wrong, name), (name, wrong.text)
        if name == "type":
            continue
        # In this map of words to numbers an empty object is a value.
        if name != "deepgram_keywords":
            as_it_is = http.post(path, params=place, json={**kind, name: {}})
            assert as_it_is.json() == made, (name, as_it_is.text)
        if not nullable(schema):
            refused = http.post(path, params=place, json={**kind, name: None})
            assert told(refused, name), (name, refused.text)
    assert counts(server) == before


@pytest.mark.parametrize(("noun", "body"), CASES)
def test_empty_update(http: httpx.Client, noun: str, body: Json) -> None:
    """No body, an empty one and null are the empty object: nothing changes; a header says so."""
    made = http.post(f"/v1/{noun}/create", json=body).json()
    for nothing in (None, b"", b" ", b"null", b"{}"):
        answer = http.post(f"/v1/{noun}/update", params={"id": made["id"]}, content=nothing)
        assert (answer.status_code, answer.json()) == (200, made)
        assert answer.headers[NOTICE_HEADER] == "nothing was changed"


@pytest.mark.parametrize("nothing", [None, b"", b"null"])
@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v1/agents/create", "prompt"),
        ("/v1/actions/create", "type"),
        ("/v1/voices/create", "type"),
        ("/v1/webhooks/create", "url"),
        ("/v1/account_connections/create", "type"),
        ("/v1/vector_databases/create", "type"),
        ("/v1/numbers/link", "phone_number"),
        ("/v1/calls/create", "to_number"),
    ],
)
def test_that_no_body_arrived_is_told(
    http: httpx.Client, path: str, field: str, nothing: bytes | None
) -> None:
    """Where a field is required, the refusal names it and says that nothing arrived."""
    answer = http.post(path, content=nothing)
    assert told(answer, field), answer.text
    assert all("no body" in problem["msg"] for problem in answer.json()["detail"])


def test_numbers(server: Server, http: httpx.Client, number: str) -> None:
    """Wrong values of numbers and calls are named as well; an empty update changes nothing."""
    before = counts(server)
    place = {"phone_number": number}
    shown = http.get("/v1/numbers", params=place).json()
    rest: Json = {
        "phone_number": "12025550189",
        "telephony_account_connection": shown["trunk_id"],
        "from_number": number,
        "to_number": "12025550190",
        "agent": {"prompt": "p"},
    }
    for path in ("/v1/numbers/update", "/v1/numbers/link", "/v1/numbers/buy", "/v1/calls/create"):
        for name in taken(path):
            asked = {} if path.endswith("update") else rest
            answer = http.post(path, params=place, json={**asked, name: WRONG})
            assert told(answer, name), (path, name, answer.text)
    for nothing in (None, b"null", b"{}"):
        answer = http.post("/v1/numbers/update", params=place, content=nothing)
        assert answer.headers[NOTICE_HEADER] == "nothing was changed"
        assert answer.json() == shown
    assert counts(server) == before
