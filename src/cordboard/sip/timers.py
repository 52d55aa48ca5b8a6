"""One queue of deadlines for everything the user agent waits for."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from cordboard.sip.datagram import Deadline

TimerKey = tuple[str, str]
"""Owner (a transaction's or leg's name) and the timer's name, which is also its reason."""


class TimerQueue:
    """Deadlines by key; setting a key again moves it."""

    __slots__ = ("_count", "_heap", "_live")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, TimerKey]] = []
        self._live: dict[TimerKey, tuple[int, int]] = {}
        self._count = 0

    def set(self, key: TimerKey, at_ms: int) -> None:
        """Set or move one deadline."""
        self._count += 1
        self._live[key] = (at_ms, self._count)
        heapq.heappush(self._heap, (at_ms, self._count, key))
        if len(self._heap) > 64 + 4 * len(self._live):
            self._heap = [(at, order, key) for key, (at, order) in self._live.items()]
            heapq.heapify(self._heap)

    def cancel(self, key: TimerKey) -> None:
        """Forget one deadline, if it is set."""
        self._live.pop(key, None)

    def next_deadline(self) -> Deadline | None:
        """Return the earliest deadline."""
        while self._heap:
            at_ms, order, key = self._heap[0]
            if self._live.get(key) == (at_ms, order):
                return Deadline(at_ms, key[1])
            heapq.heappop(self._heap)
        return None

    def due(self, now_ms: int) -> Iterator[TimerKey]:
        """Take out what is due, earliest first. Safe against changes between two steps."""
        while (deadline := self.next_deadline()) is not None and deadline.at_ms <= now_ms:
            _, _, key = heapq.heappop(self._heap)
            del self._live[key]
            yield key

    def __len__(self) -> int:
        return len(self._live)
