"""Calls out of flows: asked for as the protocol has it, kept with the flow's plan."""

from __future__ import annotations

from uuid import uuid4

import httpx
import pytest

from cordboard.call.plan import CallPlan
from cordboard.control.fields import Json
from cordboard.storage.tables import Call
from tests.control.server import Server

OURS = "12025550181"
THEIRS = "12025550155"
BENCH = {"target": "sip:192.0.2.1:5060", "dial_prefixes": ["1202"]}


def flow(http: httpx.Client, number: str | None = None, **trunk: object) -> str:
    """Make a flow, with a number on a trunk of its own; return its id."""
    body = {"name": uuid4().hex, "url": "https://app.example/hook"}
    flow_id = str(http.post("/x/v1/flows/create", json=body).json()["id"])
    if number is not None:
        made = http.post("/x/v1/sip_trunks/create", json={"name": uuid4().hex, **trunk}).json()
        link = {"phone_number": number, "telephony_account_connection": made["id"]}
        link |= {"inbound_flow": flow_id, "outbound_only": True}
        answer = http.post("/v1/numbers/link", json=link)
        assert answer.status_code == 200, answer.text
    return flow_id


def call(http: httpx.Client, flow_id: str, *, key: str | None = None, **body: object) -> Json:
    """Ask for a call as an app does; return its answer with the status."""
    headers = {} if key is None else {"Idempotency-Key": key}
    path = f"/v3/ai-flows/{flow_id}/call"
    answer = http.post(path, json={"billingDevice": "e0", **body}, headers=headers)
    return {"status": answer.status_code, **answer.json()}


@pytest.fixture(scope="module")
def flow_id(server: Server) -> str:
    """Make a flow that can call out."""
    with server.client() as http:
        return flow(http, OURS, **BENCH)


@pytest.mark.parametrize("written", [THEIRS, f"+{THEIRS}", int(THEIRS), "+1 (202) 555-0155"])
def test_a_call_is_kept_for_an_engine(
    server: Server, http: httpx.Client, flow_id: str, written: object
) -> None:
    """With or without its plus, 201 tells the session's id, which is the call's."""
    answer = call(http, flow_id, toPhoneNumber=written)
    assert set(answer) == {"status", "session_id"}
    assert answer["status"] == 201
    shown = http.get("/x/v1/calls", params={"id": answer["session_id"]}).json()
    assert (shown["status"], shown["direction"]) == ("not_started", "outbound")
    assert (shown["from_number"], shown["to_number"]) == (OURS, THEIRS)
    assert (shown["operator"], shown["flow"]["id"]) == ("flow", flow_id)
    assert (shown["carrier"], shown["left_out"]) == ("sip", [])
    assert http.get("/v1/calls", params={"id": answer["session_id"]}).status_code == 404

    async def read() -> Call:
        async with server.services.database.read() as session:
            return await session.get_one(Call, answer["session_id"])

    plan = CallPlan.from_json(server.run(read()).plan)
    assert plan.flow is not None
    assert plan.flow.flow_id == flow_id


def test_without_a_number_there_is_no_call(http: httpx.Client) -> None:
    """A flow that no number leads to, or whose number's trunk leads nowhere, answers 400."""
    for bare in (flow(http), flow(http, "12025550182", networks=["192.0.2.2"])):
        answer = call(http, bare, toPhoneNumber=THEIRS)
        assert answer["status"] == 400
        assert "number" in answer["detail"]


@pytest.mark.parametrize("unknown", ["00000000-0000-4000-8000-00000000abcd", "no-uuid"])
def test_an_unknown_flow_is_not_found(http: httpx.Client, unknown: str) -> None:
    """Whatever stands in its place, there is no such flow."""
    assert call(http, unknown, toPhoneNumber=THEIRS)["status"] == 404


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({}, "missing"),
        ({"toPhoneNumber": "911"}, "dial_emergency"),
        ({"toPhoneNumber": "442079460000"}, "dial_prefix_refused"),
        ({"toPhoneNumber": "nobody"}, "dial_malformed"),
    ],
)
def test_what_may_not_be_dialled_is_refused(
    http: httpx.Client, flow_id: str, body: Json, kind: str
) -> None:
    """The dial policy is asked at once, under the name that the body has."""
    answer = call(http, flow_id, **body)
    assert answer["status"] == 422
    (problem,) = answer["detail"]
    assert (problem["loc"], problem["type"]) == (["body", "toPhoneNumber"], kind)


def test_asked_twice_with_a_key_it_is_one_call(http: httpx.Client, flow_id: str) -> None:
    """The same key gives the same session; for another flow it is refused."""
    first = call(http, flow_id, key="k", toPhoneNumber=THEIRS)
    assert call(http, flow_id, key="k", toPhoneNumber=THEIRS) == first
    other = flow(http, "12025550183", **BENCH)
    assert call(http, other, key="k", toPhoneNumber=THEIRS)["status"] == 409


def test_a_key_needs_the_scope_of_calls(server: Server, http: httpx.Client, flow_id: str) -> None:
    """What costs money is opened by calls:write, as with agents."""
    path = f"/v3/ai-flows/{flow_id}/call"
    for scope, status in (("flows:write", 403), ("calls:read", 403), ("calls:write", 201)):
        body = {"name": scope, "role": "developer", "scopes": [scope]}
        key = http.post("/x/v1/keys/create", json=body).json()["key"]
        with server.client(key) as scoped:
            assert scoped.post(path, json={"toPhoneNumber": THEIRS}).status_code == status


def test_the_organisations_limit_holds(server: Server) -> None:
    """A flow's calls count like an agent's: one more than the quota is refused."""
    body = {"name": uuid4().hex, "quotas": {"calls_max_count": 1}}
    with server.client(server.other_organisation("operator")) as operator:
        made = operator.post("/x/v1/organizations/create", json=body).json()
    with server.client(made["key"]) as owner:
        flow_id = flow(owner, OURS, **BENCH)
        codes = [call(owner, flow_id, toPhoneNumber=THEIRS)["status"] for _ in range(2)]
    assert codes == [201, 429]
