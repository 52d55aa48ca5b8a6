"""A child process that is spoken to in frames, and started again when it dies.

Native speech libraries live in children: one because its licence must not reach the server, one
because it holds the interpreter lock. The child runs ``python -m module`` and ends by itself when
its input ends, so that it never outlives the server. It is given nothing of the server's settings.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from cordboard.providers.frames import BadFrame, FrameReader, pack

_PIECE_BYTES = 262_144

_GIVEN: Final = frozenset({"PATH", "HOME", "LANG", "TZ", "TMPDIR"})
_GIVEN_KINDS: Final = ("LC_", "LD_", "DYLD_", "PYTHON")
"""What a child needs of our environment. Keys that settings hold are in it as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildLimits:
    """How a child is kept alive and bounded.

    The wait before start ``n + 1`` is ``first_wait_s * 2**n``, at most ``longest_wait_s``. It is
    given up after ``most_deaths`` in a row; one more than ``steady_s`` after a start begins anew.
    ``most_unsent_bytes`` bounds what waits in our end of its input.
    """

    first_wait_s: float = 0.1
    longest_wait_s: float = 5.0
    most_deaths: int = 8
    steady_s: float = 30.0
    most_unsent_bytes: int = 4 * 1024 * 1024
    end_wait_s: float = 2.0


USUAL = ChildLimits()


class Child:
    """One child process at a time, while ``async with`` lasts; entered and left by the same task.

    ``received`` gets each frame, ``died`` is called each time the process ended by itself; both on
    the event loop.
    """

    def __init__(
        self,
        module: str,
        received: Callable[[bytes], None],
        died: Callable[[], None],
        limits: ChildLimits = USUAL,
    ) -> None:
        self._module = module
        self._received = received
        self._died = died
        self._limits = limits
        self._process: Process | None = None
        self._group = asyncio.TaskGroup()
        self._task: asyncio.Task[None] | None = None
        self.given_up = False

    @property
    def pid(self) -> int | None:
        """The process id of the child that runs, or None while there is none."""
        return None if self._process is None else self._process.pid

    async def __aenter__(self) -> Self:
        """Start the child. Raises ``OSError`` when it cannot be started."""
        self._process = await self._spawn()
        await self._group.__aenter__()
        self._task = self._group.create_task(self._keep_alive(), name=f"child {self._module}")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the child: its input is closed, and it is killed if that is not enough."""
        if self._task is not None:
            self._task.cancel()
        try:
            await self._group.__aexit__(None, None, None)
        finally:
            process, self._process = self._process, None
            if process is not None:
                await self._end(process)

    def send(self, payload: bytes) -> bool:
        """Send a frame without waiting; False when no child runs or too much waits unsent."""
        process = self._process
        if process is None or process.stdin is None or process.stdin.is_closing():
            return False
        transport = process.stdin.transport
        if transport.get_write_buffer_size() > self._limits.most_unsent_bytes:
            return False
        process.stdin.write(pack(payload))
        return True

    async def _spawn(self) -> Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            self._module,
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            limit=_PIECE_BYTES,
            env={
                name: text
                for name, text in os.environ.items()
                if name in _GIVEN or name.startswith(_GIVEN_KINDS)
            },
            start_new_session=True,  # an interrupt at the terminal is for the server alone
        )

    async def _keep_alive(self) -> None:
        deaths = 0
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            process = self._process
            if process is not None:
                await self._read(process)
                self._process = None
                await self._end(process)
                self._died()
            deaths = 1 if loop.time() - started > self._limits.steady_s else deaths + 1
            if deaths >= self._limits.most_deaths:
                self.given_up = True
                return
            wait_s = self._limits.first_wait_s * 2 ** (deaths - 1)
            await asyncio.sleep(min(wait_s, self._limits.longest_wait_s))
            try:
                self._process = await self._spawn()
            except OSError:
                continue

    async def _read(self, process: Process) -> None:
        """Hand on frames until the output ends or is not ours any more."""
        assert process.stdout is not None
        reader = FrameReader()
        try:
            while piece := await process.stdout.read(_PIECE_BYTES):
                for frame in reader.push(piece):
                    self._received(frame)
        except BadFrame:
            return

    async def _end(self, process: Process) -> None:
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(self._limits.end_wait_s):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
