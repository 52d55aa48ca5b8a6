"""Whole calls to agents that ask somebody else who is calling."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from benchmarks.caller import Noted
from tests.e2e.robustness.caller import street
from tests.e2e.server import Json, Server

KNOWN, HANGING = "+12025550161", "+12025550162"
GREETING = "Hello ${name} from ${from_number}"


@asynccontextmanager
async def endpoint() -> AsyncIterator[str]:
    """Run an endpoint that knows callers at ``/known`` and hangs at ``/hanging``."""

    async def known(request: web.Request) -> web.Response:
        return web.json_response({"name": "Ada", "from_number": request.query["phone_number"]})

    over = asyncio.Event()

    async def hanging(_: web.Request) -> web.Response:
        await over.wait()
        return web.Response()

    app = web.Application()
    app.router.add_get("/known", known)
    app.router.add_get("/hanging", hanging)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        over.set()
        await runner.cleanup()


async def _call(server: Server, number: str, handle: str, greeting: str) -> tuple[Noted, Json]:
    """Let somebody call and hear the greeting; return what was noted, and the call."""
    async with street(server.address, handle) as people:
        (caller,) = await people.ring(number)
        await caller.hear(greeting)
        await caller.call.hang_up()
        (row,) = await server.ended_calls(handle)
    answer = await asyncio.to_thread(lambda: server.api.get(f"/v1/calls?id={row['id']}"))
    return caller.noted, answer.json()


def _facts(server: Server, call: Json, kind: str) -> list[Json]:
    return [fact["content"] for fact in server.events(call["id"]) if fact["kind"] == kind]


def _furnish(server: Server, number: str, template: str, endpoint_url: str) -> None:
    """Have an agent with a context endpoint answer a number of the shared trunk."""
    (trunk,) = [
        trunk
        for trunk in server.api.get("/x/v1/sip_trunks/list?size=100").json()["items"]
        if trunk["networks"] == ["127.0.0.1/32"]
    ]
    prompt = {"prompt_template": template, "context_endpoint": endpoint_url}
    agent = server.create("/v1/agents/create", {"prompt": prompt, "initial_message": GREETING})
    link = {"phone_number": number, "telephony_account_connection": trunk["id"]}
    server.create("/v1/numbers/link", {**link, "inbound_agent": agent["id"]})


async def test_the_caller_is_known_or_rings_on(started: Server) -> None:
    """Values are in greeting and record; an endpoint that hangs costs 3 s of ringing, no call."""
    fields = {"content": "Help ${name}.", "required_context_keys": ["name"]}
    template = started.create("/x/v1/prompt_templates/create", fields)["id"]
    async with endpoint() as base:
        for number, path in ((KNOWN, "/known"), (HANGING, "/hanging")):
            await asyncio.to_thread(_furnish, started, number, template, base + path)
        (_, known), (noted, unknown) = await asyncio.gather(
            _call(started, KNOWN, "context-known.", "Hello Ada from"),
            _call(started, HANGING, "context-hanging.", "Hello "),
        )
    (fact,) = _facts(started, known, "context_asked")
    assert known["context"] == {"name": "Ada", "from_number": known["from_number"]}
    assert (fact["failure"], fact["names"]) == ("", ["from_number", "name"])
    assert _facts(started, known, "warning") == []
    (fact,) = _facts(started, unknown, "context_asked")
    assert (unknown["context"], fact["failure"]) == ({}, "timed_out")
    (warning,) = _facts(started, unknown, "warning")
    assert warning["warning"] == "the prompt's template requires `name`, which has no value"
    assert noted.ringing is not None
    assert noted.final is not None
    assert noted.ringing - noted.invited < 1.5
    assert 2.5 < noted.final - noted.invited < 6
