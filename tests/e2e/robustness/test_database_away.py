"""The database is away for ten seconds: no running call notices, and nothing is lost (R38)."""

from __future__ import annotations

import asyncio
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.delivery.receiver import EVERY, HandClock, Receiver
from tests.e2e.robustness.caller import Caller, street, until
from tests.e2e.robustness.house import give_number, obedient
from tests.e2e.server import NUMBER, Json, Server
from tests.postgres import PostgresServer

AWAY_S = 10.0
ANSWER_S = 5.0
"""The reply to a word takes so long at most, the caller's silence before it included."""

HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.readline()
"""


@asynccontextmanager
async def _locked(data_dir: Path) -> AsyncIterator[None]:
    """Hold SQLite's lock from another process: nothing can be written."""
    command = [sys.executable, "-c", HOLD, str(data_dir / "cordboard.db")]
    holder = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    try:
        assert holder.stdout is not None
        assert await holder.stdout.readline() == b"held\n"
        yield
    finally:
        await holder.communicate(b"")


@asynccontextmanager
async def _stopped(postgres: PostgresServer) -> AsyncIterator[None]:
    """Stop the server as a crash would, and start it again."""
    await asyncio.to_thread(postgres.stop)
    try:
        yield
    finally:
        await asyncio.to_thread(postgres.start)


@pytest.mark.timeout(150)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_ten_seconds_away(tmp_path: Path, kind: str, request: pytest.FixtureRequest) -> None:
    """The call goes on, a new caller and the API are answered in time, every fact and event is
    there afterwards, in order.
    """
    receiver = Receiver(HandClock())
    options: dict[str, str] = {}
    postgres: PostgresServer | None = None
    if kind == "postgresql":
        postgres = request.getfixturevalue("postgres")
        options["database_url"] = postgres.make()
    server = obedient(tmp_path, options)
    async with receiver.running():
        try:
            await asyncio.to_thread(server.start)
            await give_number(server)
            _subscribe(server, receiver.url())
            away = _locked(tmp_path / "var") if postgres is None else _stopped(postgres)
            async with street(server.address, "away") as people:
                (caller,) = await people.ring(NUMBER)
                await caller.hear("Hello")
                async with away:
                    ends_at = time.monotonic() + AWAY_S
                    refused = asyncio.gather(people.caller(NUMBER).call.place())
                    listed = asyncio.gather(asyncio.to_thread(_list_calls, server))
                    words = await _talk_until(caller, ends_at)
                    async with asyncio.timeout(5):
                        assert (await refused)[0] == 503
                        await listed
                assert caller.noted.widest_gap_ms < 1_000
                caller.say("leave")
                await until(lambda: caller.noted.ended is not None, 15)
            (call,) = await server.ended_calls("away")
            _judge_record(call, server.events(call["id"]), words)
            await until(lambda: _terminal(receiver), 30)
            numbers = [int(got.headers["cordboard-sequence"]) for got in receiver.got]
            assert sorted(set(numbers)) == list(range(1, max(numbers) + 1))
            assert server.stop() == 0
        finally:
            server.stop()
    assert not server.mistakes()


async def _talk_until(caller: Caller, ends_at: float) -> list[str]:
    """Say words and hear the answer to each, until it is over; returns the words."""
    said: list[str] = []
    while time.monotonic() < ends_at:
        word = f"word{len(said)}"
        caller.say(word)
        await caller.hear(f"you said {word}", ANSWER_S)
        said.append(word)
    assert len(said) >= 2
    return said


def _list_calls(server: Server) -> None:
    """The API answers within its time, with what it has or that it has nothing."""
    began = time.monotonic()
    answer = server.api.get("/v1/calls/list")
    assert answer.status_code in (200, 503), answer.text
    assert time.monotonic() - began < 2 + 2  # the machine is shared


def _subscribe(server: Server, url: str) -> None:
    agent = server.api.get("/v1/agents/list").json()["items"][0]
    webhook = {"url": url, "subscriptions": EVERY}
    answer = server.api.post(f"/v1/agents/update?id={agent['id']}", json={"webhook": webhook})
    assert answer.status_code == 200, answer.text


def _judge_record(call: Json, facts: list[Json], words: list[str]) -> None:
    assert call["status"] == "ended"
    assert [fact["sequence"] for fact in facts] == list(range(1, len(facts) + 1))
    said = [line for line in call["transcript"].splitlines() if line.startswith("HUMAN")]
    assert said == [f"HUMAN: {word}" for word in (*words, "leave")]


def _terminal(receiver: Receiver) -> bool:
    return any(got.event["type"] == "event_phone_call_ended" for got in receiver.got)
