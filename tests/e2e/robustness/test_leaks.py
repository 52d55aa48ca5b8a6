"""Nothing is kept of calls that are over, however they went: load, drain, load again, compare."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from tests.counts import count
from tests.e2e.robustness.caller import Street, street, until
from tests.e2e.robustness.house import counted, obedient_house
from tests.e2e.server import GREETING, NUMBER, Server

CALLS_A_ROUND = count(100, 1000)
AT_ONCE = 25
SLOW_CALLS = 6
"""Calls of each kind that takes 32 s: no ACK, and a peer that answers nothing."""

DRAIN_S = 60.0
SLACK = 2
MOST_GROWTH = 1.03
UNKNOWN = "+12025550177"

Deed = Callable[[Server, Street], Coroutine[Any, Any, None]]


async def refused(server: Server, people: Street) -> None:
    """A number that nobody has."""
    caller = people.caller(UNKNOWN)
    assert await caller.call.place() == 404
    caller.call.close()


async def cancelled(server: Server, people: Street) -> None:
    """The caller hangs up while it rings, or a little too late."""
    caller = people.caller(NUMBER)
    async with asyncio.TaskGroup() as group:
        placing = group.create_task(caller.call.place())
        await until(lambda: caller.noted.ringing is not None, 10)
        await caller.call.cancel()
        status = await placing
    assert status in (200, 487), status
    await caller.call.hang_up()


async def not_acknowledged(server: Server, people: Street) -> None:
    """The caller never acknowledges the answer: after 32 s it is let go."""
    caller = people.caller(NUMBER)
    caller.call.ignore_answer()
    assert await caller.call.place() == 200
    await until(caller.call.over.is_set, 40, lambda: "no BYE without ACK")
    caller.call.close()


async def fallen_silent(server: Server, people: Street) -> None:
    """The caller is gone without a word: no sound, no answer to our BYE."""
    caller = people.caller(NUMBER)
    caller.call.ignore_bye()
    assert await caller.call.place() == 200
    await caller.hear(GREETING)
    people.leave(caller)
    calls = await asyncio.to_thread(server.calls, caller.call.call_id)
    (mine,) = [call for call in calls if call["telephony_id"] == caller.call.call_id]
    await asyncio.to_thread(server.api.post, "/v1/calls/end", params={"id": mine["id"]})
    await until(caller.call.over.is_set, 10, lambda: "no BYE after the API ended it")
    caller.call.close()


async def cut_short(server: Server, people: Street) -> None:
    """The caller hangs up in the middle of the greeting."""
    (caller,) = await people.ring(NUMBER)
    await until(lambda: bool(caller.words), 10)
    await caller.call.hang_up()


async def let_go(server: Server, people: Street) -> None:
    """The agent hangs up when told to."""
    (caller,) = await people.ring(NUMBER)
    await caller.hear(GREETING)
    caller.say("leave")
    await until(caller.call.over.is_set, 15, lambda: "no BYE from the agent")
    caller.call.close()


async def talked(server: Server, people: Street) -> None:
    """A turn each way, then the caller hangs up."""
    (caller,) = await people.ring(NUMBER)
    await caller.hear(GREETING)
    caller.say("good morning")
    await caller.hear("you said good morning")
    await caller.call.hang_up()


SLOW: tuple[Deed, ...] = (not_acknowledged, fallen_silent)
QUICK: tuple[Deed, ...] = (refused, refused, cancelled, cancelled, cut_short, let_go, talked)


@pytest.mark.timeout(count(240, 3600))
async def test_load_again(tmp_path: Path) -> None:
    """After a load, tasks, ports and SIP state are as before any call; a second load adds no
    descriptor, thread or memory to what the first one left (pools fill once).
    """
    async with obedient_house(tmp_path) as server:
        tasks = (await counted(server))["tasks"]
        left: list[dict[str, int]] = []
        sizes = []
        for number in range(2):
            async with street(server.address, f"leak{number}") as people:
                await _load(server, people, random.Random(f"leaks {number}"))
            idle = await _drained(server)
            left.append(idle)
            assert idle["ports"] == 0
            assert idle["tasks"] <= tasks
            for name, value in idle.items():
                assert value <= left[0][name] + SLACK, (name, left)
            sizes.append(server.usage().resident_kib)
        assert sizes[1] <= sizes[0] * MOST_GROWTH + 2 * CALLS_A_ROUND, sizes
        assert not server.mistakes()
        assert server.stop() == 0


async def _load(server: Server, people: Street, chance: random.Random) -> None:
    quick = itertools.cycle(QUICK)
    deeds = [next(quick) for _ in range(CALLS_A_ROUND - len(SLOW) * SLOW_CALLS)]
    chance.shuffle(deeds)
    places = asyncio.Semaphore(AT_ONCE)

    async def one(deed: Deed) -> None:
        async with places:
            await deed(server, people)

    async with asyncio.TaskGroup() as group:
        for deed in SLOW * SLOW_CALLS:
            group.create_task(deed(server, people))
        for deed in deeds:
            group.create_task(one(deed))


async def _drained(server: Server) -> dict[str, int]:
    """Wait until the last transaction's timer has run out."""
    held: dict[str, int] = {}

    async def idle() -> bool:
        nonlocal held
        await asyncio.sleep(0.5)
        held = await counted(server)
        return not any(value for name, value in held.items() if name.startswith("sip_"))

    await until(idle, DRAIN_S, lambda: held)
    return held
