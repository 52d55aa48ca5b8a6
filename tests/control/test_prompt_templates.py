"""Prompt templates: made, named by prompts, and what they require of calls."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from cordboard.storage.tables import Call
from tests.control.server import Server

TEMPLATES = "/x/v1/prompt_templates"
OURS = "12025550171"


def made(http: httpx.Client, **fields: object) -> dict[str, Any]:
    """Make a template and return it."""
    answer = http.post(f"{TEMPLATES}/create", json=fields)
    assert answer.status_code == 200, answer.text
    template: dict[str, Any] = answer.json()
    return template


def plan_of(server: Server, call_id: str) -> dict[str, Any]:
    """Return the plan that is on record."""

    async def read() -> dict[str, Any]:
        async with server.services.database.read() as session:
            return dict((await session.get_one(Call, call_id)).plan)

    plan: dict[str, Any] = server.run(read())
    return plan


@pytest.fixture(scope="module", autouse=True)
def number(server: Server) -> None:
    """Link a number that calls can be asked for from."""
    trunk = {"name": "templates", "target": "sip:192.0.2.9", "allow_any": True}
    with server.client() as http:
        trunk_id = http.post("/x/v1/sip_trunks/create", json=trunk).json()["id"]
        link = {"phone_number": OURS, "telephony_account_connection": trunk_id}
        assert http.post("/v1/numbers/link", json=link).status_code == 200


def test_life(http: httpx.Client) -> None:
    """A template is made, read, listed, changed and deleted; keys are told once each."""
    template = made(http, label="Dentist", content="Hi ${name}", required_context_keys=["a", "a"])
    assert template["required_context_keys"] == ["a"]
    path = f"{TEMPLATES}?id={template['id']}"
    assert http.get(path).json() == template
    assert template["id"] in [item["id"] for item in http.get(f"{TEMPLATES}/list").json()["items"]]
    changed = http.post(f"{TEMPLATES}/update?id={template['id']}", json={"label": "Doctor"}).json()
    assert changed == {**template, "label": "Doctor"}
    assert http.post(f"{TEMPLATES}/delete?id={template['id']}").json()["id"] == template["id"]
    assert http.get(path).status_code == 404


@pytest.mark.parametrize("key", ["", "a b", "a.b", "é", "${a}", "x" * 65, "a\n"])
def test_keys_are_names(http: httpx.Client, key: str) -> None:
    """A key that could not stand between ``${`` and ``}`` is refused, at its place."""
    answer = http.post(f"{TEMPLATES}/create", json={"required_context_keys": ["fine", key]})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "required_context_keys", 1]


def test_prompts_name_templates(http: httpx.Client) -> None:
    """A prompt takes a template by id or whole, anywhere; a change reaches it; used ones stay."""
    template = made(http, label="One", required_context_keys=["name"])
    named = http.post("/v1/prompts/create", json={"prompt_template": template["id"]}).json()
    shown = {key: template[key] for key in ("id", "user_id", "label", "required_context_keys")}
    assert named["prompt_template"] == shown
    again = http.post(f"/v1/prompts/update?id={named['id']}", json={"prompt_template": shown})
    assert again.json()["prompt_template"] == shown
    inline = {"prompt": {"prompt_template": template["id"]}}
    agent = http.post("/v1/agents/create", json=inline).json()
    assert agent["prompt"]["prompt_template"] == shown
    http.post(f"{TEMPLATES}/update?id={template['id']}", json={"label": "Two"})
    assert http.get(f"/v1/prompts?id={named['id']}").json()["prompt_template"]["label"] == "Two"
    (item, *_) = http.get("/v1/prompts/list").json()["items"]
    assert item["prompt_template"] == template["id"]
    refused = http.post(f"{TEMPLATES}/delete?id={template['id']}")
    assert (refused.status_code, refused.json()["detail"]) == (
        409,
        "2 prompts are made from this template",
    )
    other = made(http, label="Three")
    patch = {"prompt": {"prompt_template": other["id"]}}
    patched = http.post(f"/v1/agents/update?id={agent['id']}", json=patch).json()
    assert patched["prompt"]["prompt_template"]["label"] == "Three"
    http.post(f"/v1/prompts/update?id={named['id']}", json={"prompt_template": None})
    assert http.post(f"{TEMPLATES}/delete?id={template['id']}").status_code == 200


def test_required_keys(server: Server, http: httpx.Client) -> None:
    """A call without a required key is a 422 that names it; with all, the text is filled in."""
    keys = ["name", "day", "to_number"]
    content = "Call ${name} on ${day}, ${to_number}: $$ {day} {{day}} ${other}"
    template = made(http, label="Reminder", content=content, required_context_keys=keys)
    prompt = {"prompt_template": template["id"]}
    agent = http.post("/v1/agents/create", json={"prompt": prompt}).json()
    wanted = {"from_number": OURS, "to_number": "12025550155", "agent": agent["id"]}
    answer = http.post("/v1/calls/create", json=wanted)
    assert answer.status_code == 422
    assert [(item["loc"], item["type"]) for item in answer.json()["detail"]] == [
        (["body", "context", "name"], "missing"),
        (["body", "context", "day"], "missing"),
    ]
    context = {"name": "${day}", "day": "Monday"}
    call = http.post("/v1/calls/create", json={**wanted, "context": context}).json()
    assert call["context"] == context
    plan = plan_of(server, call["id"])
    assert plan["prompt"] == ("Call ${day} on Monday, 12025550155: $$ {day} {{day}} ${other}")
    assert plan["missing_keys"] == []


def test_own_text_wins(server: Server, http: httpx.Client) -> None:
    """A prompt that has a text of its own keeps it, and its template's requirements."""
    template = made(http, content="The template's", required_context_keys=["name"])
    prompt = {"content": "My own, ${name}", "prompt_template": template["id"]}
    agent = {"prompt": prompt}
    wanted = {"from_number": OURS, "to_number": "12025550155", "agent": agent}
    assert http.post("/v1/calls/create", json=wanted).status_code == 422
    call = http.post("/v1/calls/create", json={**wanted, "context": {"name": "Ada"}}).json()
    assert plan_of(server, call["id"])["prompt"] == "My own, Ada"
