"""Pages of lists, and calls as they are shown, ended and heard."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from cordboard.storage.tables import Call, CallEvent
from tests.control.official import Vocode
from tests.control.server import OWNER_KEY, Server

pytestmark = pytest.mark.filterwarnings("ignore::pydantic.PydanticDeprecatedSince20")

AT = datetime(2026, 3, 4, 5, 6, 7, 250_000, tzinfo=UTC)


def call_row(server: Server, organisation_id: str, agent: dict[str, Any], number: int) -> Call:
    """Return a call that has ended, as the engine leaves it."""
    return Call(
        id=server.services.randomness.uuid(),
        organisation_id=organisation_id,
        created_at=AT + timedelta(minutes=number),
        direction="inbound",
        status="ended" if number else "in_progress",
        stage="picked_up",
        stage_outcome="human_disconnected",
        end_reason="caller_hung_up",
        from_number=f"120255501{number:02}",
        to_number="12025550100",
        agent_phone_number="12025550100",
        agent_id=agent["id"],
        agent=agent,
        plan={},
        carrier="sip",
        telephony_provider="sip",
        telephony_id="abc@host",
        transcript="HUMAN: hi\nBOT: hello",
        recording_available=True,
        started_at=AT + timedelta(minutes=number),
        ended_at=AT + timedelta(minutes=number + 1) if number else None,
        call_variables={"a": "b"},
    )


@pytest.fixture(scope="module")
def calls(server: Server) -> list[str]:
    """Store 25 calls of an agent that is changed afterwards, and return their ids in time."""
    with server.client() as http:
        agent = http.post("/v1/agents/create", json={"prompt": "then", "name": "Then"}).json()
        http.post("/v1/agents/update", params={"id": agent["id"]}, json={"name": "Now"})

    async def store() -> list[str]:
        rows = [call_row(server, agent["user_id"], agent, number) for number in range(25)]
        async with server.services.database.write() as session:
            session.add_all(rows)
            await session.flush()
            for sequence in range(5):
                session.add(
                    CallEvent(
                        call_id=rows[0].id,
                        sequence=sequence,
                        organisation_id=agent["user_id"],
                        kind="words_heard",
                        at=AT,
                        at_ms=None if sequence == 0 else sequence * 100,
                        content={"text": "hi"},
                    )
                )
        return [row.id for row in rows]

    result = server.run(store())
    assert isinstance(result, list)
    return result


@pytest.fixture
def vocode(server: Server) -> Iterator[Vocode]:
    """Return the official client."""
    with httpx.Client(timeout=30) as transport:
        yield Vocode(token=OWNER_KEY, base_url=server.base_url, httpx_client=transport)


def test_pages(vocode: Vocode, calls: list[str]) -> None:
    """Newest first; every call is on exactly one page; all six keys of the envelope are there."""
    seen: list[str] = []
    for page in range(1, 5):
        found = vocode.calls.list_calls(page=page, size=10)
        seen += [item.id for item in found.items]
        assert (found.page, found.size, found.total) == (page, 10, 25)
        assert found.has_more == (page < 3)
        assert found.total_is_estimated is False
    assert seen == calls[::-1]


def test_sorting(vocode: Vocode, http: httpx.Client, calls: list[str]) -> None:
    """Any of the listed columns sorts, both ways; a huge size is cut."""
    for column in ("from_number", "start_time", "created_at"):
        up = vocode.calls.list_calls(size=100, sort_column=column)
        down = vocode.calls.list_calls(size=100, sort_column=column, sort_desc=True)
        assert [item.id for item in up.items] == calls
        assert [item.id for item in down.items] == calls[::-1]
    for noun in ("agents", "prompts", "voices", "actions", "numbers", "webhooks"):
        for column in ("id", "created_at"):
            answer = http.get(f"/v1/{noun}/list", params={"sort_column": column, "size": 1000})
            assert answer.status_code == 200
            assert answer.json()["size"] == 100


def test_every_column_is_sortable(http: httpx.Client) -> None:
    """The columns that a refusal names do sort."""
    for noun in (
        *("agents", "prompts", "voices", "actions", "numbers", "calls", "webhooks"),
        *("vector_databases", "account_connections"),
    ):
        refused = http.get(f"/v1/{noun}/list", params={"sort_column": "?"}).json()["detail"][0]
        columns = refused["msg"].removeprefix("must be one of ").split(", ")
        assert len(columns) > 2
        for column in columns:
            for desc in ("true", "false"):
                query = {"sort_column": column, "sort_desc": desc}
                assert http.get(f"/v1/{noun}/list", params=query).status_code == 200, column


def test_numbers_sort_as_numbers(http: httpx.Client) -> None:
    """A numeric field of an agent sorts by its value, not by its text."""
    for speed in (9, 10, 2):
        http.post("/v1/agents/create", json={"prompt": "p", "conversation_speed": speed})
    query: dict[str, str | int] = {
        "sort_column": "conversation_speed",
        "sort_desc": "true",
        "size": 3,
    }
    items = http.get("/v1/agents/list", params=query).json()["items"]
    assert [item["conversation_speed"] for item in items] == [10, 9, 2]


def test_a_call(vocode: Vocode, calls: list[str]) -> None:
    """Times are ISO in get and epoch in lists; the agent is the one of when the call began."""
    call = vocode.calls.get_call(id=calls[1])
    assert call.start_time == "2026-03-04T05:07:07.250000+00:00"
    assert call.end_time == "2026-03-04T05:08:07.250000+00:00"
    assert call.agent.name == "Then"
    assert call.context == {"a": "b"}
    assert call.telephony_account_connection is None
    assert call.telephony_metadata is None
    item = vocode.calls.list_calls(size=2, sort_column="created_at").items[1]
    assert item.id == call.id
    assert item.agent == call.agent.id
    assert item.start_time == (AT + timedelta(minutes=1)).timestamp()


def test_by_client_version(server: Server, calls: list[str]) -> None:
    """Old clients read no ``sip``; the old JavaScript one wants texts as times in lists."""
    shown = {}
    for version in (None, "0.0.46", "0.0.47", "0.0.48", "0.1.0", "nonsense"):
        headers: dict[str, str] = {} if version is None else {"X-Fern-SDK-Version": version}
        with server.client(**headers) as http:
            shown[version] = http.get(f"/v1/calls?id={calls[1]}").json()
    providers = {version: call["telephony_provider"] for version, call in shown.items()}
    assert [name for name, value in providers.items() if value == "vonage"] == ["0.0.46", "0.0.47"]
    assert {call["carrier"] for call in shown.values()} == {"sip"}
    for version, kind in (("0.0.46", str), ("0.0.47", float)):
        old = {"X-Fern-SDK-Version": version, "X-Fern-Language": "JavaScript"}
        with server.client(**old) as http:
            (item, *_) = http.get("/v1/calls/list").json()["items"]
        assert isinstance(item["start_time"], kind)


def test_end(vocode: Vocode, server: Server, calls: list[str]) -> None:
    """A running call's owner is asked to end it; one that has ended is returned as it is."""
    server.engine.asked.clear()
    assert vocode.calls.end_call(id=calls[0]).id == calls[0]
    assert vocode.calls.end_call(id=calls[1]).status == "ended"
    assert server.engine.asked == [calls[0]]
    with server.client() as http:  # as one client does it
        answer = http.post(f"/v1/calls/end?id={calls[1]}", content=b"null")
    assert answer.status_code == 200


