"""An app that is connected to for the length of a call (section 5.2)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cordboard.call.events import AppBack, AppGone, AppLost
from cordboard.egress import EgressError, EgressSocket, Unreachable
from cordboard.flow_apps.address import EVENTS_MAX, AppAddress, NoToken
from cordboard.flow_apps.answers import BODY_BYTES_MAX
from cordboard.flow_apps.problems import Problem
from cordboard.ports import Clock

CONNECT_WITHIN_MS: Final = 5_000
SHORT_CONNECTIONS_MAX: Final = 20
"""So many attempts and short connections in a row are enough."""

GOODBYE_S: Final = 1.0
"""How long after the last event the connection stays."""

FRAMES_PER_S: Final = 100
"""An app that sends more is read more slowly."""

_LAST: Final = "session_end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How an app is waited for: ``first_tries`` where it was not reached in this call yet,
    ``back_within_ms`` where it was. A connection of ``steady_after_ms`` counts as mended; shorter
    ones make the next wait longer.
    """

    first_tries: int = 3
    back_within_ms: int = 30_000
    back_off_s: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 8.0)
    steady_after_ms: int = 5_000


class SocketLine:
    """``ports.AppLine`` over a WebSocket. ``run`` does the work and ends when all has been told
    after the end of the call, or the app is given up.
    """

    def __init__(self, address: AppAddress, clock: Clock, patience: Patience | None = None) -> None:
        self._address = address
        self._patience = patience or Patience()
        self._clock = clock
        self._waiting: deque[str] = deque()
        self._changed = asyncio.Event()
        self._closed = False
        self._was_there = False
        self._given_up = False
        self._away_since_ms: int | None = None

    def tell(
        self, event_id: str, kind: str, content: Mapping[str, object], *, answerable: bool
    ) -> None:
        """Send an event after those before it; one that was not written yet is sent after a
        connection has been made again.
        """
        if self._given_up:
            return
        if len(self._waiting) >= EVENTS_MAX and kind != _LAST:
            self._address.warn(event_id, Problem("", f"{EVENTS_MAX} events wait; it is not sent"))
            return
        self._waiting.append(self._address.writer.write(kind, content).decode())
        self._changed.set()

    def close(self) -> None:
        """Nothing more will be told."""
        self._closed = True
        self._changed.set()

    async def run(self) -> None:
        """Connect, and again where the connection is lost, until the line is closed."""
        failures = 0
        while not self._is_done and (self._was_there or not self._closed):
            begun_ms = self._clock.now_ms()
            failure = await self._connected()
            if self._closed:
                return
            lasted_ms = self._clock.now_ms() - begun_ms
            steady = failure is None and lasted_ms >= self._patience.steady_after_ms
            failures = 1 if steady else failures + 1
            if self._is_hopeless(failures):
                self._given_up = True
                self._address.post(AppGone(failure or "connection_lost"))
                return
            waits_s = self._patience.back_off_s
            await asyncio.sleep(waits_s[min(failures, len(waits_s)) - 1])

    @property
    def _is_done(self) -> bool:
        return self._closed and not self._waiting

    def _is_hopeless(self, failures: int) -> bool:
        if not self._was_there:
            return failures >= self._patience.first_tries
        since_ms = self._away_since_ms
        away_ms = 0 if since_ms is None else self._clock.now_ms() - since_ms
        return away_ms >= self._patience.back_within_ms or failures >= SHORT_CONNECTIONS_MAX

    async def _connected(self) -> str | None:
        """Serve one connection to its end; returns why none came about, if so."""
        address = self._address
        try:
            headers = await address.headers()
            socket = await address.gate.open_socket(
                address.plan.url, headers, CONNECT_WITHIN_MS, BODY_BYTES_MAX
            )
        except NoToken:
            return "no_token"
        except EgressError as problem:
            address.warn(None, Problem("", str(problem)))
            return problem.code
        if self._away_since_ms is not None:
            address.post(AppBack())
        self._was_there, self._away_since_ms = True, None
        try:
            await self._serve(socket)
        finally:
            await socket.close()
        if not self._closed:
            self._away_since_ms = self._clock.now_ms()
            address.post(AppLost())
        return None

    async def _serve(self, socket: EgressSocket) -> None:
        """Read and write until the connection is lost, or all has been told."""
        async with asyncio.TaskGroup() as group:
            ends = [group.create_task(self._read(socket)), group.create_task(self._write(socket))]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for end in ends:
                end.cancel()

    async def _read(self, socket: EgressSocket) -> None:
        since_ms, count = self._clock.now_ms(), 0
        while (document := await socket.receive()) is not None:
            await self._address.take(None, document)
            count += 1
            passed_ms = self._clock.now_ms() - since_ms
            if passed_ms >= 1_000:
                since_ms, count = self._clock.now_ms(), 0
            # Frames that wait already are read without a pause, which the call needs.
            await asyncio.sleep(0 if count < FRAMES_PER_S else (1_000 - passed_ms) / 1_000)

    async def _write(self, socket: EgressSocket) -> None:
        while True:
            while self._waiting:
                # What may have been written is not written again.
                told = self._waiting.popleft()
                try:
                    await socket.send(told)
                except Unreachable:
                    self._waiting.appendleft(told)
                    return
            if self._closed:
                await asyncio.sleep(GOODBYE_S)
                return
            self._changed.clear()
            await self._changed.wait()
