"""An app spoken to as a server does, without a socket: ASGI by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from cordboard.flowapp import FlowApp

SESSION = {
    "id": "3f0c2a8e-6d5b-4f43-9a57-0c1f5d6f2b90",
    "account_id": "acme",
    "phone_number": "+12025550110",
    "direction": "inbound",
    "from_phone_number": "+12025550199",
    "to_phone_number": "+12025550110",
}


def told(kind: str, session_id: str = SESSION["id"], **fields: object) -> dict[str, Any]:
    """An event as it goes over the wire."""
    return {"type": kind, "session": {**SESSION, "id": session_id}, **fields}


async def post(
    app: FlowApp[Any], body: object, *, token: str = "", method: str = "POST"
) -> tuple[int, Any]:
    """Send a request; returns the status and the body, read where it is JSON."""
    document = body if isinstance(body, bytes) else json.dumps(body).encode()
    scope = {
        "type": "http",
        "method": method,
        "path": "/",
        "headers": [(b"x-api-token", token.encode())] if token else [],
    }
    halves = [document[:10], document[10:]]
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        part = halves.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(halves)}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    answer = sent[-1]["body"]
    return sent[0]["status"], json.loads(answer) if answer else None


class Wire:
    """One WebSocket connection to an app."""

    def __init__(self) -> None:
        self.to_app: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue(100)
        self.from_app: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue(100)

    def tell(self, kind: str, session_id: str = SESSION["id"], **fields: object) -> None:
        """Send an event."""
        self.raw(json.dumps(told(kind, session_id, **fields)))

    def raw(self, text: str) -> None:
        """Send any text."""
        self.to_app.put_nowait({"type": "websocket.receive", "text": text})

    async def next(self) -> Any:
        """Return what the app sends next, read."""
        async with asyncio.timeout(10):
            return json.loads((await self.from_app.get())["text"])

    def close(self) -> None:
        """Hang up the connection."""
        self.to_app.put_nowait({"type": "websocket.disconnect", "code": 1000})


@asynccontextmanager
async def connected(app: FlowApp[Any], token: str = "") -> AsyncIterator[Wire]:
    """Open a connection that the app accepts, and close it at the end."""
    wire = Wire()
    wire.to_app.put_nowait({"type": "websocket.connect"})
    scope = {"type": "websocket", "path": "/", "headers": [(b"x-api-token", token.encode())]}
    async with asyncio.TaskGroup() as group:
        group.create_task(app(scope, wire.to_app.get, wire.from_app.put))
        accepted = await wire.from_app.get()
        assert accepted["type"] == "websocket.accept", accepted
        yield wire
        wire.close()
