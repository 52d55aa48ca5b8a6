"""Organisations: who makes them, what their keys reach, and how much they may use."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from cordboard.control.app import create_app
from cordboard.control.errors import QuotaUsedUp
from cordboard.control.organisations.quotas import WINDOW_MS, RequestRates
from cordboard.control.scopes import NOUNS, noun_of
from tests.control.server import Server

ORGANIZATIONS = "/x/v1/organizations"


@pytest.fixture
def operator(server: Server) -> Iterator[httpx.Client]:
    """Return a client of whoever runs the installation."""
    with server.client(server.other_organisation("operator")) as client:
        yield client


def made(http: httpx.Client, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Make something that must be made, and return it."""
    answer = http.post(path, json=body or {})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def scoped(http: httpx.Client, role: str, *scopes: str) -> str:
    """Make a key and return its text."""
    body = {"role": role, "scopes": list(scopes)}
    return str(made(http, "/x/v1/keys/create", body)["key"])


def calling(http: httpx.Client) -> dict[str, Any]:
    """Furnish an organisation so that it can ask for calls, and return such a request."""
    trunk = {"name": "t", "target": "sip:203.0.113.9", "allow_any": True}
    trunk_id = made(http, "/x/v1/sip_trunks/create", trunk)["id"]
    linked = {"phone_number": "100", "telephony_account_connection": trunk_id}
    made(http, "/v1/numbers/link", linked)
    agent = made(
        http,
        "/v1/agents/create",
        {"prompt": "p", "voice": {"type": "voice_vocode", "voice_id": "joe"}},
    )
    return {"from_number": "100", "to_number": "200", "agent": agent["id"]}


def test_an_operator_makes_organizations(server: Server, operator: httpx.Client) -> None:
    """It comes with an owner's key, shown once; its owner sees it, and no other one."""
    new = made(operator, f"{ORGANIZATIONS}/create", {"name": "New", "quotas": {}})
    listed = operator.get(f"{ORGANIZATIONS}/list").json()["items"]
    assert new["id"] in {item["id"] for item in listed}
    assert new["key"] not in str(listed)
    with server.client(new["key"]) as owner:
        own = owner.get(ORGANIZATIONS).json()
        assert own["name"] == "New"
        assert owner.get("/x/v1/keys/list").json()["items"][0]["role"] == "owner"
        others = [item["id"] for item in listed if item["id"] != new["id"]]
        absent = owner.get(ORGANIZATIONS, params={"id": server.services.randomness.uuid()})
        for foreign in others[:3]:
            answer = owner.get(ORGANIZATIONS, params={"id": foreign})
            assert (answer.status_code, answer.content) == (404, absent.content)
        for method, path in (("GET", "list"), ("POST", "create"), ("POST", "update?id=x")):
            assert owner.request(method, f"{ORGANIZATIONS}/{path}").status_code == 403
        body = {"role": "operator"}
        assert owner.post("/x/v1/keys/create", json=body).status_code == 403


def test_quotas_are_changed_one_by_one(operator: httpx.Client) -> None:
    """What an update does not name stays, null lifts, and what is no count is refused."""
    new = made(operator, f"{ORGANIZATIONS}/create", {"name": "Q", "quotas": {"calls_max_count": 2}})
    update = f"{ORGANIZATIONS}/update?id={new['id']}"
    quotas = made(operator, update, {"quotas": {"calls_per_day_max_count": 5}})["quotas"]
    assert (quotas["calls_max_count"], quotas["calls_per_day_max_count"]) == (2, 5)
    assert made(operator, update, {"quotas": {"calls_max_count": None}})["quotas"] == {
        **quotas,
        "calls_max_count": None,
    }
    for wrong in (-1, "many", 2**40):
        answer = operator.post(update, json={"quotas": {"calls_max_count": wrong}})
        assert answer.json()["detail"][0]["loc"] == ["body", "quotas", "calls_max_count"]


def test_scopes(server: Server, operator: httpx.Client) -> None:
    """A key with scopes reaches their nouns alone, within its role; ``write`` includes ``read``."""
    with server.client(scoped(operator, "developer", "calls:read", "prompts:write")) as http:
        assert http.get("/v1/calls/list").status_code == 200
        assert http.get("/x/v1/calls/list").status_code == 200
        assert http.post("/v1/calls/end?id=x").status_code == 403
        assert http.post("/v1/calls/create", json={}).status_code == 403
        assert http.post("/v1/prompts/create", json={}).status_code == 200
        assert http.get("/v1/prompts/list/").status_code == 200
        for path in ("/v1/agents?id=x", "/x/v1/sip_trunks/list", ORGANIZATIONS):
            answer = http.get(path)
            assert answer.status_code == 403, path
            assert "no scope" in answer.json()["detail"]
    with server.client(scoped(operator, "viewer", "prompts:write")) as viewer:
        assert viewer.post("/v1/prompts/create", json={}).status_code == 403


