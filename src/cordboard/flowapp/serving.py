"""An app over HTTP and WebSocket, as ASGI has it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Protocol

from pydantic import ValidationError
from pydantic_core import from_json

from cordboard.flowapp.answers import Wire
from cordboard.flowapp.calls import CannotSend, Send
from cordboard.flowapp.events import EVENT, Event

log = logging.getLogger("cordboard.flowapp")

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Sender = Callable[[Message], Awaitable[None]]

EVENT_MAX_BYTES = 1_048_576
"""A longer event is refused: none of the protocol's comes near."""

EVENTS_MAX = 100
"""So many events of one connection may be under way; then no more is read until one is done."""


class Answering(Protocol):
    """What is served."""

    async def answer(self, event: Event, socket: Send | None = None) -> list[Wire]:
        """Return the actions that follow from an event."""
        ...

    def knows(self, token: bytes) -> bool:
        """Whether this is the token."""
        ...


class NotAnEvent(ValueError):
    """What came is no event; the text says why."""


async def serve_scope(app: Answering, scope: Scope, receive: Receive, send: Sender) -> None:
    """Serve one request, connection or lifespan."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["type"] == "websocket":
        await _Socket(app, scope, receive, send).run()
    else:
        status, body = await _request(app, scope, receive)
        kind = b"application/json"
        headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
        start = {"type": "http.response.start", "status": status}
        await send({**start, "headers": headers if body else []})
        await send({"type": "http.response.body", "body": body})


def read_event(document: str | bytes) -> Event | None:
    """Return the event, or None for one of a kind that is not known here.

    Raises ``NotAnEvent``.
    """
    try:
        value = from_json(document)
    except ValueError as problem:
        raise NotAnEvent("no JSON") from problem
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        raise NotAnEvent("no event: it has no type")
    try:
        return EVENT.validate_python(value)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        if first["type"] == "union_tag_invalid":
            return None
        where = ".".join(str(part) for part in first["loc"])
        raise NotAnEvent(f"{where}: {first['msg']}") from problem


async def _lifespan(receive: Receive, send: Sender) -> None:
    for kind in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{kind}.complete"})


async def _request(app: Answering, scope: Scope, receive: Receive) -> tuple[int, bytes]:
    """Return status and body of a request's answer."""
    if scope["method"] in ("GET", "HEAD"):
        return 200, b'{"status":"ok"}'
    if not app.knows(_token(scope)):
        return 401, b'{"error":"X-API-TOKEN"}'
    if scope["method"] != "POST":
        return 405, b'{"error":"POST an event"}'
    document = await _body(receive)
    if document is None:
        return 413, b'{"error":"too long"}'
    try:
        event = read_event(document)
    except NotAnEvent as problem:
        return 400, json.dumps({"error": str(problem)}).encode()
    answer = "" if event is None else await _answered(app, event, None)
    if answer is None:
        return 500, b'{"error":"the handler failed"}'
    return (200, answer.encode()) if answer else (204, b"")


async def _body(receive: Receive) -> bytes | None:
    parts = bytearray()
    while True:
        message = await receive()
        parts += message.get("body", b"")
        if len(parts) > EVENT_MAX_BYTES:
            return None
        if not message.get("more_body", False):
            return bytes(parts)


async def _answered(app: Answering, event: Event, socket: Send | None) -> str | None:
    """Return the actions as a document, empty for none; None where the handler made a mistake,
    which is logged.
    """
    try:
        return _document(await app.answer(event, socket))
    except Exception:
        log.exception("the handler of %s failed", event.type)
        return None


class _Socket:
    """One connection: events in, actions out at any time."""

    def __init__(self, app: Answering, scope: Scope, receive: Receive, send: Sender) -> None:
        self._app = app
        self._scope = scope
        self._receive = receive
        self._send = send
        self._slots = asyncio.Semaphore(EVENTS_MAX)
        self._open = False

    async def run(self) -> None:
        """Serve until the other side closes; handlers that run are waited for."""
        await self._receive()
        if not self._app.knows(_token(self._scope)):
            await self._refuse()
            return
        await self._send({"type": "websocket.accept"})
        self._open = True
        async with asyncio.TaskGroup() as group:
            while (message := await self._receive())["type"] != "websocket.disconnect":
                await self._slots.acquire()
                group.create_task(self._take(message.get("text") or message.get("bytes") or ""))
            self._open = False

    async def _refuse(self) -> None:
        if "websocket.http.response" in self._scope.get("extensions", {}):
            start = {"type": "websocket.http.response.start", "status": 401, "headers": []}
            await self._send(start)
            await self._send({"type": "websocket.http.response.body", "body": b""})
        else:
            await self._send({"type": "websocket.close", "code": 1008})

    async def _take(self, document: str | bytes) -> None:
        try:
            event = read_event(document)
            answer = None if event is None else await _answered(self._app, event, self.push)
            if answer:
                await self._write(answer)
        except NotAnEvent as problem:
            log.warning("a message that is no event: %s", problem)
        except CannotSend:
            log.info("the socket is gone, an answer with it")
        finally:
            self._slots.release()

    async def push(self, actions: Sequence[Wire]) -> None:
        """Send actions. Raises ``CannotSend`` when the connection is gone."""
        if actions:
            await self._write(_document(actions))

    async def _write(self, document: str) -> None:
        if not self._open:
            raise CannotSend("the WebSocket is closed")
        try:
            await self._send({"type": "websocket.send", "text": document})
        except (OSError, RuntimeError) as problem:
            raise CannotSend("the WebSocket is closed") from problem


def _document(actions: Sequence[Wire]) -> str:
    """Return the JSON of one action or several, an empty text for none."""
    if not actions:
        return ""
    return json.dumps(actions[0] if len(actions) == 1 else list(actions), allow_nan=False)


def _token(scope: Scope) -> bytes:
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    return next((value for name, value in headers if name == b"x-api-token"), b"")
