"""The documentation's requests, byte for byte as their pages print them (reference/seeds)."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.control.server import Server

# Bodies as in seeds/001, between the quotes of ``--data '...'``.
END_CONVERSATION = b'{\n    "type": "action_end_conversation"\n  }'
DTMF = b'{\n    "type": "action_dtmf"\n  }'
TRANSFER = (
    b'{\n    "type": "action_transfer_call",\n    "config": {\n'
    b'      "phone_number": "11234567890"\n    }\n  }'
)
BY_ID = b'{\n    "inbound_agent": {\n      "actions": ["<ACTION UUID>"]\n    }\n  }'
RAW = (
    b'{\n    "inbound_agent": {\n      "actions": [{\n        "type": "action_transfer_call",\n'
    b'        "config": {\n            "phone_number": "11234567890"\n        }\n      }]\n'
    b"    }\n  }"
)
# The body of seeds/002.
CREATE_CALL = b"""{
"from_number": "<string>",
"to_number": "<string>",
"agent": "3c90c3cc-0d44-4b50-8888-8dd25736052a",
"on_no_human_answer": "continue",
"run_do_not_call_detection": true,
"hipaa_compliant": false,
"context": {},
"telephony_params": {}
}"""
# The schema of seeds/000, with the backslashes that its page lost.
PAGE_SCHEMA = (
    b'{\n"type": "object",\n"properties": {\n"length": {\n"type": "string",\n'
    b'"enum": ["30m", "1hr"]\n},\n"time": {\n"type": "string",\n'
    b'"pattern": "^d{2}:d0[ap]m$"\n}\n}\n}'
)
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module", autouse=True)
def number(server: Server) -> Iterator[str]:
    """Link the number of all examples."""
    with server.client() as http:
        trunk = http.post("/x/v1/sip_trunks/create", json={"name": "t", "networks": ["::1"]})
        linked = http.post(
            "/v1/numbers/link",
            json={"phone_number": 11234567890, "telephony_account_connection": trunk.json()["id"]},
        )
        assert linked.status_code == 200, linked.text
        yield linked.json()["number"]


@pytest.mark.parametrize(
    ("body", "kind", "config"),
    [
        (END_CONVERSATION, "action_end_conversation", {}),
        (DTMF, "action_dtmf", {}),
        (TRANSFER, "action_transfer_call", {"phone_number": "11234567890"}),
    ],
)
def test_actions_create(
    http: httpx.Client, body: bytes, kind: str, config: dict[str, object]
) -> None:
    """Each of the page's three actions is created as printed."""
    answer = http.post("/v1/actions/create", content=body, headers=JSON)
    assert answer.status_code == 200
    shown = answer.json()
    assert shown["type"] == kind
    assert shown["config"] == config
    assert shown["action_trigger"] == {"type": "action_trigger_function_call", "config": {}}


def test_the_page_lost_a_backslash(http: httpx.Client) -> None:
    """The curl example loses ``--data`` to the shell: no body arrives, and the answer says so."""
    answer = http.post("/v1/actions/create")
    assert answer.status_code == 422
    assert "no body" in answer.json()["detail"][0]["msg"]


def test_numbers_update_by_id(http: httpx.Client, number: str) -> None:
    """An action is attached by id, without a content type, to the agent the number has."""
    action = http.post("/v1/actions/create", content=DTMF).json()["id"]
    before = http.get(f"/v1/numbers?phone_number={number}").json()["inbound_agent"]
    body = BY_ID.replace(b"<ACTION UUID>", action.encode())
    answer = http.post(f"/v1/numbers/update?phone_number={number}", content=body)
    assert answer.status_code == 200
    after = answer.json()["inbound_agent"]
    assert [item["id"] for item in after["actions"]] == [action]
    assert {**after, "actions": []} == {**before, "actions": []}


def test_numbers_update_raw(http: httpx.Client, number: str) -> None:
    """A raw action becomes a stored one."""
    answer = http.post(f"/v1/numbers/update?phone_number={number}", content=RAW, headers=JSON)
    assert answer.status_code == 200
    (action,) = answer.json()["inbound_agent"]["actions"]
    assert http.get("/v1/actions", params={"id": action["id"]}).json() == action


def test_calls_create_as_printed(http: httpx.Client, number: str) -> None:
    """The page's body is read; its placeholders are refused by name until they are filled in."""
    answer = http.post("/v1/calls/create", content=CREATE_CALL, headers=JSON)
    assert answer.status_code == 404
    assert answer.json()["detail"].startswith("body.agent: ")
    agent = http.post("/v1/agents/create", json={"prompt": {"content": "p"}}).json()["id"]
    body = CREATE_CALL.replace(b"3c90c3cc-0d44-4b50-8888-8dd25736052a", agent.encode())
    answer = http.post("/v1/calls/create", content=body, headers=JSON)
    assert answer.status_code == 422
    (problem,) = answer.json()["detail"]
    assert problem["loc"] == ["body", "from_number"]


def test_the_pages_schema_is_kept(http: httpx.Client) -> None:
    """The schema comes back as the page prints it, its lost backslashes included."""
    body = b"".join(
        (
            b'{"type": "action_external", "config": {"name": "Book it!", "description": "d",',
            b' "url": "https://example.com/x", "speak_on_send": true, "speak_on_receive": true,',
            b' "signature_format": "compact", "input_schema": ',
            PAGE_SCHEMA,
            b"}}",
        )
    )
    shown = http.post("/v1/actions/create", content=body).json()
    assert shown["config"]["input_schema"]["properties"]["time"]["pattern"] == "^d{2}:d0[ap]m$"
    assert shown["config"]["signature_format"] == "compact"
    assert len(shown["config"]["signature_secret"]) == 44