def test_nobody_gives_more_than_they_have(server: Server, operator: httpx.Client) -> None:
    """A key with scopes makes keys within them; a scope that names nothing is refused."""
    with server.client(scoped(operator, "owner", "keys:write", "calls:read")) as http:
        assert http.post("/x/v1/keys/create", json={"role": "viewer"}).status_code == 403
        wider = {"role": "viewer", "scopes": ["calls:write"]}
        assert http.post("/x/v1/keys/create", json=wider).status_code == 403
        assert scoped(http, "viewer", "calls:read")
    for scope in ("calls", "calls:delete", "everything:read", ""):
        answer = operator.post("/x/v1/keys/create", json={"scopes": [scope]})
        assert answer.json()["detail"][0]["loc"] == ["body", "scopes"], scope


def test_secrets_need_full_scope(server: Server, operator: httpx.Client) -> None:
    """A signature secret is shown whole to keys without scopes only (R32)."""
    config = {
        "name": "n",
        "description": "d",
        "url": "https://example.com",
        "input_schema": {"type": "object"},
        "speak_on_send": False,
        "speak_on_receive": False,
    }
    body = {"type": "action_external", "config": config}
    action = made(operator, "/v1/actions/create", body)
    secret = action["config"]["signature_secret"]
    with server.client(scoped(operator, "developer", "actions:write")) as http:
        seen = http.get(f"/v1/actions?id={action['id']}").json()["config"]["signature_secret"]
    assert seen == "****" + secret[-4:]


def test_every_noun_can_be_scoped(server: Server) -> None:
    """Each operation belongs to a noun that scopes know."""
    paths = [path for path in create_app(server.services).openapi()["paths"] if path[-1] != "z"]
    assert len(paths) > 40
    assert {noun_of(path) for path in paths} <= NOUNS | {"recordings"}  # opened by links alone


def test_no_operation_is_open(server: Server) -> None:
    """Without a key nothing answers but health, whatever the operation (R14)."""
    opened = set()
    for number, (path, methods) in enumerate(
        create_app(server.services).openapi()["paths"].items()
    ):
        # As a proxy has it: from an address each, so that none has tried too often.
        headers = {"X-Forwarded-For": f"192.0.2.{number}"}
        for method in methods:
            url = server.base_url + path.replace("{", "").replace("}", "")
            answer = httpx.request(method, url, headers=headers)
            if answer.status_code != 401:
                opened.add(path)
    # What a signed link opens without a key is held by tests of its own.
    assert opened == {"/healthz", "/readyz", "/x/v1/recordings/{call_id}"}


def test_calls_at_a_time(server: Server, operator: httpx.Client) -> None:
    """Of ten requests at once as many are taken as the quota has; the others may come again."""
    new = made(operator, f"{ORGANIZATIONS}/create", {"name": "C", "quotas": {"calls_max_count": 3}})
    with server.client(new["key"]) as http:
        body = calling(http)

        def ask(_: int) -> httpx.Response:
            return http.post("/v1/calls/create", json=body)

        with ThreadPoolExecutor(10) as pool:
            answers = list(pool.map(ask, range(10)))
        codes = sorted(answer.status_code for answer in answers)
        assert codes == [200] * 3 + [429] * 7
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert refused.json() == {"detail": "The organisation may have 3 calls at a time"}
        assert int(refused.headers["retry-after"]) > 0
        taken = next(answer for answer in answers if answer.status_code == 200).json()["id"]
        server.engine.runs_it = False
        http.post(f"/v1/calls/end?id={taken}")
        server.engine.runs_it = True
        assert ask(0).status_code == 200


def test_calls_in_a_day(server: Server, operator: httpx.Client) -> None:
    """The day's quota is told with the time until the next day; a repeated request is none."""
    quotas = {"calls_per_day_max_count": 1}
    new = made(operator, f"{ORGANIZATIONS}/create", {"name": "D", "quotas": quotas})
    with server.client(new["key"]) as http:
        body = calling(http)
        key = {"Idempotency-Key": "one"}
        first = http.post("/v1/calls/create", json=body, headers=key)
        assert http.post("/v1/calls/create", json=body, headers=key).json() == first.json()
        refused = http.post("/v1/calls/create", json=body)
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 86_401
        assert http.get("/v1/calls/list").json()["total"] == 1


def test_requests_in_a_minute(server: Server, operator: httpx.Client) -> None:
    """All keys of the organisation share the quota; other organisations do not notice."""
    quotas = {"requests_per_minute_max_count": 5}
    new = made(operator, f"{ORGANIZATIONS}/create", {"name": "R", "quotas": quotas})
    with server.client(new["key"]) as http:
        second = scoped(http, "viewer", "calls:read")
        codes = [http.get("/v1/calls/list").status_code for _ in range(4)]
        with server.client(second) as other:
            refused = other.get("/v1/calls/list")
    assert codes == [200] * 4
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert operator.get("/v1/calls/list").status_code == 200


def test_a_window_ends() -> None:
    """After a minute an organisation has all its requests again; of many, the oldest are let go."""
    rates = RequestRates()
    rates.count("a", 1, 0)
    with pytest.raises(QuotaUsedUp) as raised:
        rates.count("a", 1, WINDOW_MS - 1)
    assert raised.value.headers == {"Retry-After": "1"}
    rates.count("a", 1, WINDOW_MS)
    rates.count("b", None, 0)
