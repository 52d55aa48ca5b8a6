"""A flow app from decorated functions."""

from __future__ import annotations

import asyncio
import hmac
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar, cast, overload

from cordboard.flowapp.answers import Answer, Wire, wire_actions
from cordboard.flowapp.calls import FlowCall, FlowCalls, Send
from cordboard.flowapp.events import Event
from cordboard.flowapp.serving import Receive, Scope, Sender, serve_scope

S = TypeVar("S")
H = TypeVar("H", bound=Callable[..., Answer | Awaitable[Answer]])

_Handler = Callable[[Event, FlowCall[Any]], Awaitable[Answer]]


class FlowApp(Generic[S]):
    """An app that runs flows: an ASGI application over HTTP and WebSocket, on any path.

    Handlers are registered by the ``on_...`` decorators, at most one for each event. A handler
    takes the event, and the call too if it has a second parameter, and returns an action, a text
    to speak, a plain dictionary, a list of these, or None. It may be a coroutine function; a plain
    function runs in a thread and may block. Of one call at most one handler runs at a time, in the
    events' order. A handler that raises costs its event (HTTP 500; on a WebSocket nothing is
    answered) and is logged to ``cordboard.flowapp``.

    With a ``token`` everything that does not carry it as ``X-API-TOKEN`` is answered 401.
    """

    @overload
    def __init__(self: FlowApp[dict[str, Any]], *, token: str = ...) -> None: ...

    @overload
    def __init__(self, *, token: str = ..., state: Callable[[], S]) -> None: ...

    def __init__(self, *, token: str = "", state: Callable[[], Any] = dict) -> None:
        """``state`` makes what ``call.state`` is for each new call; without it, a dictionary."""
        self.calls: FlowCalls[S] = FlowCalls(state)
        self._token = token
        self._handlers: dict[str, _Handler] = {}

    def on_session_start(self, handler: H) -> H:
        """Call this when a call begins, and when it comes back after a transfer that failed."""
        return self._on("session_start", handler)

    def on_user_speech_started(self, handler: H) -> H:
        """Call this when the caller begins to speak (WebSocket only); its answer counts."""
        return self._on("user_speech_started", handler)

    def on_user_speak(self, handler: H) -> H:
        """Call this when the caller has said something."""
        return self._on("user_speak", handler)

    def on_assistant_speak(self, handler: H) -> H:
        """Call this when a speech begins."""
        return self._on("assistant_speak", handler)

    def on_assistant_speech_ended(self, handler: H) -> H:
        """Call this when a speech or sound has ended."""
        return self._on("assistant_speech_ended", handler)

    def on_user_input_timeout(self, handler: H) -> H:
        """Call this when the caller stayed silent for as long as the last speech allowed."""
        return self._on("user_input_timeout", handler)

    def on_dtmf_received(self, handler: H) -> H:
        """Call this when the caller pressed a key."""
        return self._on("dtmf_received", handler)

    def on_sms_failed(self, handler: H) -> H:
        """Call this when a text message could not be sent."""
        return self._on("sms_failed", handler)

    def on_session_end(self, handler: H) -> H:
        """Call this when a call is over. What it returns is not sent; the state is freed then."""
        return self._on("session_end", handler)

    def on_user_barge_in(self, handler: H) -> H:
        """Call this where the flow still sends the deprecated ``user_barge_in``."""
        return self._on("user_barge_in", handler)

    async def answer(self, event: Event, socket: Send | None = None) -> list[Wire]:
        """Run an event's handler and return the actions for the server: for transports of one's
        own.

        ``socket`` is where ``call.send`` goes. Raises what the handler raises, and ``TypeError``
        for an answer that is no action.
        """
        call = self.calls.of(event.session)
        if socket is not None:
            call.socket = socket
        async with call.turn:
            if event.type == "session_start":
                call.came_back, call.has_begun = call.has_begun, True
            handler = self._handlers.get(event.type)
            try:
                answer = None if handler is None else await handler(event, call)
                actions = wire_actions(answer, call.id)
            finally:
                if event.type == "session_end":
                    self.calls.forget(call.id)
        return [] if event.type == "session_end" else actions

    def knows(self, token: bytes) -> bool:
        """Whether this is the token that whoever sends events must have."""
        return not self._token or hmac.compare_digest(token, self._token.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Sender) -> None:
        """Serve one ASGI request, connection or lifespan."""
        await serve_scope(self, scope, receive, send)

    def run(self, host: str = "127.0.0.1", port: int = 9000) -> None:
        """Serve until interrupted: ``http://HOST:PORT/`` is the webhook, ``ws://HOST:PORT/`` the
        socket.
        """
        import uvicorn

        uvicorn.run(self, host=host, port=port, ws="websockets-sansio", log_level="warning")

    def _on(self, kind: str, handler: H) -> H:
        if kind in self._handlers:
            raise ValueError(f"there is a handler of {kind} already")
        self._handlers[kind] = _as_handler(handler)
        return handler


def _as_handler(function: Callable[..., Any]) -> _Handler:
    """Return a coroutine function of event and call, whatever the handler takes and is.

    Raises ``TypeError`` for one that takes neither one nor two positional arguments.
    """
    signature = inspect.signature(function)
    try:
        signature.bind(None, None)
        count = 2
    except TypeError:
        signature.bind(None)
        count = 1
    is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004
    )

    async def run(event: Event, call: FlowCall[Any]) -> Answer:
        arguments = (event, call)[:count]
        if is_async:
            return cast(Answer, await function(*arguments))
        return cast(Answer, await asyncio.to_thread(function, *arguments))

    return run
