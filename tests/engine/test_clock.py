"""The media clock, in virtual time."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from cordboard.clock import VirtualClock, run_virtual
from cordboard.engine.clock import MediaClock


class Stalling:
    """A clock that can be set ahead, as if the loop had been blocked."""

    def __init__(self) -> None:
        self.ahead_ms = 0
        self._clock = VirtualClock()
        self.wall = self._clock.wall

    def now_ms(self) -> int:
        return self._clock.now_ms() + self.ahead_ms


async def ticking(media_clock: MediaClock, seconds: float) -> None:
    """Let the clock run for a while."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(media_clock.run())
        await asyncio.sleep(seconds)
        task.cancel()


def no_report(where: str, error: BaseException) -> None:
    """Fail the test."""
    raise AssertionError(where) from error


def test_never_drifts() -> None:
    """An hour has 180,000 ticks, each exactly 20 ms after the last, in one order with the batch."""

    async def main() -> None:
        media_clock = MediaClock(VirtualClock(), no_report)
        seen: list[int] = []
        order: list[str] = []
        media_clock.add(seen.append)
        media_clock.set_batch(lambda: order.append("batch"))
        media_clock.add_after(lambda due_ms: order.append("after"))
        media_clock.add(lambda due_ms: order.append("tick"))
        await ticking(media_clock, 3600.01)
        assert len(seen) == 180_000
        assert {after - before for before, after in pairwise(seen)} == {20}
        assert order[:3] == ["tick", "batch", "after"]
        assert media_clock.lateness.late_frames == 0

    run_virtual(main())


def test_catches_up_then_skips() -> None:
    """After 300 ms of stall three missed ticks are made up; the rest is skipped and counted."""

    async def main() -> None:
        clock = Stalling()
        media_clock = MediaClock(clock, no_report)
        seen: list[int] = []
        media_clock.add(seen.append)
        due_ms = media_clock.catch_up(clock.now_ms())
        clock.ahead_ms = 300
        due_ms = media_clock.catch_up(due_ms)
        assert len(seen) == 1 + 4
        assert [(at - seen[0]) % 20 for at in seen] == [0] * 5
        assert 0 < due_ms - clock.now_ms() <= 20
        lateness = media_clock.lateness
        assert lateness.skipped_ticks == 15 - 1 - 3
        assert lateness.late_frames >= lateness.skipped_frames
        assert sum(lateness.buckets) == lateness.frames == 5

    run_virtual(main())


def test_phases_spread_the_work() -> None:
    """Four phases serve equal shares of the ticks 5 ms apart, each tick exactly every 20 ms; the
    batch runs once in that time.
    """

    async def main() -> None:
        clock = Stalling()
        media_clock = MediaClock(clock, no_report, 4)
        seen: dict[int, list[int]] = {leg: [] for leg in range(8)}
        for times in seen.values():
            media_clock.add(times.append)
        batches: list[int] = []
        media_clock.set_batch(lambda: batches.append(clock.now_ms()))
        await ticking(media_clock, 1.001)
        assert {len(times) for times in seen.values()} == {50}
        for times in seen.values():
            assert {after - before for before, after in pairwise(times)} == {20}
        assert sorted(times[0] % 20 // 5 for times in seen.values()) == [0, 0, 1, 1, 2, 2, 3, 3]
        assert len(batches) == 50
        assert media_clock.lateness.frames == 8 * 50

    run_virtual(main())


def test_chosen_phase() -> None:
    """A tick that names a time is due at the first pass then or later, and every 20 ms."""
    for spare_ms in range(20):
        run_virtual(_moved_forward(spare_ms))


async def _moved_forward(spare_ms: int) -> None:
    media_clock = MediaClock(VirtualClock(), no_report, 4)
    first: list[int] = []
    moved: list[int] = []

    def once(due_ms: int) -> None:
        first.append(due_ms)
        end()
        media_clock.add(moved.append, due_ms - spare_ms)

    end = media_clock.add(once)
    await ticking(media_clock, 0.103)
    assert (first[0] - moved[0]) % 20 == spare_ms // 5 * 5
    assert {after - before for before, after in pairwise(moved)} == {20}


def test_phases_after_a_stall() -> None:
    """A stall longer than three frames is skipped in whole frames: every leg keeps its phase."""

    async def main() -> None:
        clock = Stalling()
        media_clock = MediaClock(clock, no_report, 4)
        seen: list[list[int]] = [[], [], [], []]
        for times in seen:
            media_clock.add(times.append)
        due_ms = media_clock.catch_up(clock.now_ms())
        clock.ahead_ms = 300
        due_ms = media_clock.catch_up(due_ms)
        clock.ahead_ms = 400
        media_clock.catch_up(due_ms)
        for times in seen:
            assert all((after - before) % 20 == 0 for before, after in pairwise(times))
            assert 4 <= len(times) <= 10
        assert media_clock.lateness.skipped_ticks > 0

    run_virtual(main())


def test_one_broken_tick_harms_nobody() -> None:
    """A tick that raises is reported once and taken out; all others go on in the same pass."""

    async def main() -> None:
        reports: list[str] = []
        media_clock = MediaClock(VirtualClock(), lambda where, error: reports.append(str(error)))
        seen: list[str] = []

        def broken(due_ms: int) -> None:
            seen.append("broken")
            raise ValueError("mine")

        media_clock.add(lambda due_ms: seen.append("first"))
        media_clock.add(broken)
        media_clock.add(lambda due_ms: seen.append("last"))
        await ticking(media_clock, 0.05)
        assert seen == ["first", "broken", "last", "first", "last"]
        assert reports == ["mine"]

    run_virtual(main())


def test_removed_within_a_pass() -> None:
    """What was taken out is not called again, not even by the pass that runs."""

    async def main() -> None:
        media_clock = MediaClock(VirtualClock(), no_report)
        seen: list[str] = []
        media_clock.add(lambda due_ms: end())
        end = media_clock.add(lambda due_ms: seen.append("removed"))
        await ticking(media_clock, 0.05)
        assert seen == []
        assert media_clock.lateness.frames == 2 + 1

    run_virtual(main())
