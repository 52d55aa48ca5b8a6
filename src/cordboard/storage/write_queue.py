"""Writes that nobody waits for: kept in order in memory until the database takes them."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, Generic, TypeVar

T = TypeVar("T")

MAX_WAITING_COUNT: Final = 10_000
BATCH_MAX_COUNT: Final = 200
BATCH_MS: Final = 200
"""A transaction costs the same for few entries as for many, and nobody waits for these."""


class WriteQueue(Generic[T]):
    """A bounded queue that hands out batches.

    When full, the new entry is refused and counted: what is kept stays without a gap. Entries put
    with ``must`` are taken in any case; there are few of them (one or two for each call).
    """

    def __init__(self, max_count: int = MAX_WAITING_COUNT) -> None:
        self.refused_count = 0
        self._entries: deque[T] = deque()
        self._max_count = max_count
        self._some = asyncio.Event()
        self._hurry = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def __len__(self) -> int:
        """Return how many entries wait."""
        return len(self._entries)

    def put(self, entry: T, *, must: bool = False, urgent: bool = False) -> bool:
        """Add an entry without waiting; False if there was no room for it."""
        if len(self._entries) >= self._max_count and not must:
            self.refused_count += 1
            return False
        self._entries.append(entry)
        self._idle.clear()
        self._some.set()
        if urgent or len(self._entries) >= BATCH_MAX_COUNT:
            self._hurry.set()
        return True

    async def batch(self) -> list[T]:
        """Wait for entries, a moment for some more, and take the oldest ones.

        Until the next ``batch`` or ``settle`` they count as under way.
        """
        self.settle()
        await self._some.wait()
        if not self._hurry.is_set():
            try:
                async with asyncio.timeout(BATCH_MS / 1000):
                    await self._hurry.wait()
            except TimeoutError:
                pass
        taken = [self._entries.popleft() for _ in range(min(len(self._entries), BATCH_MAX_COUNT))]
        if not self._entries:
            self._some.clear()
        if len(self._entries) < BATCH_MAX_COUNT:
            self._hurry.clear()
        return taken

    def settle(self) -> None:
        """Say that the last batch is written."""
        if not self._entries:
            self._idle.set()

    async def drained(self) -> None:
        """Wait until everything put so far is written."""
        self._hurry.set()
        await self._idle.wait()
