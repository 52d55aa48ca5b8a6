"""Calls that a foreign caller (sipp) begins and ends in every way there is."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.server import GREETING, Server
from tests.e2e.sipp_program import Plan, run_sipp


async def test_caller_hangs_up(server: Server, directory: Path) -> None:
    """A caller is greeted, understood and let go; the record says that the human hung up."""
    plan = Plan(words="seven green bottles", hold_ms=2_500)
    run = await run_sipp("caller_hangs_up", server.address, directory, plan)
    assert run.exit_code == 0, run.explain()
    (call,) = await server.ended_calls(run.handle)
    assert (call["status"], call["stage_outcome"]) == ("ended", "human_disconnected")
    assert f"BOT: {GREETING}" in call["transcript"]
    assert "HUMAN: seven green bottles" in call["transcript"]
