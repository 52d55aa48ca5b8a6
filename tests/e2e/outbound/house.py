"""A server that calls out, and what it takes to ask it for a call."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass

import httpx

from tests.e2e.server import GREETING, Json, Server

CALLED = "12025550155"
_numbers = itertools.count(20)


@dataclass(frozen=True, slots=True)
class Line:
    """A number of the server's, the trunk behind it, and who speaks on it."""

    server: Server
    number: str
    trunk_id: str
    agent_id: str

    def ask(
        self, to_number: str = CALLED, key: str | None = None, **more: object
    ) -> httpx.Response:
        """Ask for a call; returns the bare answer."""
        body = {"from_number": self.number, "to_number": to_number, "agent": self.agent_id, **more}
        headers = {} if key is None else {"Idempotency-Key": key}
        return self.server.api.post("/v1/calls/create", json=body, headers=headers)

    async def call(self, to_number: str = CALLED, **more: object) -> Json:
        """Ask for a call that is accepted; returns it."""
        answer = await asyncio.to_thread(self.ask, to_number, None, **more)
        assert answer.status_code == 200, answer.text
        created: Json = answer.json()
        return created

    def show(self, call_id: str) -> Json:
        """Return a call with everything there is on it."""
        shown: Json = self.server.api.get("/x/v1/calls", params={"id": call_id}).json()
        return shown

    async def over(self, call_id: str, wait_s: float = 10) -> Json:
        """Wait until a call is over; returns it."""
        return await self.until(call_id, ("ended", "error"), wait_s)

    async def until(self, call_id: str, statuses: tuple[str, ...], wait_s: float = 10) -> Json:
        """Wait until a call has one of these statuses; returns it."""
        async with asyncio.timeout(wait_s):
            while True:
                call = await asyncio.to_thread(self.show, call_id)
                if call["status"] in statuses:
                    return call
                await asyncio.sleep(0.05)

    async def end(self, call_id: str) -> Json:
        """Have the API end a call."""
        answer = await asyncio.to_thread(
            self.server.api.post, "/v1/calls/end", params={"id": call_id}
        )
        assert answer.status_code == 200, answer.text
        ended: Json = answer.json()
        return ended


def line(server: Server, port: int, **trunk: object) -> Line:
    """Give a server a number that calls whoever listens on ``port``."""
    number = f"120255501{next(_numbers)}"
    made = server.create(
        "/x/v1/sip_trunks/create",
        {
            "name": f"to {number} at {port}",
            "target": f"sip:127.0.0.1:{port}",
            "allow_any": True,
            **trunk,
        },
    )
    agent = server.create(
        "/v1/agents/create",
        {
            "prompt": {"content": "Be brief."},
            "voice": {"type": "voice_vocode", "voice_id": "joe"},
            "initial_message": GREETING,
        },
    )
    server.create(
        "/v1/numbers/link",
        {
            "phone_number": number,
            "telephony_account_connection": made["id"],
            "outbound_only": True,
        },
    )
    return Line(server, number, made["id"], agent["id"])
