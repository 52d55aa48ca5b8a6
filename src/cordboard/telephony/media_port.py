"""Media sockets on the port of the REST API: upgrades are handed from uvicorn to aiohttp.

uvicorn makes one protocol of its ``ws=`` class for each WebSocket upgrade, replays the request to
it, and gives it the connection. Here that protocol is aiohttp's own, so that no WebSocket passes
ASGI. uvicorn does not count these connections: ending them is for ``MediaPort.open``'s block.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from aiohttp import web

SHUTDOWN_S = 1.0


class MediaPort:
    """The application of all media sockets; carriers add their routes before it is opened."""

    def __init__(self) -> None:
        """Serve nothing yet."""
        self.app = web.Application()
        self.app.on_response_prepare.append(_close_what_is_refused)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[type[asyncio.Protocol]]:
        """Serve within the block; yields what uvicorn's ``ws=`` takes.

        Open it outside the block of the HTTP port, so that it closes after that.
        """
        runner = web.AppRunner(
            self.app, access_log=None, handle_signals=False, shutdown_timeout=SHUTDOWN_S
        )
        await runner.setup()
        assert runner.server is not None
        try:
            yield _protocol_class(runner.server)
        finally:
            await runner.cleanup()


async def _close_what_is_refused(request: web.Request, response: web.StreamResponse) -> None:
    """End a connection whose upgrade failed: a proxy would send the next request for the REST API
    on it, which is out of reach from here.
    """
    if response.status != 101:
        response.force_close()
        response.headers["Connection"] = "close"


def _protocol_class(server: Callable[[], asyncio.Protocol]) -> type[asyncio.Protocol]:
    class Handover(asyncio.Protocol):
        """Called like a class by uvicorn, with its own arguments, which are not needed."""

        def __new__(cls, **_: Any) -> Any:
            return server()

    return Handover
