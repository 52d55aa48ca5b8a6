"""A server whose agent hands its caller over, and the caller."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.robustness.caller import Caller, street, until
from tests.e2e.robustness.house import PROGRAM
from tests.e2e.server import GREETING, NUMBER, Json, Server

TARGET = "11234567890"


@dataclass
class House:
    """A started server and a caller who has heard its greeting."""

    server: Server
    caller: Caller

    async def ask(self) -> None:
        """Be put through."""
        self.caller.say("transfer")

    def call(self) -> Json:
        """Return the call."""
        (found,) = self.server.api.get("/v1/calls/list").json()["items"]
        shown: Json = self.server.api.get("/x/v1/calls", params={"id": found["id"]}).json()
        return shown

    async def until_stage(self, *stages: str) -> None:
        """Wait until the call has come so far."""

        async def there() -> bool:
            return (await asyncio.to_thread(self.call))["stage"] in stages

        await until(there, 15, self.call)

    async def over(self) -> Json:
        """Wait until the call is over, and return it."""

        async def ended() -> bool:
            return (await asyncio.to_thread(self.call))["status"] in ("ended", "error")

        await until(ended, 15, self.call)
        return self.call()


@asynccontextmanager
async def handing_over(
    directory: Path,
    port: int,
    number: str = TARGET,
    trunk: Mapping[str, object] | None = None,
) -> AsyncIterator[House]:
    """Run a server, and a call on it, whose trunk sends calls to ``port``."""
    server = Server(directory, {"calls_max_count": "20"}, PROGRAM)
    await asyncio.to_thread(server.start)
    try:
        furnish(server, port, number, trunk or {})
        async with street(server.address, "transfer") as people:
            caller = people.caller(NUMBER)
            await caller.call.place()
            await caller.hear(GREETING)
            yield House(server, caller)
    finally:
        code = await asyncio.to_thread(server.stop)
    assert code == 0
    assert not server.mistakes()


def furnish(server: Server, port: int, number: str, trunk: Mapping[str, object]) -> None:
    """Give a server an agent that transfers to ``number``, and a trunk both ways."""
    actions = [
        {"type": "action_transfer_call", "config": {"phone_number": number}},
        {"type": "action_end_conversation", "config": {}},
    ]
    agent = server.create(
        "/v1/agents/create",
        {
            "prompt": {"content": "Obey."},
            "voice": {"type": "voice_vocode", "voice_id": "joe"},
            "initial_message": GREETING,
            "actions": actions,
        },
    )
    made = server.create(
        "/x/v1/sip_trunks/create",
        {
            "name": "both ways",
            "networks": ["127.0.0.0/8"],
            "target": f"sip:127.0.0.1:{port}",
            "allow_any": True,
            **trunk,
        },
    )
    server.create(
        "/v1/numbers/link",
        {
            "phone_number": NUMBER,
            "telephony_account_connection": made["id"],
            "inbound_agent": agent["id"],
        },
    )
