"""A fake of chat completions, streamed and plain.

After https://platform.openai.com/docs/api-reference/chat and its page on streaming: events of
``chat.completion.chunk`` objects, the first with the role, the last with a ``finish_reason``, then
``[DONE]``; tool calls in fragments under an index; errors as ``{"error": {...}}``.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.fakes.serving import Broken, Faults, Sender, serving


@dataclass
class FakeChat:
    """Answers every request with ``tokens``, then calls ``calls`` (name and arguments).

    ``piece_bytes`` cuts the stream into pieces of that size, across events and characters.
    ``refused_models`` are not known. ``first_ms`` is the wait before the first token.
    """

    tokens: list[str] = field(default_factory=lambda: ["Hello", ", how", " can I help?"])
    calls: list[tuple[str, str]] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)
    piece_bytes: int | None = None
    refused_models: set[str] = field(default_factory=set)
    key: str = "key-1"
    first_ms: int = 0
    requests: list[dict[str, Any]] = field(default_factory=list)
    connections: set[object] = field(default_factory=set)
    url: str = ""
    open_streams: int = 0
    idle: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[FakeChat]:
        """Serve while the block lasts; ``url`` is the base URL."""
        application = web.Application()
        application.router.add_post("/v1/chat/completions", self._complete)
        application.router.add_get("/v1/models", self._models)
        async with serving(application) as host:
            self.url = f"http://{host}/v1"
            yield self

    async def _models(self, request: web.Request) -> web.Response:
        self.connections.add(request.transport)
        if request.headers.get("Authorization") != f"Bearer {self.key}":
            return _refused(401, "invalid_api_key")
        model = {"id": "fake", "object": "model", "created": 0, "owned_by": "tests"}
        return web.json_response({"object": "list", "data": [model]})

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        self.connections.add(request.transport)
        body = json.loads(await request.read())
        self.requests.append(body)
        if request.headers.get("Authorization") != f"Bearer {self.key}":
            return _refused(401, "invalid_api_key")
        if self.faults.refuse is not None:
            headers = {"Retry-After": self.faults.retry_after, "Content-Type": "application/json"}
            text = self.faults.refuse_body
            return web.Response(status=self.faults.refuse, text=text, headers=headers)
        if body["model"] in self.refused_models:
            return _refused(404, "model_not_found")
        if not body.get("stream"):
            return web.json_response(self._whole(body))
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        self.open_streams += 1
        try:
            await self._stream(answer, Sender(self.faults, request), body)
        except (Broken, ConnectionError):
            return answer
        finally:
            self.open_streams -= 1
            self.idle.set()
        return answer

    async def _stream(
        self, answer: web.StreamResponse, sender: Sender, body: dict[str, Any]
    ) -> None:
        await asyncio.sleep(self.first_ms / 1000)
        waiting = b""
        for event in [*self._events(body), b"[DONE]"]:
            due = await sender.due(event)
            waiting += b"data: " + due + b"\n\n"
            size = self.piece_bytes or len(waiting)
            while len(waiting) >= size:
                await answer.write(waiting[:size])
                waiting = waiting[size:]
                if self.piece_bytes:
                    await asyncio.sleep(0)
                if not waiting:
                    break
        if waiting:
            await answer.write(waiting)

    def _events(self, body: dict[str, Any]) -> list[bytes]:
        deltas: list[tuple[dict[str, Any], str | None]] = [
            ({"role": "assistant", "content": ""}, None)
        ]
        deltas += [({"content": token}, None) for token in self.tokens]
        for index, (name, arguments) in enumerate(self.calls):
            called = {"index": index, "id": f"call_{index}", "type": "function"}
            function = {"name": name, "arguments": ""}
            deltas.append(({"tool_calls": [{**called, "function": function}]}, None))
            half = len(arguments) // 2
            for part in (arguments[:half], arguments[half:]):
                more = {"index": index, "function": {"arguments": part}}
                deltas.append(({"tool_calls": [more]}, None))
        deltas.append(({}, "tool_calls" if self.calls else "stop"))
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0}
        return [
            json.dumps(
                {
                    **head,
                    "model": body["model"],
                    "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
                }
            ).encode()
            for delta, reason in deltas
        ]

    def _whole(self, body: dict[str, Any]) -> dict[str, Any]:
        message = {"role": "assistant", "content": "".join(self.tokens)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 0}
        return {**head, "model": body["model"], "choices": [choice]}


def _refused(status: int, code: str) -> web.Response:
    detail = {"message": "secret upstream words", "type": "error", "param": None, "code": code}
    return web.json_response({"error": detail}, status=status)
