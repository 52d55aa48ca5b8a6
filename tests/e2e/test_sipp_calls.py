"""Calls that a foreign caller (sipp) begins and ends in every way there is."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import Future
from pathlib import Path

from tests.e2e.server import GREETING, Json, Server
from tests.e2e.sipp_program import Plan, Run, run_sipp


async def test_caller_hangs_up(server: Server, tmp_path: Path) -> None:
    """A caller is greeted, understood and let go; the record says that the human hung up."""
    plan = Plan(words="seven green bottles", hold_ms=2_400)
    run = await run_sipp("caller_hangs_up", server.address, tmp_path, plan)
    assert run.exit_code == 0, run.explain()
    (call,) = await server.ended_calls(run.handle)
    assert (call["status"], call["stage_outcome"]) == ("ended", "human_disconnected")
    assert f"BOT: {GREETING}" in call["transcript"]
    assert "HUMAN: seven green bottles" in call["transcript"]
    assert call["recording_available"]


async def test_agent_hangs_up(server: Server, tmp_path: Path) -> None:
    """A call that the API ends gets a BYE within 300 ms, and the record says who ended it."""
    async with asyncio.TaskGroup() as group:
        running = group.create_task(run_sipp("agent_hangs_up", server.address, tmp_path))
        call = await _in_progress(server, "agent-hangs-up.")
        asked = time.time()
        server.api.post("/v1/calls/end", params={"id": call["id"]})
        run = await running
    assert run.exit_code == 0, run.explain()
    assert run.time_of("BYE ") - asked <= 0.3
    (call,) = await server.ended_calls(run.handle)
    assert (call["status"], call["stage_outcome"]) == ("ended", "bot_disconnected")
    assert call["end_reason"] == "api_ended"


async def _in_progress(server: Server, handle: str) -> Json:
    """Wait for a call of that handle to be up."""
    async with asyncio.timeout(10):
        while True:
            calls = await asyncio.to_thread(server.calls, handle)
            for call in calls:
                if call["status"] == "in_progress":
                    return call
            await asyncio.sleep(0.1)


async def test_cancel_while_ringing(server: Server, tmp_path: Path) -> None:
    """CANCEL gets 200 and the INVITE 487; no call is left running, and none was connected."""
    plan = Plan(calls=5)
    run = await run_sipp("cancel_while_ringing", server.address, tmp_path, plan)
    assert run.exit_code == 0, run.explain()
    for call in await server.ended_calls(run.handle, 0):
        assert call["stage_outcome"] == "call_did_not_connect", call


async def test_cancel_crossing_answer(server: Server, tmp_path: Path) -> None:
    """CANCEL after the 200 is answered with 200 and ends nothing: the call runs until BYE."""
    run = await run_sipp("cancel_crossing_answer", server.address, tmp_path)
    assert run.exit_code == 0, run.explain()
    (call,) = await server.ended_calls(run.handle)
    assert call["stage_outcome"] == "human_disconnected"


async def test_invite_repeated(server: Server, tmp_path: Path) -> None:
    """One INVITE that arrives ten times is one call and one row."""
    run = await run_sipp("invite_repeated", server.address, tmp_path)
    assert run.exit_code == 0, run.explain()
    assert len(await server.ended_calls(run.handle)) == 1


async def test_merged_invite(server: Server, tmp_path: Path) -> None:
    """The same INVITE by a second path is refused with 482, and is still one call."""
    run = await run_sipp("merged_invite", server.address, tmp_path)
    assert run.exit_code == 0, run.explain()
    assert len(await server.ended_calls(run.handle)) == 1


async def test_no_ack(server: Server, unacknowledged: Future[Run]) -> None:
    """Without an ACK the answer is repeated for 32 s; then BYE comes and the call is over."""
    run = await asyncio.wrap_future(unacknowledged)
    assert run.exit_code == 0, run.explain()
    waited_s = run.time_of("BYE ") - run.time_of("SIP/2.0 200")
    assert 31 <= waited_s <= 34
    (call,) = await server.ended_calls(run.handle)
    assert call["status"] == "error"