def test_recording(vocode: Vocode, server: Server, http: httpx.Client, calls: list[str]) -> None:
    """A recording is audio/mpeg by both addresses, short or long; without one it is 404."""
    stored = b"ID3" + bytes(200_000)
    server.engine.recordings = {calls[0]: b"ID3abc", calls[1]: stored}
    assert b"".join(vocode.calls.get_recording(id=calls[0])) == b"ID3abc"
    answer = http.get(f"/v1/calls/recording/{calls[1]}")
    assert answer.headers["content-type"] == "audio/mpeg"
    assert answer.content == stored
    missing = http.get(f"/v1/calls/recording?id={calls[2]}")
    assert missing.status_code == 404
    assert isinstance(missing.json()["detail"], str)


def test_timeline(http: httpx.Client, calls: list[str]) -> None:
    """Our own routes show direction, end reason and the facts of the timeline, in order."""
    extended = http.get(f"/x/v1/calls?id={calls[0]}").json()
    assert extended["direction"] == "inbound"
    assert extended["end_reason"] == "caller_hung_up"
    events = http.get(f"/x/v1/calls/{calls[0]}/events").json()["items"]
    assert [event["sequence"] for event in events] == [0, 1, 2, 3, 4]
    assert events[1] == {
        "sequence": 1,
        "kind": "words_heard",
        "at": AT.isoformat(),
        "at_ms": 100,
        "content": {"text": "hi"},
    }
    later = http.get(f"/x/v1/calls/{calls[0]}/events", params={"after": 2, "size": 1}).json()
    assert [event["sequence"] for event in later["items"]] == [3]
    assert http.get("/x/v1/calls/list").json()["items"][0]["direction"] == "inbound"
