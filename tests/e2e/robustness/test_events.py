"""``kill -9`` while calls run and their events are under way: no event is lost."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import defaultdict
from pathlib import Path

import pytest
from aiohttp import web

from tests.counts import count
from tests.delivery.receiver import EVERY, Got, HandClock, Receiver
from tests.e2e.robustness.caller import Caller, street, until
from tests.e2e.robustness.house import give_number, obedient, rows
from tests.e2e.server import NUMBER, Server

CALLS_A_KILL = 3
LEASE_S = 30
TERMINAL = ("event_phone_call_ended", "event_phone_call_did_not_connect")


@pytest.mark.timeout(count(150, 3600))
async def test_kills_lose_no_event(tmp_path: Path) -> None:
    """Each call's events come numbered without a gap, the last one terminal, repeats the same."""
    chance = random.Random("events")
    receiver = Receiver(HandClock())
    data_dir = tmp_path / "var"
    refused: set[str] = set()

    def answer(request: web.Request) -> int:
        """Refuse one in three at first, so that retries are under way at each kill."""
        event_id = request.headers["webhook-id"]
        if event_id in refused or chance.random() > 1 / 3:
            return 200
        refused.add(event_id)
        return 500

    receiver.answers["/in"] = answer
    async with receiver.running():
        server = obedient(tmp_path / "run0", {"data_dir": str(data_dir)})
        server.start()
        sip_port = server.sip_port
        await give_number(server)
        _subscribe(server, receiver.url())
        for kill in range(count(3, 200)):
            async with street((server.host, sip_port), f"events{kill}") as people:
                callers = [people.caller(NUMBER) for _ in range(CALLS_A_KILL)]
                async with asyncio.TaskGroup() as group:
                    talking = [group.create_task(_talk(caller)) for caller in callers]
                    await asyncio.sleep(chance.uniform(2, 5))
                    server.signal(signal.SIGKILL)
                    for task in talking:
                        task.cancel()
                assert await asyncio.to_thread(server.stop) == -signal.SIGKILL
                options = {"data_dir": str(data_dir), "sip_port": str(sip_port)}
                server = obedient(tmp_path / f"run{kill + 1}", options)
                await asyncio.to_thread(server.start)
                await until(lambda: _all_over(data_dir), 15)
        ids = {row.call_id for row in rows(data_dir)}
        await until(lambda: _terminal(receiver.got) == ids, LEASE_S + 15)
        await until(lambda: not _missing(receiver.got), LEASE_S + 15)
        assert server.stop() == 0
    assert not server.mistakes()
    _judge(receiver.got)
    assert len(ids) >= count(3, 200)


def _subscribe(server: Server, url: str) -> None:
    agent = server.api.get("/v1/agents/list").json()["items"][0]
    webhook = {"url": url, "subscriptions": EVERY}
    answer = server.api.post(f"/v1/agents/update?id={agent['id']}", json={"webhook": webhook})
    assert answer.status_code == 200, answer.text


async def _talk(caller: Caller) -> None:
    await caller.call.place()
    await caller.hear("Hello")
    caller.say("talk")
    await asyncio.sleep(60)


def _all_over(data_dir: Path) -> bool:
    return all(row.status in ("ended", "error") for row in rows(data_dir))


def _terminal(got: list[Got]) -> set[str]:
    events = (each.event for each in got if each.status == 200)
    return {event["call_id"] for event in events if event["type"] in TERMINAL}


def _missing(got: list[Got]) -> set[str]:
    """Return the events that have come and have not been taken yet."""
    return {each.event_id for each in got} - {each.event_id for each in got if each.status == 200}


def _judge(got: list[Got]) -> None:
    by_id: dict[str, set[bytes]] = defaultdict(set)
    by_call: dict[str, dict[int, str]] = defaultdict(dict)
    for each in got:
        by_id[each.event_id].add(each.body)
        order = int(each.headers["cordboard-sequence"])
        known = by_call[each.event["call_id"]].setdefault(order, each.event["type"])
        assert known == each.event["type"]
    assert all(len(bodies) == 1 for bodies in by_id.values())
    for call_id, events in by_call.items():
        assert sorted(events) == [*range(1, len(events) + 1)], call_id
        types = [kind for _, kind in sorted(events.items())]
        assert [kind in TERMINAL for kind in types].index(True) == len(types) - 1, types
