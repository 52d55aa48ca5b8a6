"""The load generator: N conversations in one process, on its own core.

``python -m benchmarks.load`` with a JSON order (``Order``) on standard input. It writes
``{"steady": true}`` when all calls are up and warm, ``{"steady": false}`` when the measured time
is over, and then the result.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from benchmarks.caller import Callers, pace
from benchmarks.talk import Delays, Talk

SLOTS = 10
"""Callers are not in step with one another: a tenth of them sends every 2 ms."""

LATE_S = 0.04


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to do. ``churn`` calls of 1 s, 20 at a time, instead of conversations, if not 0.

    ``real_time`` puts the generator, the measure, before all other work of its core (needs root).
    """

    core: int
    port: int
    number: str
    speech: str
    calls: int
    warm_s: float
    steady_s: float
    ramp_s: float = 0.05
    churn: int = 0
    real_time: bool = False


@dataclass(slots=True)
class _Pacer:
    """Sends the frames of all calls, a slot at a time, and notes how late it was itself."""

    talks: list[list[Talk]] = field(default_factory=lambda: [[] for _ in range(SLOTS)])
    lateness: list[float] = field(default_factory=list)
    turn: int = 0
    start: float = field(default_factory=time.perf_counter)

    def due(self) -> None:
        """Serve one slot."""
        self.lateness.append(time.perf_counter() - self.start - self.turn * 0.02 / SLOTS)
        for talk in self.talks[self.turn % SLOTS]:
            talk.send_frame()
        self.turn += 1


def tell(content: object) -> None:
    """Write one line for whoever started this process."""
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


async def run(order: Order) -> dict[str, object]:
    """Carry out an order and return the figures."""
    callers = Callers(("127.0.0.1", order.port), f"bench{os.getpid()}")
    await callers.start()
    if order.churn:
        return await _churn(order, callers)
    speech = await asyncio.to_thread(Path(order.speech).read_bytes)
    pacer = _Pacer()
    talks = [Talk(callers, order.number, speech) for _ in range(order.calls)]
    async with asyncio.TaskGroup() as group:
        pacing = group.create_task(pace(pacer.due, 0.02 / SLOTS))
        for count, talk in enumerate(talks):
            status = await talk.call.place()
            if status != 200:
                raise SystemExit(f"call {count} got {status}")
            pacer.talks[count % SLOTS].append(talk)
            await asyncio.sleep(order.ramp_s)
        await asyncio.sleep(order.warm_s)
        greetings = [talk.delays.greeting_ms for talk in talks]
        for talk in talks:
            talk.delays = Delays()
            del talk.call.noted.arrivals[:]
        pacer.lateness.clear()
        tell({"steady": True})
        await asyncio.sleep(order.steady_s)
        tell({"steady": False})
        figures = _figures(talks, greetings, pacer)
        await asyncio.gather(*(talk.call.hang_up() for talk in talks))
        pacing.cancel()
    callers.close()
    return figures


def _figures(
    talks: Sequence[Talk], greetings: Sequence[float | None], pacer: _Pacer
) -> dict[str, object]:
    frames = late = 0
    for talk in talks:
        arrivals = talk.call.noted.arrivals
        frames += len(arrivals)
        late += sum(after - before > LATE_S for before, after in itertools.pairwise(arrivals))
    return {
        "own_ms": [ms for talk in talks for ms in talk.delays.own_ms],
        "overlap_ms": [ms for talk in talks for ms in talk.delays.overlap_ms],
        "greeting_ms": [ms for ms in greetings if ms is not None],
        "bad_turns": sum(talk.delays.bad for talk in talks),
        "frames": frames,
        "late_frames": late,
        "generator_late_ms": 1000 * sum(pacer.lateness) / max(1, len(pacer.lateness)),
        "generator_p99_ms": 1000 * sorted(pacer.lateness)[len(pacer.lateness) * 99 // 100],
    }


async def _churn(order: Order, callers: Callers) -> dict[str, object]:
    places = asyncio.Semaphore(20)
    statuses: list[int] = []

    async def one() -> None:
        async with places:
            call = callers.new_call(order.number)
            statuses.append(await call.place())
            for _ in range(50):
                call.send_frame()
                await asyncio.sleep(0.02)
            await call.hang_up()

    async with asyncio.TaskGroup() as group:
        for _ in range(order.churn):
            group.create_task(one())
    callers.close()
    return {"answered": statuses.count(200), "calls": len(statuses)}


def main() -> None:
    """Read the order, carry it out, write the figures."""
    order = Order(**json.loads(sys.stdin.readline()))
    os.sched_setaffinity(0, {order.core})
    if order.real_time:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    tell(uvloop.run(run(order)))


if __name__ == "__main__":
    main()
