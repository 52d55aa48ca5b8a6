"""SIGTERM: no new calls at once; running ones to their end or the deadline, then goodbye, BYE."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

from tests.e2e.robustness.caller import Caller, street, until
from tests.e2e.robustness.house import obedient_house, rows
from tests.e2e.server import GREETING, NUMBER, Server

DRAIN_S = 4
END_WITHIN_S = 8.0
"""A goodbye takes two seconds or so; the bound is for slow machines."""


async def _ready_status(server: Server) -> int:
    return (await asyncio.to_thread(server.api.get, "/readyz")).status_code


async def test_drain_waits_then_ends(tmp_path: Path) -> None:
    """Within 1 s nothing new is taken; a call goes on to the deadline, hears a goodbye, gets BYE.

    A call that ends by itself meanwhile ends as ever. The process leaves with 0.
    """
    async with obedient_house(tmp_path, {"drain_seconds": str(DRAIN_S)}) as server:
        async with street(server.address, "drain") as people:
            staying, leaving = await people.ring(NUMBER, 2)
            await staying.hear(GREETING)
            await leaving.hear(GREETING)
            assert await _ready_status(server) == 200
            server.signal(signal.SIGTERM)
            signalled = time.perf_counter()
            await asyncio.sleep(0.2)
            assert await _ready_status(server) == 503
            late = people.caller(NUMBER)
            assert await late.call.place() == 503
            assert late.noted.retry_after is not None
            assert time.perf_counter() - signalled < 2
            leaving.say("leave")
            staying.say("still here")
            await staying.hear("you said still here")
            await _ended(leaving)
            await _ended(staying, DRAIN_S + END_WITHIN_S)
            assert staying.noted.ended is not None
            assert DRAIN_S <= staying.noted.ended - signalled <= DRAIN_S + END_WITHIN_S
            assert _loud_after(staying, signalled + DRAIN_S), "no goodbye was heard"
        assert await asyncio.to_thread(server.wait, 10) == 0
        server.stop()
        assert not server.mistakes()
        assert [row.status for row in rows(tmp_path / "var")] == ["ended", "ended"]


async def test_second_signal_ends_at_once(tmp_path: Path) -> None:
    """With minutes left, a second SIGTERM brings goodbye and BYE now; still exit code 0."""
    async with obedient_house(tmp_path, {"drain_seconds": "600"}) as server:
        async with street(server.address, "hurry") as people:
            callers = await people.ring(NUMBER, 2)
            for caller in callers:
                await caller.hear(GREETING)
            server.signal(signal.SIGTERM)
            await asyncio.sleep(1)
            assert not any(caller.call.over.is_set() for caller in callers)
            server.signal(signal.SIGTERM)
            for caller in callers:
                await _ended(caller, END_WITHIN_S)
        assert await asyncio.to_thread(server.wait, 10) == 0
        server.stop()
        assert not server.mistakes()


async def _ended(caller: Caller, wait_s: float = 10.0) -> None:
    await until(caller.call.over.is_set, wait_s, lambda: "no BYE")


def _loud_after(caller: Caller, moment: float) -> bool:
    return any(heard_at >= moment for heard_at in caller.loud_at)
