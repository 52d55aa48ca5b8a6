"""Callers and vendors of one run, in one process on a core of their own.

``python -m benchmarks.streams.load`` with a JSON order (``Order``) on standard input. It writes
``{"up": true}`` when the vendors listen, waits for a line (the server is up), lets one call come
and go for warmth, then writes ``{"steady": true}`` when all calls talk, ``{"steady": false}`` when
the measured time is over, and the result.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from benchmarks.figures import share_of
from benchmarks.load import tell
from benchmarks.streams import app
from benchmarks.streams.caller import FRAME_BYTES, FRAME_S, Caller, Heard, own_share_ms
from benchmarks.streams.vendors import Notes, Vendors
from benchmarks.streams.wire import Connection, Peer

SLOTS = 20
WARM_S = 8.0
SETTLED_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to do; ``speech`` and ``voice`` are files of mu-law."""

    core: int
    vendors_port: int
    server_port: int
    speech: str
    voice: str
    calls: int
    ramp_s: float
    steady_s: float


@dataclass(slots=True)
class _Pacer:
    """Has a twentieth of the callers send every millisecond, on absolute times."""

    callers: list[list[Caller]] = field(default_factory=lambda: [[] for _ in range(SLOTS)])
    late_s: list[float] = field(default_factory=list)

    async def run(self) -> None:
        """Send until cancelled."""
        start, turn = time.monotonic(), 0
        while True:
            due = start + turn * FRAME_S / SLOTS
            now = time.monotonic()
            if now < due:
                await asyncio.sleep(due - now)
                continue
            slot = self.callers[turn % SLOTS]
            if slot:
                self.late_s.append(now - due)
            for caller in slot:
                if caller.has_started:
                    caller.send_frame()
            turn += 1


class _Run:
    """The callers of one order."""

    def __init__(self, order: Order, speech: list[bytes], pacer: _Pacer) -> None:
        self.heard = Heard()
        self._order, self._speech, self._pacer = order, speech, pacer
        self._callers: list[Caller] = []

    async def call(self, number: int) -> None:
        """Begin a call."""
        caller = Caller(number, self._speech, self.heard, "/ws")
        port = self._order.server_port
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: caller, "127.0.0.1", port)
        self._callers.append(caller)
        self._pacer.callers[number * 7 % SLOTS].append(caller)

    def hang_up(self) -> None:
        """End all calls."""
        for caller in self._callers:
            caller.hang_up()
        for slot in self._pacer.callers:
            slot.clear()
        self._callers.clear()


class Site(Vendors):
    """The vendors, and the app of a flow."""

    def socket(self, connection: Connection, path: str, query: dict[str, str]) -> Peer:
        """Listen, speak, or run a flow."""
        if path == app.PATH:
            return app.Talk(connection, self.notes)
        return super().socket(connection, path, query)

    def request(
        self, connection: Connection, path: str, query: dict[str, str], body: bytes
    ) -> None:
        """Answer as a model, as a voice, or as an app."""
        if path == app.PATH:
            app.post(connection, body, self.notes)
        else:
            super().request(connection, path, query, body)


async def run(order: Order) -> dict[str, object]:
    """Carry out an order and return the figures."""
    voice = await asyncio.to_thread(Path(order.voice).read_bytes)
    spoken = await asyncio.to_thread(Path(order.speech).read_bytes)
    speech = [spoken[at : at + FRAME_BYTES] for at in range(0, len(spoken), FRAME_BYTES)]
    site = Site(voice)
    loop = asyncio.get_running_loop()
    serving = await loop.create_server(
        lambda: Connection(site), "127.0.0.1", order.vendors_port, backlog=1024
    )
    tell({"up": True})
    await asyncio.to_thread(sys.stdin.readline)
    pacer = _Pacer()
    async with serving, asyncio.TaskGroup() as group:
        pacing = group.create_task(pacer.run())
        warm = _Run(order, speech, pacer)
        await warm.call(0)
        await asyncio.sleep(WARM_S)
        warm.hang_up()
        await asyncio.sleep(1.5)
        figures = await _measured(_Run(order, speech, pacer), order, site.notes, pacer)
        pacing.cancel()
    return figures


async def _measured(run: _Run, order: Order, notes: Notes, pacer: _Pacer) -> dict[str, object]:
    for number in range(order.calls):
        await run.call(number + 1)
        await asyncio.sleep(order.ramp_s / order.calls)
    await asyncio.sleep(SETTLED_S)
    gc.disable()
    pacer.late_s.clear()
    tell({"steady": True})
    await asyncio.sleep(order.steady_s)
    tell({"steady": False})
    late_s = sorted(pacer.late_s)
    run.hang_up()
    await asyncio.sleep(1.5)
    return figures(run.heard, notes) | {
        "generator_late_ms": 1000 * sum(late_s) / max(1, len(late_s)),
        "generator_p99_ms": 1000 * share_of(late_s, 0.99),
    }


def figures(heard: Heard, notes: Notes) -> dict[str, object]:
    """Return what was heard and noted, as plain numbers; milliseconds."""
    shares = [share for one in heard.answers if (share := own_share_ms(notes, one)) is not None]
    ready = [
        (notes.opened[number] - at) * 1000
        for number, at in heard.started.items()
        if number in notes.opened
    ]
    return {
        "own_ms": [sum(share.values()) for share in shares],
        "stages_ms": {name: [share[name] for share in shares] for name in (shares or [{}])[0]},
        "answer_ms": [(at - spoke) * 1000 for _, spoke, at in heard.answers],
        "clear_ms": heard.clears_ms,
        "ready_ms": ready,
        "turns": len(heard.answers),
        "bad": heard.bad + len(heard.failures),
        "frames": heard.frames,
        "late_frames": heard.late_frames,
        "failures": heard.failures[:5],
    }


def main() -> None:
    """Read the order, carry it out, write the figures."""
    order = Order(**json.loads(sys.stdin.readline()))
    os.sched_setaffinity(0, {order.core})
    tell(uvloop.run(run(order)))


if __name__ == "__main__":
    main()
