"""Over the limit: a quick 503 with Retry-After, and nothing of it in the calls that were let in."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.counts import count
from tests.e2e.robustness.caller import street
from tests.e2e.robustness.house import obedient_house, rows
from tests.e2e.server import GREETING, NUMBER

PLACES = 3
WIDEST_GAP_MS = 100.0


async def test_full_house(tmp_path: Path) -> None:
    """All above the limit get 503 and Retry-After within 200 ms; those inside hear every word.

    When a place is free again the next caller gets it.
    """
    async with obedient_house(tmp_path, {"calls_max_count": str(PLACES)}) as small:
        async with street(small.address, "full") as people:
            inside = await people.ring(NUMBER, PLACES)
            for caller in inside:
                await caller.hear(GREETING)
                caller.say("talk")
            delays = []
            for _ in range(count(5, 50)):
                refused = [people.caller(NUMBER) for _ in range(20)]
                statuses = await asyncio.gather(*(caller.call.place() for caller in refused))
                assert set(statuses) == {503}
                for caller in refused:
                    noted = caller.noted
                    assert noted.retry_after is not None
                    assert noted.final is not None
                    delays.append((noted.final - noted.invited) * 1000)
                    caller.call.close()
                await asyncio.sleep(0.1)
            assert sorted(delays)[int(len(delays) * 0.99) - 1] <= 200, delays
            for caller in inside:
                await caller.hear("thirteen fourteen")
                assert caller.noted.widest_gap_ms <= WIDEST_GAP_MS
            await inside[0].call.hang_up()
            await asyncio.sleep(0.5)
            (next_one,) = await people.ring(NUMBER)
            await next_one.hear(GREETING)
            for caller in (*inside[1:], next_one):
                await caller.call.hang_up()
        assert small.stop() == 0
        assert not small.mistakes()
        assert len(rows(tmp_path / "var")) == PLACES + 1


async def test_no_port_left(tmp_path: Path) -> None:
    """When the ports for sound are used up it is 503 with Retry-After, never 500."""
    async with obedient_house(
        tmp_path, {"rtp_port_min": "31900", "rtp_port_max": "31903"}
    ) as server:
        async with street(server.address, "ports") as people:
            first, second, third = (people.caller(NUMBER) for _ in range(3))
            assert await first.call.place() == 200
            assert await second.call.place() == 200
            assert await third.call.place() == 503
            assert third.noted.retry_after is not None
            await first.call.hang_up()
            await second.call.hang_up()
        assert server.stop() == 0
        assert not server.mistakes()
