"""Time as something that is handed in: the real clock, and a virtual one for simulation.

The pure layers get ``now_ms`` as a number. Shell code that waits takes a :class:`Clock`. In a
simulation :func:`run_virtual` runs the same coroutines on a loop whose time jumps to the next
timer as soon as nothing is left to do, so that an hour of calls passes in seconds and twice the
same way.
"""

from __future__ import annotations

import asyncio
import math
import random
import selectors
import time
from collections.abc import Callable, Coroutine, Mapping
from contextvars import Context
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NoReturn, Protocol, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

VIRTUAL_START: Final = datetime(2026, 1, 1, tzinfo=UTC)

# Virtual time does not begin at 0: a deadline mistaken for "none" because it is falsy would hide.
_FIRST_US: Final = 1_000_000_000


class Clock(Protocol):
    """What a part that waits may know of time."""

    def now_ms(self) -> int:
        """Return monotonic milliseconds; only differences mean anything."""
        ...

    def wall(self) -> datetime:
        """Return the time of day in UTC, for records only."""
        ...

    async def sleep_until(self, at_ms: int) -> None:
        """Wait until ``now_ms()`` is at least ``at_ms``; gives way once even if it is past."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Return monotonic milliseconds."""
        return time.monotonic_ns() // 1_000_000

    def wall(self) -> datetime:
        """Return the time of day in UTC."""
        return datetime.now(UTC)

    async def sleep_until(self, at_ms: int) -> None:
        """Wait until ``now_ms()`` is at least ``at_ms``."""
        await _sleep_until(self, at_ms)


class VirtualClock:
    """The clock of the :class:`VirtualLoop` that is running."""

    def now_ms(self) -> int:
        """Return virtual milliseconds."""
        return round(_running().time() * 1_000_000) // 1000

    def wall(self) -> datetime:
        """Return a time of day that starts at ``VIRTUAL_START`` and runs with the loop."""
        elapsed_us = round(_running().time() * 1_000_000) - _FIRST_US
        return VIRTUAL_START + timedelta(microseconds=elapsed_us)

    async def sleep_until(self, at_ms: int) -> None:
        """Wait until ``now_ms()`` is at least ``at_ms``."""
        await _sleep_until(self, at_ms)


async def _sleep_until(clock: Clock, at_ms: int) -> None:
    left_ms = at_ms - clock.now_ms()
    await asyncio.sleep(max(0, left_ms) / 1000)
    while (left_ms := at_ms - clock.now_ms()) > 0:  # noqa: ASYNC110  (a loop may wake a little early)
        await asyncio.sleep(left_ms / 1000)


class Deadlock(RuntimeError):
    """Nothing is ready and no timer is set: in a virtual loop no one will ever wake up."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only when nothing is left to do.

    It carries no sockets, subprocesses or threads: what needs them raises ``RuntimeError``.
    Timers set for the same microsecond run in an order drawn from ``seed``.
    """

    def __init__(self, seed: int = 0) -> None:
        """Start at a fixed virtual time; ``seed`` decides the order of simultaneous timers."""
        self._timeline = _Timeline()
        self._order = random.Random(seed)  # noqa: S311  (a simulation, no secret)
        super().__init__(self._timeline)

    def time(self) -> float:
        """Return virtual seconds."""
        return self._timeline.now_us / 1_000_000

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Schedule at a whole microsecond, a random fraction early to settle ties."""
        due_us = math.ceil(when * 1_000_000 - 0.01) - self._order.uniform(0.1, 0.4)
        return super().call_at(due_us / 1_000_000, callback, *args, context=context)

    def run_in_executor(self, executor: object, func: object, *args: object) -> NoReturn:
        """Refuse: a thread runs on real time, which would make runs differ."""
        raise RuntimeError("a virtual loop has no threads; hand in a port that answers at once")


class _Timeline(selectors.BaseSelector):
    """Stands where the loop waits for the operating system, and moves the time instead."""

    def __init__(self) -> None:
        self.now_us = _FIRST_US
        self._keys: dict[int, selectors.SelectorKey] = {}

    def register(
        self,
        fileobj: Any,
        events: int,
        data: Any = None,
    ) -> selectors.SelectorKey:
        if self._keys:  # the first one is the loop's own wake-up pipe
            raise RuntimeError("a virtual loop carries no sockets; use the loopback carrier")
        number = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        self._keys[number] = key = selectors.SelectorKey(fileobj, number, events, data)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        number = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        return self._keys.pop(number)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Deadlock(_waiting())
        self.now_us += math.ceil(timeout * 1_000_000 - 0.01)
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys


def _waiting() -> str:
    tasks = sorted(task.get_name() for task in asyncio.all_tasks(_running()))
    return f"nothing is ready and no timer is set; waiting: {', '.join(tasks) or 'no task'}"


def _running() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


def run_virtual(main: Coroutine[Any, Any, T], seed: int = 0) -> T:
    """Run ``main`` to its end in virtual time and return its result.

    Raises:
        Deadlock: every task waits for something that will never come.

    """
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(seed)) as runner:
        return runner.run(main)
