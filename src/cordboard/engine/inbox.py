"""Where everything that happens to a call waits for its turn."""

from __future__ import annotations

import asyncio
from collections import deque

from cordboard.call.events import Event

CAPACITY = 1024


class Inbox:
    """Events in order. When it is full nothing more is taken and ``overflowed`` says so: the call
    has to end.
    """

    __slots__ = ("_capacity", "_events", "_filled", "overflowed")

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.overflowed = False
        self._capacity = capacity
        self._events: deque[Event] = deque()
        self._filled = asyncio.Event()

    def post(self, event: Event) -> None:
        """Append without waiting."""
        if len(self._events) < self._capacity:
            self._events.append(event)
        else:
            self.overflowed = True
        self._filled.set()

    async def next(self, wait_ms: int | None) -> Event | None:
        """Return the next event, or None after ``wait_ms`` without one (or when the inbox has
        overflowed).
        """
        while not self._events:
            self._filled.clear()
            try:
                async with asyncio.timeout(None if wait_ms is None else max(wait_ms, 0) / 1000):
                    await self._filled.wait()
            except TimeoutError:
                return None
        return self._events.popleft()
