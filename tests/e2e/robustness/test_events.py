"""``kill -9`` while calls run and their events are under way: no event is lost."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from aiohttp import web
from sqlalchemy import func, select

from cordboard.clock import SystemClock
from cordboard.delivery.schedule import HOLD
from cordboard.storage.database import Database
from cordboard.storage.tables import Call, Delivery, OutboxEvent
from tests.counts import count
from tests.delivery.receiver import EVERY, Got, Receiver
from tests.e2e.robustness.caller import Caller, street, until
from tests.e2e.robustness.crew import Crew
from tests.e2e.robustness.house import give_number
from tests.e2e.server import NUMBER, Server
from tests.postgres import PostgresServer

CALLS_A_KILL = 3
WAIT_S = count(60, 480)
"""A lease and a retry; among many kills one event may fail twice, and wait its five minutes."""

TERMINAL = ("event_phone_call_ended", "event_phone_call_did_not_connect")


@pytest.mark.timeout(count(150, 3600))
async def test_kills_lose_no_event(tmp_path: Path) -> None:
    """Each call's events come numbered without a gap, the last one terminal, repeats the same."""
    victims = [0] * count(1, 200)
    await _kill(Crew(tmp_path, {}, 0), f"sqlite:///{tmp_path}/var/cordboard.db", victims)


@pytest.mark.timeout(count(150, 3600))
async def test_kills_of_any_process(tmp_path: Path, postgres: PostgresServer) -> None:
    """The same with one call server and two processes that work: whichever of the three dies."""
    url = postgres.make()
    chance = random.Random("victims")
    victims = [1, 0, *(chance.randrange(3) for _ in range(count(0, 198)))]
    await _kill(Crew(tmp_path, {"database_url": url}, 2), url, victims)


async def _kill(crew: Crew, url: str, victims: list[int]) -> None:
    """Kill these one after the other, each amid calls and events, and judge what arrived."""
    chance = random.Random("events")
    receiver, database = _unwilling(chance), Database(url)
    async with receiver.running():
        with crew.ended():
            await asyncio.to_thread(crew.start)
            await give_number(crew.server)
            _subscribe(crew.server, receiver.url())
            for round_number, victim in enumerate(victims):
                await _round(crew, victim, f"events{round_number}", chance)
                await until(lambda: _all_over(database), 60)
            there = partial(_all_there, database, receiver.got)
            await until(there, WAIT_S, lambda: _waiting(url))
            await asyncio.to_thread(crew.stop)
    async with database.read() as session:
        calls_count = await session.scalar(select(func.count()).select_from(Call)) or 0
        found = await session.execute(select(Delivery.id, Delivery.first_at))
        first_at = {row.id: row.first_at for row in found}
    await database.close()
    print(f"{len(victims)} kills, {calls_count} calls, {len(receiver.got)} requests")
    assert calls_count >= len(victims)
    _judge(receiver.got)
    _judge_order(receiver.got, first_at)


def _unwilling(chance: random.Random) -> Receiver:
    """Return a receiver that takes its time, and refuses one in three at first, so that requests
    and retries are under way at each kill.
    """
    receiver = Receiver(SystemClock())
    receiver.slow_s = 0.2
    refused: set[str] = set()

    def answer(request: web.Request) -> int:
        event_id = request.headers["webhook-id"]
        if event_id in refused or chance.random() > 1 / 3:
            return 200
        refused.add(event_id)
        return 500

    receiver.answers["/in"] = answer
    return receiver


async def _round(crew: Crew, victim: int, prefix: str, chance: random.Random) -> None:
    """Let people talk, kill somebody amid that, and start it again."""
    async with street(crew.server.address, prefix) as people:
        callers = [people.caller(NUMBER) for _ in range(CALLS_A_KILL)]
        async with asyncio.TaskGroup() as group:
            talking = [group.create_task(_talk(caller)) for caller in callers]
            await asyncio.sleep(chance.uniform(2, 5))
            await crew.kill(victim)
            await crew.start_again(victim)
            for task in talking:
                task.cancel()
        if victim != 0:
            await asyncio.gather(*(caller.call.hang_up() for caller in callers))


def _subscribe(server: Server, url: str) -> None:
    agent = server.api.get("/v1/agents/list").json()["items"][0]
    webhook = {"url": url, "subscriptions": EVERY}
    answer = server.api.post(f"/v1/agents/update?id={agent['id']}", json={"webhook": webhook})
    assert answer.status_code == 200, answer.text


async def _talk(caller: Caller) -> None:
    await caller.call.place()
    await caller.hear("Hello", 60)
    caller.say("talk")
    await asyncio.sleep(60)


async def _all_over(database: Database) -> bool:
    async with database.read() as session:
        states = set(await session.scalars(select(Call.status)))
    return states <= {"ended", "error"}


async def _all_there(database: Database, got: list[Got]) -> bool:
    """Tell whether all that was announced has been taken."""
    async with database.read() as session:
        announced = set(await session.scalars(select(OutboxEvent.id)))
    return announced == {each.event_id for each in got if each.status == 200}


def _waiting(url: str) -> list[str]:
    """Return what is said of an event that did not come in time."""

    async def read() -> list[str]:
        database = Database(url)
        async with database.read() as session:
            left = (
                await session.scalars(select(Delivery).where(Delivery.state == "waiting"))
            ).all()
            unrelayed = select(func.count()).where(OutboxEvent.relayed_at.is_(None))
            found = [f"{await session.scalar(unrelayed)} not relayed, {len(left)} waiting"]
        await database.close()
        shown = ("sequence", "attempts_count", "first_at", "due_at", "lease_until", "worker")
        return [*found, *(str([getattr(row, name) for name in shown]) for row in left[:20])]

    with ThreadPoolExecutor(1) as thread:  # a loop runs here already
        return thread.submit(asyncio.run, read()).result(30)


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


def _judge_order(got: list[Got], first_at: dict[str, datetime | None]) -> None:
    """No event comes before an earlier one of its call was taken, but for one that failed for a
    minute.
    """
    seen: dict[str, set[int]] = defaultdict(set)
    taken: dict[str, set[int]] = defaultdict(set)
    names = {(each.event["call_id"], _sequence(each)): each.event_id for each in got}
    for each in got:
        call_id, sequence = each.event["call_id"], _sequence(each)
        if sequence not in seen[call_id]:
            for earlier in set(range(1, sequence)) - taken[call_id]:
                begun = first_at[names[call_id, earlier]]
                assert begun is not None
                assert each.at - begun > HOLD - timedelta(seconds=1), (call_id, earlier, sequence)
        seen[call_id].add(sequence)
        if each.status == 200:
            taken[call_id].add(sequence)


def _sequence(got: Got) -> int:
    return int(got.headers["cordboard-sequence"])
