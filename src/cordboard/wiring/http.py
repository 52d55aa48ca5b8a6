"""The HTTP port: uvicorn without its own signal handling, on our loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.types import ASGIApp

START_WAIT_S = 10.0


class _Server(uvicorn.Server):
    """Leaves signals to us: uvicorn by itself would cut every socket at the first one."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing."""
        yield


class HttpPort:
    """One listening port. ``port`` is the real one once it is open."""

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=5,
        )
        self._server = _Server(config)
        self._wanted = f"{host}:{port}"
        self.port = port

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[int]:
        """Serve within the block; yields the port. Raises ``OSError`` when it cannot be had."""
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(self._serve(), name="http")
            try:
                await self._started(serving)
                yield self.port
            finally:
                self._server.should_exit = True

    async def _serve(self) -> None:
        try:
            await self._server.serve()
        except SystemExit as stop:
            raise OSError(
                f"CORDBOARD_HTTP_PORT (--http-port): {self._wanted} cannot be opened, "
                "the line above says why"
            ) from stop

    async def _started(self, serving: asyncio.Task[None]) -> None:
        async with asyncio.timeout(START_WAIT_S):
            while not self._server.started and not serving.done():  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        if serving.done():
            await serving
            raise OSError("the HTTP port was closed at once")
        for server in self._server.servers:
            for socket in server.sockets:
                self.port = int(socket.getsockname()[1])
                return
