"""Flows over HTTP: stored, attached to numbers, called, and never shown to official clients."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from cordboard.call.barge_in import BargeInStrategy
from cordboard.call.flow.plan import Waiting
from cordboard.call.plan import CallPlan
from cordboard.control.errors import Unavailable
from cordboard.control.fields import Json
from cordboard.control.flows.stream import STREAMS_MAX, Streams
from cordboard.ports import Direction, Fact, InboundPlan, NewCall
from cordboard.storage.call_store import SqlCallStore
from cordboard.storage.flow_rows import flow_token
from cordboard.storage.inbound_plans import InboundPlans
from tests.control.server import Server

FLOWS = "/x/v1/flows"
URL = "https://app.example/hook"


def made(http: httpx.Client, **fields: object) -> Json:
    """Make a flow."""
    body = {"name": uuid4().hex, "url": URL, **fields}
    answer = http.post(f"{FLOWS}/create", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def trunk_id(http: httpx.Client) -> str:
    """Make a trunk."""
    body = {"name": uuid4().hex, "networks": ["192.0.2.1/32"]}
    return str(http.post("/x/v1/sip_trunks/create", json=body).json()["id"])


def linked(http: httpx.Client, number: str, **fields: object) -> Json:
    """Link a number through a trunk of its own."""
    body = {"phone_number": number, "telephony_account_connection": trunk_id(http), **fields}
    answer = http.post("/v1/numbers/link", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def plan_of(server: Server, number: Json) -> InboundPlan | None:
    """Return what a call to a number would run on."""

    async def find() -> InboundPlan | None:
        plans = InboundPlans(clock=server.services.clock)
        async with server.services.database.read() as session:
            return await plans.find(session, number["trunk_id"], number["number"], "100")

    found: InboundPlan | None = server.run(find())
    return found


def call_on(server: Server, inbound: InboundPlan, call_id: str = "", first: int = 0) -> str:
    """Put a call on record as an engine does, or go on with it: with two facts."""
    known, call_id = bool(call_id), call_id or str(uuid4())

    async def begin() -> None:
        plans = InboundPlans(clock=server.services.clock)
        store = SqlCallStore(
            server.services.database,
            "engine",
            server.services.clock,
            find_plan=plans.find,
            show_agent=plans.show,
        )
        async with store:
            call = _new_call(call_id, inbound)
            if not known:
                await store.create_call(call)
            for sequence in (first, first + 1):
                fact = Fact(sequence, "flow_event", call.at, None, {"type": "user_speak"})
                store.keep(call_id, fact)

    server.run(begin())
    return call_id


def _new_call(call_id: str, inbound: InboundPlan) -> NewCall:
    return NewCall(
        call_id=call_id,
        leg_id=str(uuid4()),
        organisation_id=inbound.organisation_id,
        direction=Direction.INBOUND,
        from_number="100",
        to_number=inbound.number,
        carrier="sip",
        trunk_id=None,
        carrier_handle=call_id,
        dialog={},
        plan=inbound.plan,
        at=datetime.now(UTC),
    )


def test_the_four_routes_and_delete(http: httpx.Client) -> None:
    """A flow is made with defaults, changed, listed and taken away."""
    flow = made(http, name="Desk")
    assert (flow["transport"], flow["waiting"], flow["language"]) == ("http", "comfort", "en")
    changed = http.post(f"{FLOWS}/update?id={flow['id']}", json={"url": "wss://app.example/x"})
    assert changed.json()["transport"] == "websocket"
    assert changed.json()["name"] == "Desk"
    assert http.get(FLOWS, params={"id": flow["id"]}).json() == changed.json()
    listed = http.get(f"{FLOWS}/list?sort_column=name&size=100").json()["items"]
    assert changed.json() in listed
    assert http.post(f"{FLOWS}/delete?id={flow['id']}").status_code == 200
    assert http.get(FLOWS, params={"id": flow["id"]}).status_code == 404


@pytest.mark.parametrize(
    ("place", "fields"),
    [
        ("url", {"url": "http://10.0.0.1/hook"}),
        ("url", {"url": "ftp://app.example"}),
        ("url", {"url": None}),
        (None, {"transport": "websocket"}),
        ("token", {"token": "two\r\nlines"}),
        ("language", {"language": "english please"}),
        ("waiting", {"waiting": "music"}),
        ("answer_within_ms", {"answer_within_ms": 1}),
        ("fallback_number", {"fallback_number": "nobody"}),
        ("webhook", {"webhook": {"url": URL}}),
        ("voice", {"voice": "Ann"}),
        ("strategy", {"barge_in": {"strategy": "sometimes"}}),
    ],
)
def test_refusals_name_their_field(
    http: httpx.Client, place: str | None, fields: dict[str, Any]
) -> None:
    """What does not fit is refused at its place, addresses that policy forbids included."""
    answer = http.post(f"{FLOWS}/create", json={"name": uuid4().hex, "url": URL, **fields})
    assert answer.status_code == 422
    (problem,) = answer.json()["detail"]
    assert place is None or problem["loc"][-1] == place


def test_names_are_of_one_flow(server: Server, http: httpx.Client) -> None:
    """Two flows of an organisation have two names; another organisation sees neither."""
    flow = made(http)
    again = http.post(f"{FLOWS}/create", json={"name": flow["name"], "url": URL})
    assert again.json()["detail"][0]["loc"] == ["body", "name"]
    assert http.post(f"{FLOWS}/update?id={flow['id']}", json={"name": flow["name"]}).is_success
    with server.client(server.other_organisation()) as other:
        assert other.get(FLOWS, params={"id": flow["id"]}).status_code == 404
        assert other.get(f"{FLOWS}/list").json()["total"] == 0
        assert made(other, name=flow["name"])["id"] != flow["id"]


def test_tokens_are_kept_in_the_vault(server: Server, http: httpx.Client) -> None:
    """A token is masked wherever it is shown, survives updates, and goes when it is set to null."""
    flow = made(http, token="a-secret-token")
    assert "a-secret-token" not in str(flow)

    def token() -> str | None:
        async def read() -> str | None:
            services = server.services
            async with services.database.read() as session:
                return await flow_token(session, services.vault, flow["user_id"], flow["id"])

        found: str | None = server.run(read())
        return found

    assert token() == "a-secret-token"
    path = f"{FLOWS}/update?id={flow['id']}"
    assert http.post(path, json={"name": flow["name"] + "!", "token": flow["token"]}).is_success
    assert token() == "a-secret-token"
    assert http.post(path, json={"token": None}).json()["token"] is None
    assert token() is None


def test_a_number_has_an_agent_or_a_flow(server: Server, http: httpx.Client) -> None:
    """One takes the place of the other; both at once are refused; a flow in use stays."""
    flow = made(http)
    number = linked(http, "12025550141", inbound_flow=flow["id"])
    assert (number["inbound_flow"], number["inbound_agent"]) == (flow["id"], None)
    assert http.post(f"{FLOWS}/delete?id={flow['id']}").status_code == 409
    path = "/v1/numbers/update?phone_number=12025550141"
    agent = http.post(path, json={"inbound_agent": {"name": "Ann"}}).json()
    assert (agent["inbound_flow"], agent["inbound_agent"]["name"]) == (None, "Ann")
    back = http.post(path, json={"inbound_flow": flow["id"]}).json()
    assert (back["inbound_flow"], back["inbound_agent"]) == (flow["id"], None)
    both = {"inbound_flow": flow["id"], "inbound_agent": agent["inbound_agent"]["id"]}
    assert http.post(path, json=both).status_code == 422
    assert http.post(path, json={"inbound_flow": str(uuid4())}).status_code == 404
    assert http.post(path, json={"inbound_flow": None}).json()["inbound_flow"] is None
    assert plan_of(server, number) is None
    assert http.post(f"{FLOWS}/delete?id={flow['id']}").status_code == 200


def test_a_flow_becomes_a_plan(server: Server, http: httpx.Client) -> None:
    """Whatever a flow says is in the plan of its number's calls, and the token is not."""
    voice = http.post(
        "/v1/voices/create", json={"type": "voice_rime", "speaker": "marge", "model_id": "mist"}
    ).json()
    flow = made(
        http,
        url="wss://app.example/socket",
        token="a-secret-token",
        language="de-DE",
        voice=voice["id"],
        transcription={"provider": "azure", "vocabulary": ["Cordboard"]},
        barge_in={"strategy": "immediate", "allow_after_ms": 500},
        end_of_turn_silence_ms=900,
        answer_within_ms=5000,
        answer_delay_ms=2000,
        assistant_speak_at="end",
        waiting="phrase",
        fallback_text="Goodbye.",
        fallback_number="+1 (202) 555-0142",
        digits_only=True,
        send_user_barge_in=True,
        send_transcript_field=True,
    )
    found = plan_of(server, linked(http, "12025550143", inbound_flow=flow["id"]))
    assert found is not None
    plan = found.plan
    assert CallPlan.from_json(plan.to_json()) == plan
    assert "a-secret-token" not in str(plan.to_json())
    assert (plan.language, plan.agent_id) == ("de-DE", None)
    assert (plan.voice.voice, plan.transcriber.provider) == ("marge", "azure")
    assert plan.transcriber.keywords == {"Cordboard": 1.0}
    own = plan.flow
    assert own is not None
    assert (own.flow_id, own.url, own.name) == (flow["id"], flow["url"], flow["name"])
    assert (own.answers_each, own.speaks_at_end, own.waiting) == (False, True, Waiting.PHRASE)
    assert (own.rule.strategy, own.rule.allow_after_ms) == (BargeInStrategy.IMMEDIATE, 500)
    assert (own.turn_silence_ms, own.answer_within_ms, own.answer_delay_ms) == (900, 5000, 2000)
    assert (own.fallback_text, own.fallback_number) == ("Goodbye.", "12025550142")
    assert own.digits_only
    assert own.sends_barge_in
    assert own.sends_transcript


