"""A user's app on loopback, over either transport: notes what it gets, answers by script."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from tests.e2e.robustness.caller import until

Json = dict[str, Any]
Answer = Json | list[Json] | str | web.Response | None
Script = Callable[[Json], Answer | Awaitable[Answer]]

TOKEN = "app-token-1"


@dataclass
class App:
    """What an app got. ``script`` is asked about every event; None answers nothing (204)."""

    script: Script
    events: list[tuple[float, Json]] = field(default_factory=list)
    requests: list[web.Request] = field(default_factory=list)
    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    url: str = ""
    refuses: bool = False

    def kinds(self, session_id: str | None = None) -> list[str]:
        """The types of all events so far."""
        return [
            event["type"]
            for _, event in self.events
            if session_id in (None, event["session"]["id"])
        ]

    def of(self, kind: str) -> list[Json]:
        """All events of one type."""
        return [event for _, event in self.events if event["type"] == kind]

    async def wait_for(self, kind: str, count: int = 1, wait_s: float = 15.0) -> Json:
        """Wait until an event has come so often; return the newest of its type."""
        await until(lambda: len(self.of(kind)) >= count, wait_s, lambda: (kind, self.kinds()))
        return self.of(kind)[-1]

    async def send(self, *documents: Json | list[Json] | str) -> None:
        """Send over the newest WebSocket, of the app's own accord."""
        for document in documents:
            text = document if isinstance(document, str) else json.dumps(document)
            await self.sockets[-1].send_str(text)

    async def _answer(self, event: Json) -> Answer:
        self.events.append((time.perf_counter(), event))
        answer = self.script(event)
        return await answer if asyncio.iscoroutine(answer) else answer  # type: ignore[return-value]

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Take one event by HTTP."""
        assert request.headers["Content-Length"].isdigit()
        self.requests.append(request)
        answer = await self._answer(await request.json())
        if isinstance(answer, web.StreamResponse):
            return answer
        if answer is None:
            return web.Response(status=204)
        return web.Response(text=answer if isinstance(answer, str) else json.dumps(answer))

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """Take a call by WebSocket, unless it ``refuses``."""
        self.requests.append(request)
        if self.refuses:
            return web.Response(status=503)
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        self.sockets.append(socket)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                answer = await self._answer(json.loads(message.data))
                if answer is not None and not isinstance(answer, web.Response):
                    await socket.send_str(answer if isinstance(answer, str) else json.dumps(answer))
        return socket


@asynccontextmanager
async def serving(script: Script, transport: str) -> AsyncIterator[App]:
    """Run an app within the block."""
    app = App(script)
    router = web.Application(client_max_size=2**26)
    router.router.add_post("/app", app.post)
    router.router.add_get("/app", app.connect)
    runner = web.AppRunner(router, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    scheme = "http" if transport == "http" else "ws"
    app.url = f"{scheme}://127.0.0.1:{runner.addresses[0][1]}/app"
    try:
        yield app
    finally:
        await runner.cleanup()
