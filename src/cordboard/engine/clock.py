"""The one 20 ms clock of the process: every leg's frame is due in the same pass."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field

from cordboard.engine.guard import Guard, Report
from cordboard.media.codec import FRAME_MS
from cordboard.ports import Clock

LATENESS_BOUNDS_MS = (1, 2, 5, 10, 20, 50, 100)
_CATCH_UP_TICKS = 3

Tick = Callable[[int], None]


@dataclass(slots=True)
class Lateness:
    """Counters of how late frames were. A frame is one tick of one leg; skipped ones are late
    too.
    """

    ticks: int = 0
    frames: int = 0
    late_frames: int = 0
    skipped_ticks: int = 0
    skipped_frames: int = 0
    worst_ms: int = 0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(LATENESS_BOUNDS_MS) + 1))
    """Frames by lateness: one count for each bound of ``LATENESS_BOUNDS_MS`` (at most that late),
    one above.
    """


class MediaClock:
    """Calls everything registered once every 20 ms, on absolute deadlines, from one task.

    A pass is: all ticks, the voice activity batch, then all ``add_after`` callbacks. Ticks get the
    time they were due, so that they see exact steps of 20 ms. After a stall the last three missed
    passes are caught up and the rest is left out, in whole steps. A tick that raises is reported
    and taken out; nobody else notices.

    With ``phases`` (a divisor of 20) the work of 20 ms is spread over as many passes, each with
    its own share of the ticks, so that no pass holds up the loop, or its last leg, for long. The
    batch still runs once every 20 ms: it is cheaper the more it holds.
    """

    def __init__(self, clock: Clock, report: Report, phases: int = 1) -> None:
        self.lateness = Lateness()
        self._clock = clock
        self._guard = Guard("media clock", self._broke)
        self._report = report
        self._step_ms = FRAME_MS // phases
        self._offset_ms = 0
        self._ticks = tuple(_Registry() for _ in range(phases))
        self._after = _Registry()
        self._batch: Callable[[], None] | None = None
        self._current: tuple[_Registry, int] | None = None

    def add(self, tick: Tick, due_ms: int | None = None) -> Callable[[], None]:
        """Have ``tick(due_ms)`` called once every 20 ms; the function returned ends it, also from
        within a tick.

        ``due_ms``, where given, chooses the phase: the first that is due then or later.
        """
        if due_ms is None:
            return min(self._ticks, key=len).add(tick)
        steps = -((self._offset_ms - due_ms) // self._step_ms)
        return self._ticks[steps % len(self._ticks)].add(tick)

    def add_after(self, tick: Tick) -> Callable[[], None]:
        """Have ``tick(due_ms)`` called after the voice activity batch of each pass."""
        return self._after.add(tick)

    def set_batch(self, run: Callable[[], None]) -> None:
        """Name what judges voice activity for all calls at once."""
        self._batch = run

    @property
    def is_busy(self) -> bool:
        """Whether anything is registered."""
        return bool(self._frames_count or len(self._after))

    async def run(self) -> None:
        """Tick until cancelled."""
        due_ms = self._clock.now_ms() + self._step_ms
        while True:
            while (early_ms := due_ms - self._clock.now_ms()) > 0:  # noqa: ASYNC110  (it is time)
                await asyncio.sleep(early_ms / 1000)
            due_ms = self.catch_up(due_ms)
            await asyncio.sleep(0)

    def catch_up(self, due_ms: int) -> int:
        """Run every pass that is due, the first at ``due_ms``; return when the next one is."""
        self._offset_ms = due_ms % self._step_ms
        behind = (self._clock.now_ms() - due_ms) // FRAME_MS
        if behind > _CATCH_UP_TICKS:
            skipped = behind - _CATCH_UP_TICKS
            self.lateness.skipped_ticks += skipped
            self.lateness.skipped_frames += skipped * self._frames_count
            self.lateness.late_frames += skipped * self._frames_count
            due_ms += skipped * FRAME_MS
        while due_ms <= self._clock.now_ms():
            phase = due_ms // self._step_ms % len(self._ticks)
            self._count(due_ms, len(self._ticks[phase]))
            self._call_all(self._ticks[phase], due_ms)
            if phase == 0:
                self._judge(due_ms)
            due_ms += self._step_ms
            if self._clock.now_ms() - due_ms >= (_CATCH_UP_TICKS + 1) * FRAME_MS:
                break  # the passes themselves are too slow: let the loop breathe, then skip
        return due_ms

    @property
    def _frames_count(self) -> int:
        return sum(map(len, self._ticks))

    def _judge(self, due_ms: int) -> None:
        batch = self._batch
        if batch is not None:
            self._current = None
            with self._guard:
                batch()
        self._call_all(self._after, due_ms)

    def _call_all(self, registry: _Registry, due_ms: int) -> None:
        keys = iter(registry.keys())
        done = False
        while not done:
            with self._guard:
                get = registry.get
                for key in keys:
                    tick = get(key)
                    if tick is not None:
                        self._current = registry, key
                        tick(due_ms)
                done = True

    def _broke(self, where: str, error: BaseException) -> None:
        if self._current is not None:
            registry, key = self._current
            registry.remove(key)
        self._report(where, error)

    def _count(self, due_ms: int, frames: int) -> None:
        late_ms = self._clock.now_ms() - due_ms
        lateness = self.lateness
        lateness.ticks += 1
        lateness.frames += frames
        lateness.buckets[bisect_left(LATENESS_BOUNDS_MS, late_ms)] += frames
        if late_ms > FRAME_MS:
            lateness.late_frames += frames
        if late_ms > lateness.worst_ms and frames:
            lateness.worst_ms = late_ms


class _Registry:
    """Callbacks in the order of their registration; a removed one is not called again, not even in
    this pass.
    """

    __slots__ = ("_keys", "_next", "_ticks")

    def __init__(self) -> None:
        self._ticks: dict[int, Tick] = {}
        self._keys: tuple[int, ...] | None = ()
        self._next = 0

    def __len__(self) -> int:
        return len(self._ticks)

    def add(self, tick: Tick) -> Callable[[], None]:
        key = self._next
        self._next += 1
        self._ticks[key] = tick
        self._keys = None
        return lambda: self.remove(key)

    def remove(self, key: int) -> None:
        if self._ticks.pop(key, None) is not None:
            self._keys = None

    def keys(self) -> tuple[int, ...]:
        if self._keys is None:
            self._keys = tuple(self._ticks)
        return self._keys

    def get(self, key: int) -> Tick | None:
        return self._ticks.get(key)