def test_calls_of_flows_are_ours_alone(server: Server, http: httpx.Client) -> None:
    """The public API knows nothing of a flow's call; our own routes show it, with its flow."""
    webhook = http.post("/v1/webhooks/create", json={"url": URL, "subscriptions": []}).json()
    flow = made(http, webhook=webhook["id"])
    inbound = plan_of(server, linked(http, "12025550144", inbound_flow=flow["id"]))
    assert inbound is not None
    call_id = call_on(server, inbound)
    for method, path in (("GET", "/v1/calls"), ("POST", "/v1/calls/end")):
        answer = http.request(method, path, params={"id": call_id})
        assert answer.status_code == 404
        assert "/x/v1/calls" in answer.json()["detail"]
    hidden = http.get("/v1/calls/list?size=100").json()
    assert (call_id in str(hidden), hidden["total"]) == (False, len(hidden["items"]))
    shown = http.get("/x/v1/calls", params={"id": call_id}).json()
    assert (shown["operator"], shown["agent"], shown["flow"]["id"]) == ("flow", None, flow["id"])
    assert shown["flow"]["webhook"]["url"] == URL
    (item,) = [
        item
        for item in http.get("/x/v1/calls/list?size=100").json()["items"]
        if item["id"] == call_id
    ]
    assert (item["operator"], item["agent"]) == ("flow", None)
    assert http.post("/x/v1/calls/end", params={"id": call_id}).status_code == 200
    assert http.get("/x/v1/calls/recording", params={"id": call_id}).status_code == 404


