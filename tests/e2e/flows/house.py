"""Numbers that lead to flows, and calls to them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.e2e.robustness.caller import Caller, street
from tests.e2e.server import Json, Server
from tests.flow_apps.app import TOKEN, App, Script, serving

TRANSPORTS = ("http", "websocket")

_NOBODY = "sip:127.0.0.1:40009"
_NUMBERS = itertools.count(2025550300)


def furnish(server: Server) -> None:
    """Make the trunk that all numbers are of."""
    server.create(
        "/x/v1/sip_trunks/create",
        {"name": "all", "networks": ["127.0.0.0/8"], "target": _NOBODY, "allow_any": True},
    )


def lead_out(server: Server, port: int | None) -> None:
    """Have calls out go to a port of this machine from now on."""
    target = _NOBODY if port is None else f"sip:127.0.0.1:{port}"
    path = f"/x/v1/sip_trunks/update?id={_trunk(server)}"
    answer = server.api.post(path, json={"target": target})
    assert answer.status_code == 200, answer.text


def flow_number(server: Server, url: str, **fields: Any) -> str:
    """Have a new number lead to a new flow."""
    number = f"+1{next(_NUMBERS)}"
    flow = server.create(
        "/x/v1/flows/create", {"name": f"flow of {number}", "url": url, "token": TOKEN, **fields}
    )
    link = {"phone_number": number, "telephony_account_connection": _trunk(server)}
    server.create("/v1/numbers/link", {**link, "inbound_flow": flow["id"]})
    return number


def _trunk(server: Server) -> str:
    (trunk,) = server.api.get("/x/v1/sip_trunks/list").json()["items"]
    trunk_id: str = trunk["id"]
    return trunk_id


@asynccontextmanager
async def calling(
    server: Server, script: Script, transport: str, handle: str, **fields: Any
) -> AsyncIterator[tuple[Caller, App]]:
    """Run an app, and call the flow that leads to it; the caller hangs up at the end."""
    async with serving(script, transport) as app:
        number = await asyncio.to_thread(flow_number, server, app.url, **fields)
        async with street(server.address, handle) as people:
            (caller,) = await people.ring(number)
            try:
                yield caller, app
            finally:
                await caller.call.hang_up()
            if app.events:
                # The app's server must be there for the end of the call.
                await app.wait_for("session_end")


async def facts(server: Server, call_id: str, kind: str | None = None) -> list[Json]:
    """Return what the timeline of a call holds."""
    events = await asyncio.to_thread(server.events, call_id)
    return [fact for fact in events if kind in (None, fact["kind"])]
