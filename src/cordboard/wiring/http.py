"""The HTTP port: uvicorn without its own signal handling, on our loop.

The socket is bound before anything is served on it, so that parts can be told their own address.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator, Sequence

import uvicorn
from starlette.types import ASGIApp

from cordboard.settings.values import Network

START_WAIT_S = 10.0


class _Server(uvicorn.Server):
    """Leaves signals to us: uvicorn by itself would cut every socket at the first one."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing."""
        yield


def bound(host: str, port: int) -> socket.socket:
    """Return a socket of that address, 0 taking a free port. Raises ``OSError`` with the setting's
    name.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio sees that it is TCP and turns Nagle's delay off.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
    except OSError as problem:
        made.close()
        why = problem.strerror or problem
        raise OSError(f"CORDBOARD_HTTP_PORT (--http-port): {host}:{port}: {why}") from problem
    return made


class HttpPort:
    """Serves on a bound socket, which it closes. Upgrades to WebSockets go to ``sockets``.

    Whose request it is, and whether it came by https, is taken from ``X-Forwarded-For`` and
    ``X-Forwarded-Proto`` where one of ``proxies`` sends them, and from nobody else.
    """

    def __init__(
        self,
        app: ASGIApp,
        listening: socket.socket,
        sockets: type[asyncio.Protocol] | None = None,
        proxies: Sequence[Network] = (),
    ) -> None:
        config = uvicorn.Config(
            app,
            ws=sockets or "none",
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=[str(network) for network in proxies],
            timeout_graceful_shutdown=5,
        )
        self._server = _Server(config)
        self._listening = listening

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Serve within the block. Raises ``OSError`` when that is not possible."""
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(self._serve(), name="http")
            try:
                await self._started(serving)
                yield
            finally:
                self._server.should_exit = True

    async def _serve(self) -> None:
        try:
            await self._server.serve([self._listening])
        except SystemExit as stop:
            raise OSError("the HTTP port cannot be served, the line above says why") from stop
        finally:
            self._listening.close()

    async def _started(self, serving: asyncio.Task[None]) -> None:
        async with asyncio.timeout(START_WAIT_S):
            while not self._server.started and not serving.done():  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        if serving.done():
            await serving
            raise OSError("the HTTP port was closed at once")
