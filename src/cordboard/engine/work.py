"""The tasks of one call: every one is owned, none outlives it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from cordboard.engine.guard import Guard, Report


class Job(Protocol):
    """Something under way that can be stopped."""

    def cancel(self) -> bool:
        """Stop it at its next wait."""
        ...


class Work:
    """Starts tasks in one group. One that raises tells ``broke``: the call it belongs to has to
    end.
    """

    def __init__(
        self, group: asyncio.TaskGroup, report: Report, broke: Callable[[str], None]
    ) -> None:
        self._group = group
        self._report = report
        self._broke = broke
        self._running: set[asyncio.Task[None]] = set()

    def start(self, name: str, work: Coroutine[Any, Any, None]) -> Job:
        """Begin ``work``; cancelling the job never cancels its neighbours."""
        task = self._group.create_task(self._run(name, work), name=name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        # A task that is cancelled before its first step never reaches ``work``.
        task.add_done_callback(lambda _: work.close())
        return task

    def cancel_all(self) -> None:
        """Stop everything that is under way."""
        for task in self._running:
            task.cancel()

    async def settled(self) -> None:
        """Wait until nothing is under way."""
        while self._running:
            await asyncio.wait(self._running)

    async def _run(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        with (guard := Guard(name, self._report)):
            await work
        if guard.broken:
            self._broke(name)
