"""Malformed SIP at 200 messages a second while people talk: no mistake, no gap, no word lost."""

from __future__ import annotations

import asyncio
import itertools
import random
import socket
from pathlib import Path

import pytest

from benchmarks.caller import pace
from tests.counts import count
from tests.e2e.robustness.caller import Caller, street, until
from tests.e2e.robustness.house import counted, obedient_house
from tests.e2e.robustness.program import TALK
from tests.e2e.server import GREETING, NUMBER, Server
from tests.sip.torture_messages import ALL

A_SECOND = 200
CALLS = 4
WIDEST_GAP_MS = 60.0
POISON = (b"\r\n", b"\0", b";", b"\xff\xfe", b"%00", b"9" * 30)
ALLOWED_WIDER = 2
"""Frames of one call that the machine's other work may delay further."""


def mutated(chance: random.Random) -> bytes:
    """Return a message of RFC 4475, whole or with bytes flipped, cut, doubled or swapped."""
    message = bytearray(chance.choice(ALL).payload)
    for _ in range(chance.choice((0, 1, 1, 2, 8))):
        at, size = chance.randrange(len(message) or 1), chance.randrange(1, 40)
        match chance.randrange(5):
            case 0:
                message[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del message[at : at + size]
            case 2:
                message[at:at] = message[at : at + size] * chance.randrange(1, 20)
            case 3:
                message[at:at] = chance.randbytes(size)
            case _:
                message[at:at] = chance.choice(POISON)
    return bytes(message[:60_000])


@pytest.mark.timeout(count(120, 900))
async def test_calls_live_through_it(tmp_path: Path) -> None:
    """Every reply of every call is heard whole, frames keep their pace, and nothing is left."""
    async with obedient_house(tmp_path) as server:
        before = await counted(server)
        async with street(server.address, "torture") as people:
            callers = await people.ring(NUMBER, CALLS)
            for caller in callers:
                await caller.hear(GREETING)
            async with asyncio.TaskGroup() as group:
                attacking = group.create_task(_attack(server, random.Random("hostile")))
                for turn in range(count(2, 60)):
                    await asyncio.gather(*(_talk(caller, turn + 1) for caller in callers))
                attacking.cancel()
            for caller in callers:
                arrivals = caller.noted.arrivals
                gaps = [(b - a) * 1000 for a, b in itertools.pairwise(arrivals)]
                assert sum(gap > WIDEST_GAP_MS for gap in gaps) <= ALLOWED_WIDER, sorted(gaps)[-5:]
                await caller.call.hang_up()
            await asyncio.sleep(1)
        assert not server.mistakes()
        after = await counted(server)
        assert after["ports"] == before["ports"] == 0
        assert after["tasks"] <= before["tasks"] + 2
        assert server.stop() == 0


async def _talk(caller: Caller, turn: int) -> None:
    """Ask for the fourteen words and hear them all."""
    caller.say("talk")
    await until(lambda: caller.said.count(TALK) >= turn, 25, lambda: caller.said)


async def _attack(server: Server, chance: random.Random) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as attacker:
        attacker.bind(("127.0.0.1", 0))
        attacker.setblocking(False)

        def send() -> None:
            try:
                attacker.sendto(mutated(chance), server.address)
                while attacker.recv(65_535):
                    pass
            except BlockingIOError:
                pass

        await pace(send, 1 / A_SECOND)
