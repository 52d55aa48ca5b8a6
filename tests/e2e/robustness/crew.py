"""A call server and processes that only work, on one database; any of them may be killed."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.robustness.house import obedient
from tests.e2e.server import Server, WorkProcess


class Crew:
    """Place 0 is the call server, which works too if it is alone; the others only work.

    All share a data directory; ``options`` are settings of all.
    """

    def __init__(self, directory: Path, options: Mapping[str, str], workers_count: int) -> None:
        self._directory = directory
        self._options = {"data_dir": str(directory / "var"), **options}
        if workers_count:
            self._options["roles"] = "api,engine"
        self._runs: list[Server] = []
        self._started: list[Server] = []
        self._now = [self._new(place) for place in range(1 + workers_count)]

    @property
    def server(self) -> Server:
        """The call server that runs now."""
        return self._now[0]

    def start(self) -> None:
        """Start everybody, the call server first."""
        for process in self._now:
            process.start()
            self._started.append(process)

    async def kill(self, place: int) -> None:
        """End a process without a word."""
        self._now[place].signal(signal.SIGKILL)
        assert await asyncio.to_thread(self._now[place].stop) == -signal.SIGKILL

    async def start_again(self, place: int) -> None:
        """Start the process that was killed; a call server takes the same SIP port."""
        if place == 0:
            self._options["sip_port"] = str(self.server.sip_port)
        self._now[place] = self._new(place)
        await asyncio.to_thread(self._now[place].start)
        self._started.append(self._now[place])

    def stop(self) -> None:
        """End everybody as an operator does; nobody may have noticed a mistake of our own."""
        assert [process.stop() for process in self._now] == [0] * len(self._now)
        assert [line for process in self._runs for line in process.mistakes()] == []

    @contextmanager
    def ended(self) -> Iterator[None]:
        """End whoever still runs at the end of the block, whatever happened."""
        try:
            yield
        finally:
            for process in self._started:
                process.stop()

    def _new(self, place: int) -> Server:
        directory = self._directory / f"run{len(self._runs)}"
        kind = obedient if place == 0 else WorkProcess
        process = kind(directory, self._options)
        self._runs.append(process)
        return process