def next_events(stream: Iterator[str], count: int) -> list[tuple[str, Json]]:
    """Read so many events: each with its id and what it tells."""
    events: list[tuple[str, Json]] = []
    event_id = ""
    for line in stream:
        name, _, value = line.partition(": ")
        if name == "id":
            event_id = value
        elif name == "data":
            events.append((event_id, json.loads(value)))
        if len(events) == count:
            return events
    raise AssertionError("the stream ended")


def test_the_event_stream(server: Server, http: httpx.Client) -> None:
    """A reader gets a running call from its beginning, then what comes, and no call of others."""
    flow, other = made(http), made(http)
    inbound = plan_of(server, linked(http, "12025550145", inbound_flow=flow["id"]))
    elsewhere = plan_of(server, linked(http, "12025550146", inbound_flow=other["id"]))
    assert inbound is not None
    assert elsewhere is not None
    call_id = call_on(server, inbound)
    call_on(server, elsewhere)
    path = f"{FLOWS}/{flow['id']}/events"
    with http.stream("GET", path) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        stream = answer.iter_lines()
        first = next_events(stream, 2)
        assert [event_id for event_id, _ in first] == [f"{call_id}:0", f"{call_id}:1"]
        assert first[0][1]["content"] == {"type": "user_speak"}
        call_on(server, elsewhere)
        second_id = call_on(server, inbound)
        assert {event_id for event_id, _ in next_events(stream, 2)} == {
            f"{second_id}:0",
            f"{second_id}:1",
        }
    with http.stream("GET", path, headers={"Last-Event-ID": f"{second_id}:1"}) as answer:
        seen = {event_id for event_id, _ in next_events(answer.iter_lines(), 4)}
        assert {f"{second_id}:0", f"{second_id}:1"} < seen
    assert http.get(f"{FLOWS}/{uuid4()}/events").status_code == 404
    with server.client(server.other_organisation()) as stranger:
        assert stranger.get(path).status_code == 404


def test_a_revoked_key_ends_its_stream(server: Server, http: httpx.Client) -> None:
    """Within a second of the revocation nothing more comes by a stream that was open (R14)."""
    flow = http.post(f"{FLOWS}/create", json={"name": "r", "url": "https://example.com"}).json()
    made = http.post("/x/v1/keys/create", json={"name": "s", "role": "viewer"}).json()
    with (
        server.client(made["key"]) as reader,
        reader.stream("GET", f"{FLOWS}/{flow['id']}/events") as answer,
    ):
        assert answer.status_code == 200
        lines = answer.iter_lines()
        assert next(lines) == ":"
        assert http.post(f"/x/v1/keys/revoke?id={made['id']}").status_code == 200
        begun = time.monotonic()
        assert "".join(lines) == ""
        assert time.monotonic() - begun < 1
        assert reader.get(FLOWS, params={"id": flow["id"]}).status_code == 401


def test_streams_are_bounded() -> None:
    """One stream too many is refused; a place that nobody holds any more is free."""
    streams = Streams()
    places = [streams.take() for _ in range(STREAMS_MAX)]
    with pytest.raises(Unavailable):
        streams.take()
    streams.give_back(places[0])
    kept = streams.take()
    with pytest.raises(Unavailable):
        streams.take()
    del places[1:]
    assert streams.take() is not kept
