"""A web server on a free port of loopback, and the faults that a fake vendor can be given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web


@asynccontextmanager
async def serving(application: web.Application) -> AsyncIterator[str]:
    """Serve while the block lasts; give ``host:port``."""
    runner = web.AppRunner(application, shutdown_timeout=0.2, handler_cancellation=True)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        yield f"127.0.0.1:{port}"
    finally:
        await runner.cleanup()


@dataclass(slots=True)
class Faults:
    """What goes wrong, counted in messages of one connection from 0; None is never.

    At ``stall_at`` nothing more is sent, at ``cut_at`` the connection is torn down, at
    ``garble_at`` something else than the message is sent. ``refuse`` answers with that HTTP status
    and with ``retry_after``.
    """

    stall_at: int | None = None
    cut_at: int | None = None
    garble_at: int | None = None
    refuse: int | None = None
    refuse_body: str = "{}"
    retry_after: str = "1"


class Broken(Exception):
    """The fake has torn its connection down."""


class Sender:
    """Counts the messages of one connection and lets its faults happen."""

    def __init__(self, faults: Faults, request: web.Request) -> None:
        self._faults = faults
        self._request = request
        self.count = 0

    async def due(self, message: bytes) -> bytes:
        """Return what to send in the message's place. Raises ``Broken``; stalls for good."""
        number, self.count = self.count, self.count + 1
        if number == self._faults.stall_at:
            await asyncio.Event().wait()
        if number == self._faults.cut_at:
            assert self._request.transport is not None
            self._request.transport.abort()
            raise Broken
        return b'{"choices": 7, ]' if number == self._faults.garble_at else message
