"""No dead air, no repeated sentence and a proper end, whatever a vendor does (R10, R33)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from cordboard.call.events import EndReason
from cordboard.ports import CallEnding
from tests.counts import count
from tests.e2e.vendors.faults import (
    ELSEWHERE,
    FAULTS,
    PASSING,
    VENDORS,
    break_vendor,
    mend_vendor,
)
from tests.e2e.vendors.house import GREETING, REPLY, Caller, House

DEAD_AIR_MS = 3_000
BRIDGE_AGAIN_MS = 8_500
GOODBYE_S = 25
_KIND = {"chat": "language_model", "listen": "transcriber", "speech": "synthesizer"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call went."""

    ending: CallEnding
    caller: Caller
    house: House


class Asking(Caller):
    """Asks again every 7 s, and hangs up after 41 s."""

    async def talks(self) -> None:
        """Do it."""
        await self._answered.wait()
        await asyncio.sleep(1.0)
        for _ in range(5):
            await self.says()
            await asyncio.sleep(7.0)
        self.far.hang_up()


class Breaker(Caller):
    """Breaks a vendor right before its first words, and mends it 1 s after them."""

    def __init__(self, house: House, vendor: str, fault: str) -> None:
        super().__init__(patience_s=12.0)
        self._breaks = (house, vendor, fault)

    async def talks(self) -> None:
        """Speak twice: what was said into the outage may be lost, the call must not be."""
        house, vendor, fault = self._breaks
        await self._answered.wait()
        await asyncio.sleep(1.0)
        async with AsyncExitStack() as stack:
            await break_vendor(house, vendor, fault, stack, at=2)
            await self.says()
            await asyncio.sleep(1.0)
            await mend_vendor(house, vendor, stack)
            await asyncio.sleep(11.0)
            await self.says()
            await asyncio.sleep(6.0)
            self.far.hang_up()


async def _for_good(vendor: str, fault: str) -> Outcome:
    house = House()
    caller = Asking()
    async with house.open(), AsyncExitStack() as stack:
        await break_vendor(house, vendor, fault, stack)
        ending = await house.call(caller)
    return Outcome(ending, caller, house)


async def _passing(vendor: str, fault: str) -> Outcome:
    house = House()
    caller = Breaker(house, vendor, fault)
    async with house.open():
        ending = await house.call(caller)
    return Outcome(ending, caller, house)


pytestmark = pytest.mark.timeout(400)

AT_ONCE = 11
"""Calls at a time, each with its fakes in this one process: more would wait for one another."""

Outcomes = Mapping[tuple[str, str], Outcome]


def _pairs(faults: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return vendors and faults: each fault on one vendor in turn, on every one at torture."""
    return [
        (vendor, fault)
        for at, vendor in enumerate(VENDORS)
        for number, fault in enumerate(faults)
        if (at + number) % len(VENDORS) < count(1, len(VENDORS))
    ]


@pytest.fixture(scope="module")
def outages() -> Outcomes:
    """Faults for good: some calls at the same time."""
    return asyncio.run(_all(_for_good, FAULTS + ELSEWHERE))


@pytest.fixture(scope="module")
def troubles() -> Outcomes:
    """Faults for a second or two in a call."""
    return asyncio.run(_all(_passing, PASSING))


async def _all(
    run: Callable[[str, str], Coroutine[None, None, Outcome]], faults: tuple[str, ...]
) -> Outcomes:
    room = asyncio.Semaphore(AT_ONCE)

    async def in_turn(vendor: str, fault: str) -> Outcome:
        async with room:
            return await run(vendor, fault)

    async with asyncio.TaskGroup() as group:
        running = {
            (vendor, fault): group.create_task(in_turn(vendor, fault))
            for vendor, fault in _pairs(faults)
        }
    return {key: task.result() for key, task in running.items()}


@pytest.mark.parametrize(("vendor", "fault"), _pairs(FAULTS + ELSEWHERE))
def test_an_outage(outages: Outcomes, vendor: str, fault: str) -> None:
    """A stored phrase within 3 s, another every 8 s at most, a goodbye and an end within 25 s."""
    outcome = outages[vendor, fault]
    caller, ending = outcome.caller, outcome.ending
    assert outcome.house.reports == []
    assert (ending.reason, ending.detail) == (EndReason.PROVIDER_FAILED, _KIND[vendor])
    assert caller.longest_silence_ms() <= BRIDGE_AGAIN_MS
    assert caller.now_ms - caller.stopped_ms[0] <= GOODBYE_S * 1000
    assert caller.silent_ms(caller.stopped_ms[0]) <= DEAD_AIR_MS


@pytest.mark.parametrize(("vendor", "fault"), _pairs(PASSING))
def test_a_trouble_that_passes(troubles: Outcomes, vendor: str, fault: str) -> None:
    """The caller is bridged over it, hears no sentence twice in a turn, and is answered after
    it.
    """
    outcome = troubles[vendor, fault]
    caller, ending = outcome.caller, outcome.ending
    assert outcome.house.reports == []
    assert ending.reason is EndReason.CALLER_HUNG_UP
    assert caller.silent_ms(caller.stopped_ms[0]) <= DEAD_AIR_MS
    said = "".join(REPLY.split(" "))
    assert "".join(caller.words().split()).endswith(said)
    assert caller.words().startswith(GREETING)
    turns = outcome.house.store.kinds().count("turn_ended")
    assert "".join(caller.words().split()).count(said) <= turns
