"""A language model that a caller has steered: it may ask for anything, and nothing happens."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.counts import count
from tests.e2e.robustness.caller import street
from tests.e2e.robustness.house import give_number, obedient, slow_receiver
from tests.e2e.server import GREETING, NUMBER


async def test_no_side_effect(tmp_path: Path) -> None:
    """Unknown functions and arguments outside the schema send no request and end no call.

    Afterwards the agent answers as before.
    """
    server = obedient(tmp_path)
    async with slow_receiver() as receiver:
        try:
            server.start()
            await give_number(server, receiver.url)
            async with street(server.address, "steered") as people:
                callers = await people.ring(NUMBER, count(3, 50))
                for caller in callers:
                    await caller.hear(GREETING)
                    caller.say("attack")
                await asyncio.sleep(3)
                for caller in callers:
                    assert not caller.call.over.is_set()
                    caller.say("good evening")
                for caller in callers:
                    await caller.hear("you said good evening", 25)
                    await caller.call.hang_up()
            assert receiver.asked_count == 0
            assert not server.mistakes()
        finally:
            assert server.stop() == 0
