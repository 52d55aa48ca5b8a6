"""What a transfer's target is shown, and how long it rings, on its own wire."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

from tests.e2e.flows.house import calling, facts, lead_out
from tests.e2e.outbound.callee import callee, is_cancelled, rings
from tests.e2e.server import Json, Server
from tests.flow_apps.app import Answer

TIMEOUT_S = 5
CALLER_ID = "+4930555010"


class HandingOver:
    """Hands the caller over, shown as somebody else; greets whom the transfer brings back."""

    def __init__(self) -> None:
        self.asked_at: float | None = None
        self.back_at = 0.0

    def __call__(self, event: Json) -> Answer:
        """Return what is to be done."""
        if event["type"] != "session_start":
            return None
        if self.asked_at is not None:
            self.back_at = time.monotonic()
            return {"type": "speak", "text": "nobody there"}
        self.asked_at = time.monotonic()
        return {
            "type": "transfer",
            "target_phone_number": "12025550177",
            "caller_id_name": 'Front "desk"',
            "caller_id_number": CALLER_ID,
            "timeout": TIMEOUT_S,
        }


async def test_as_whom_and_how_long(server: Server, tmp_path: Path) -> None:
    """The INVITE (at a foreign phone, sipp) has the name, and our number where the trunk shows no
    other, which is on record; after the time it is cancelled, and the caller is back.
    """
    app_side = HandingOver()
    async with callee(tmp_path, rings(), is_cancelled()) as far:
        await asyncio.to_thread(lead_out, server, far.port)
        async with calling(server, app_side, "http", "wishes.") as (caller, app):
            await caller.hear("nobody there", 20)
            run = await far.done()
        await asyncio.to_thread(lead_out, server, None)
    assert (run.exit_code, run.succeeded) == (0, 1), run.explain()
    assert app_side.asked_at is not None
    assert TIMEOUT_S <= app_side.back_at - app_side.asked_at < TIMEOUT_S + 4
    session = app.events[0][1]["session"]
    (sender,) = set(re.findall(r"^From: (.*?);tag", far.messages(), re.MULTILINE))
    assert sender.startswith(r'"Front \"desk\"" <sip:')
    assert session["to_phone_number"].startswith("+1")
    assert f"<sip:{session['to_phone_number']}@" in sender
    warnings = await facts(server, session["id"], "warning")
    assert any("caller_id_number" in each["content"]["warning"] for each in warnings)
