"""One port for both: REST by uvicorn, media sockets by aiohttp, ended by us alone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
import uvicorn
from aiohttp import web
from fastapi import FastAPI

from cordboard.telephony.media_port import MediaPort


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _echo(request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse(compress=False)
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(f"{request.path} {request.headers['X-Mine']} {message.data}")
    return socket


@contextlib.asynccontextmanager
async def _served() -> AsyncIterator[tuple[str, uvicorn.Server]]:
    rest = FastAPI()
    rest.get("/healthz")(lambda: {"ok": True})
    media = MediaPort()
    media.app.router.add_get("/media/{token}", _echo)
    async with media.open() as protocol:
        config = uvicorn.Config(
            rest, host="127.0.0.1", port=0, ws=protocol, log_config=None, lifespan="off"
        )
        server = _Server(config)
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(server.serve())
            while not server.started:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            port = server.servers[0].sockets[0].getsockname()[1]
            try:
                yield f"http://127.0.0.1:{port}", server
            finally:
                server.should_exit = True
                await serving


async def test_one_port_for_both() -> None:
    """Plain requests reach the REST API, upgrades the media application, headers and all."""
    async with _served() as (url, _), aiohttp.ClientSession() as http:
        async with http.get(f"{url}/healthz") as answer:
            assert await answer.json() == {"ok": True}
        async with http.ws_connect(f"{url}/media/abc", headers={"X-Mine": "1"}) as socket:
            await socket.send_str("hello")
            assert (await socket.receive_str(timeout=5)) == "/media/abc 1 hello"
        async with http.get(f"{url}/media/abc") as answer:
            assert answer.status == 404


async def test_an_upgrade_that_nobody_serves() -> None:
    """It is refused, and its connection is closed, so that none but the REST API gets the next
    request.
    """
    async with _served() as (url, _), aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.WSServerHandshakeError, match="404"):
            await http.ws_connect(f"{url}/nowhere")
        async with http.get(f"{url}/healthz") as answer:
            assert answer.status == 200


async def test_many_sockets_at_once() -> None:
    """Each connection has a protocol of its own."""
    async with _served() as (url, _), aiohttp.ClientSession() as http:

        async def talk(number: int) -> str:
            headers = {"X-Mine": str(number)}
            async with http.ws_connect(f"{url}/media/{number}", headers=headers) as socket:
                await socket.send_str("x")
                return await socket.receive_str(timeout=5)

        answers = await asyncio.gather(*(talk(number) for number in range(30)))
    assert answers == [f"/media/{number} {number} x" for number in range(30)]


async def test_closing_the_rest_api_does_not_cut_a_call() -> None:
    """The REST server's end leaves media sockets alone; the media port's own end closes them."""
    rest = FastAPI()
    media = MediaPort()
    media.app.router.add_get("/media", _echo)
    async with aiohttp.ClientSession() as http:
        async with media.open() as protocol:
            config = uvicorn.Config(
                rest, host="127.0.0.1", port=0, ws=protocol, log_config=None, lifespan="off"
            )
            server = _Server(config)
            async with asyncio.TaskGroup() as group:
                group.create_task(server.serve())
                while not server.started:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
                port = server.servers[0].sockets[0].getsockname()[1]
                socket = await http.ws_connect(
                    f"http://127.0.0.1:{port}/media", headers={"X-Mine": "1"}
                )
                server.should_exit = True
            await socket.send_str("still here")
            assert await socket.receive_str(timeout=5) == "/media 1 still here"
        message = await socket.receive(timeout=5)
        assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)


async def test_a_connection_that_was_refused_serves_nothing_more() -> None:
    """The refusal says so and closes: nothing can be sent behind it."""
    async with _served() as (url, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        head = b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        writer.write(head + b"\r\n" + b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 404")
    assert b"connection: close" in answer.lower()
    assert answer.count(b"HTTP/1.1") == 1
