"""The app over HTTP and WebSocket: tokens, broken messages, actions of its own accord."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from cordboard.flowapp import CannotSend, FlowApp, FlowCall, Hangup, SessionStart
from cordboard.flowapp.serving import EVENT_MAX_BYTES, NotAnEvent, read_event
from tests.flowapp.wire import SESSION, connected, post, told

ID = SESSION["id"]


def _greeting(token: str = "") -> FlowApp[dict[str, Any]]:
    app = FlowApp(token=token)
    app.on_session_start(lambda event: "Hello.")
    return app


@pytest.mark.parametrize(
    ("token", "given_token", "status"),
    [("", "", 200), ("", "any", 200), ("süß", "süß", 200), ("a", "", 401), ("a", "A", 401)],
)
async def test_token(token: str, given_token: str, status: int) -> None:
    """Where the app has a token, a request needs that very one."""
    assert (await post(_greeting(token), told("session_start"), token=given_token))[0] == status


async def test_socket_token() -> None:
    """A connection without the token is refused before it is accepted: 401 where the server can
    say so, else closed.
    """
    known: tuple[dict[str, Any], ...] = ({"websocket.http.response": {}}, {})
    for extensions in known:
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "websocket.connect"}

        async def send(message: MutableMapping[str, Any], sent: list[Any] = sent) -> None:
            sent.append(message)

        scope = {"type": "websocket", "headers": [], "extensions": extensions}
        await _greeting("a")(scope, receive, send)
        if extensions:
            assert sent[0]["status"] == 401
        else:
            assert [message["type"] for message in sent] == ["websocket.close"]
    async with connected(_greeting("a"), "a") as wire:
        wire.tell("session_start")
        assert (await wire.next())["text"] == "Hello."


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff", 400),
        (b"[" * 5_000, 400),
        (b"7", 400),
        ({"session": SESSION}, 400),
        ({"type": "user_speak", "session": SESSION}, 400),
        ({"type": "session_start"}, 400),
        (told("something_new"), 204),
        (told("user_speak", text="nobody listens"), 204),
        (b" " * (EVENT_MAX_BYTES + 1), 413),
    ],
)
async def test_requests_that_are_none(body: object, status: int) -> None:
    """What is no event is refused; one that nobody handles, or that is not known yet, is 204."""
    assert (await post(_greeting(), body))[0] == status


async def test_other_methods() -> None:
    """GET tells that the app is there, without a token; anything else is refused."""
    assert await post(_greeting("a"), b"", method="GET") == (200, {"status": "ok"})
    assert (await post(_greeting(), b"", method="DELETE"))[0] == 405


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_nothing_else_escapes(document: bytes) -> None:
    """Whatever comes, reading an event gives one, nothing, or ``NotAnEvent``."""
    with suppress(NotAnEvent):
        read_event(document)


async def test_mistakes_cost_one_event(caplog: pytest.LogCaptureFixture) -> None:
    """On a WebSocket neither junk nor a failing handler ends the connection."""
    app = _greeting()

    @app.on_user_input_timeout
    def fails(event: object) -> None:
        raise RuntimeError("a mistake in the handler")

    async with connected(app) as wire:
        wire.raw("no JSON")
        wire.raw('{"type": "something_new", "session": {}}')
        wire.tell("user_input_timeout")
        wire.tell("session_start")
        assert (await wire.next())["text"] == "Hello."
    assert "a mistake in the handler" in caplog.text


async def test_unasked_actions() -> None:
    """``call.send`` acts at any time on the call's newest socket, and says where there is none."""
    app = FlowApp()
    begun: asyncio.Queue[FlowCall[dict[str, Any]]] = asyncio.Queue(9)

    @app.on_session_start
    def begin(event: SessionStart, call: FlowCall[dict[str, Any]]) -> None:
        begun.put_nowait(call)

    await post(app, told("session_start"))
    call = begun.get_nowait()
    with pytest.raises(CannotSend):
        await call.send("over HTTP there is no way")
    async with connected(app) as wire:
        wire.tell("session_start")
        assert await begun.get() is call
        await call.send(["News.", Hangup()])
        assert [action["type"] for action in await wire.next()] == ["speak", "hangup"]
        with pytest.raises(TypeError):
            await call.send({"text": "no type"})
    with pytest.raises(CannotSend):
        await call.send("the socket is closed")


async def test_an_answer_after_the_socket_is_gone() -> None:
    """A handler that is still at work when the connection closes ends in peace."""
    app = FlowApp()
    may_end = asyncio.Event()

    @app.on_session_start
    async def begin(event: SessionStart) -> str:
        await may_end.wait()
        return "too late"

    async with connected(app) as wire:
        wire.tell("session_start")
        wire.close()
        may_end.set()
    assert wire.from_app.empty()


async def test_mounted() -> None:
    """It is an ASGI application: a FastAPI one takes it in at a path that ends in a slash."""
    outer = FastAPI()
    outer.mount("/voice", _greeting())
    sent: list[MutableMapping[str, Any]] = []
    body = b'{"type": "session_start", "session": {"id": "s"}}'

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/voice/",
        "headers": [],
        "query_string": b"",
    }
    await outer(scope, receive, send)
    assert sent[0]["status"] == 200


async def test_lifespan() -> None:
    """It starts and stops as servers ask applications to."""
    sent: list[MutableMapping[str, Any]] = []
    asked = iter(({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}))

    async def receive() -> MutableMapping[str, Any]:
        return next(asked)

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await FlowApp()({"type": "lifespan"}, receive, send)
    assert [message["type"] for message in sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
