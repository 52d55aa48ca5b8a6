"""Asking context endpoints: what is sent, what is taken, and that it always comes to an end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_network

import pytest
from aiohttp import web

from cordboard.call.context_answer import ContextAnswer
from cordboard.clock import SystemClock
from cordboard.egress import Egress, EgressPolicy
from cordboard.storage.inbound_plans import ContextQuestion
from cordboard.wiring.context_endpoints import AT_ONCE_MAX, ContextEndpoints, with_number

WAIT_MS = 400
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def endpoint(handle: Handler) -> AsyncIterator[str]:
    """Run an endpoint on loopback and give its URL."""
    app = web.Application()
    app.router.add_get("/who", handle)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/who"
    finally:
        await runner.cleanup()


async def asked(url: str, count: int = 1, *, opened: bool = True) -> list[ContextAnswer]:
    """Ask at once as often as told."""
    networks = (ip_network("127.0.0.0/8"),) if opened else ()
    gate = Egress(EgressPolicy(open_networks=networks))
    endpoints = ContextEndpoints(gate, SystemClock().now_ms, WAIT_MS)
    question = ContextQuestion("o", url, "12025550155")
    try:
        return list(await asyncio.gather(*(endpoints.ask(question) for _ in range(count))))
    finally:
        await gate.close()


async def test_asks_with_the_number() -> None:
    """The caller's digits go into the query beside what is there; the values come back."""
    seen: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        seen.append(request.path_qs)
        return web.json_response({"name": "Ada", "open": 3})

    async with endpoint(handle) as url:
        (answer,) = await asked(url + "?tenant=7")
    assert seen == ["/who?tenant=7&phone_number=12025550155"]
    assert answer.values == {"name": "Ada", "open": "3"}
    assert answer.failure == ""


@pytest.mark.parametrize(
    ("response", "failure"),
    [
        (lambda: web.Response(status=500, text="{}"), "status 500"),
        (lambda: web.Response(status=302, headers={"Location": "/who"}), "status 302"),
        (lambda: web.Response(text="<html>"), "the answer is not JSON"),
        (lambda: web.json_response([1]), "the answer is not a JSON object"),
        (lambda: web.Response(body=b" " * 100_000), "too_large"),
    ],
)
async def test_bad_answers(response: Callable[[], web.Response], failure: str) -> None:
    """An answer that is no use is a failure with its reason, and no values."""

    async def handle(_: web.Request) -> web.Response:
        return response()

    async with endpoint(handle) as url:
        (answer,) = await asked(url)
    assert (answer.values, answer.failure) == ({}, failure)


async def test_hangs() -> None:
    """Endpoints that never answer cost the deadline, and only so many of one tenant are waited
    for.
    """
    over = asyncio.Event()

    async def handle(_: web.Request) -> web.Response:
        await over.wait()
        return web.Response()

    async with endpoint(handle) as url:
        begun = time.monotonic()
        answers = await asked(url, AT_ONCE_MAX + 5)
        over.set()
    assert time.monotonic() - begun < 10
    failures = [answer.failure for answer in answers]
    assert (
        failures == ["timed_out"] * AT_ONCE_MAX + [f"{AT_ONCE_MAX} questions were open already"] * 5
    )
    assert all(answer.duration_ms >= WAIT_MS * 0.9 for answer in answers[:AT_ONCE_MAX])


async def test_forbidden_and_gone() -> None:
    """The egress gate judges the target; one that is not there is a failure like any other."""
    (forbidden,) = await asked("http://127.0.0.1:1/", opened=False)

    async def handle(_: web.Request) -> web.Response:
        return web.Response()

    async with endpoint(handle) as url:
        pass
    (gone,) = await asked(url)
    assert (forbidden.failure, gone.failure) == ("ssrf_blocked", "unreachable")


def test_number_is_quoted() -> None:
    """A caller cannot add parameters."""
    assert with_number("https://e.x/a#f", "1&admin=1") == "https://e.x/a?phone_number=1%26admin%3D1"
