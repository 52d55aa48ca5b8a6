"""The real clock and virtual time."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from cordboard.clock import VIRTUAL_START, Clock, Deadlock, SystemClock, VirtualClock, run_virtual


async def test_system_clock_waits() -> None:
    """``sleep_until`` returns when the clock has reached the moment, not before."""
    clock: Clock = SystemClock()
    start_ms = clock.now_ms()
    await clock.sleep_until(start_ms + 20)
    assert 20 <= clock.now_ms() - start_ms < 2000
    assert clock.wall().utcoffset() is not None


async def test_sleep_until_the_past_gives_way() -> None:
    """A moment that is past does not block, but lets others run once."""
    ran: list[str] = []
    asyncio.get_running_loop().call_soon(ran.append, "other")
    clock = SystemClock()
    await clock.sleep_until(clock.now_ms() - 1000)
    assert ran == ["other"]


def test_virtual_time_jumps() -> None:
    """An hour of waiting takes no time, and the clock shows exactly the hour."""

    async def main() -> int:
        clock = VirtualClock()
        start_ms = clock.now_ms()
        await clock.sleep_until(start_ms + 3_600_000)
        assert (clock.wall() - VIRTUAL_START).total_seconds() == 3600
        return clock.now_ms() - start_ms

    before = time.monotonic()
    assert run_virtual(main()) == 3_600_000
    assert time.monotonic() - before < 5


def test_virtual_time_does_not_drift() -> None:
    """Ten thousand 20 ms ticks are 200 seconds to the millisecond."""

    async def main() -> int:
        clock = VirtualClock()
        start_ms = clock.now_ms()
        for _ in range(10_000):
            await asyncio.sleep(0.02)
        return clock.now_ms() - start_ms

    assert run_virtual(main()) == 200_000


def _order(seed: int) -> list[int]:
    async def main() -> list[int]:
        seen: list[int] = []

        async def one(index: int) -> None:
            await asyncio.sleep(1)
            seen.append(index)

        async with asyncio.TaskGroup() as group:
            for index in range(8):
                group.create_task(one(index))
        return seen

    return run_virtual(main(), seed)


def test_the_seed_settles_ties() -> None:
    """Simultaneous timers run in an order that the seed repeats, and other seeds change."""
    assert _order(1) == _order(1)
    assert len({tuple(_order(seed)) for seed in range(5)}) > 1


def test_timers_keep_their_order_across_moments() -> None:
    """A timer one microsecond later runs later, whatever the seed."""

    async def main() -> list[int]:
        loop = asyncio.get_running_loop()
        seen: list[int] = []
        now = loop.time()
        for index in reversed(range(50)):
            loop.call_at(now + index / 1_000_000, seen.append, index)
        await asyncio.sleep(1)
        return seen

    for seed in range(5):
        assert run_virtual(main(), seed) == list(range(50))


def test_timeouts_work_in_virtual_time() -> None:
    """``asyncio.timeout`` fires at its virtual moment."""

    async def main() -> float:
        loop = asyncio.get_running_loop()
        start = loop.time()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.Event().wait()
        return loop.time() - start

    assert run_virtual(main()) == pytest.approx(30)


def test_a_deadlock_is_told() -> None:
    """Waiting for what can never come raises, and names who waits."""

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.Event().wait(), name="the lost one")

    with pytest.raises(Deadlock, match="the lost one"):
        run_virtual(main())


def test_a_virtual_loop_refuses_threads_and_sockets() -> None:
    """What runs on real time would make two runs differ, so it raises."""

    async def thread() -> None:
        await asyncio.to_thread(time.monotonic)

    async def network() -> None:
        left, right = socket.socketpair()
        with left, right:
            asyncio.get_running_loop().add_reader(left, print)

    with pytest.raises(RuntimeError, match="no threads"):
        run_virtual(thread())
    with pytest.raises(RuntimeError, match="no sockets"):
        run_virtual(network())
