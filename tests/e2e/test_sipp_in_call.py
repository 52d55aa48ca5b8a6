"""What a foreign caller (sipp) may ask for while a call runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.server import Server
from tests.e2e.sipp_program import Plan, run_sipp


def _kinds(server: Server, call_id: str) -> list[str]:
    return [fact["kind"] for fact in server.events(call_id)]


@pytest.mark.parametrize(
    "scenario",
    [
        "session_refresh",
        "session_too_short",
        "options_in_call",
        "unknown_method",
        "wrong_tags",
        "cseq_out_of_order",
        "refer_in_call",
    ],
)
async def test_request_is_answered_and_the_call_goes_on(
    server: Server, tmp_path: Path, scenario: str
) -> None:
    """A request inside a call gets the status that is due, and only the caller's BYE ends it."""
    run = await run_sipp(scenario, server.address, tmp_path)
    assert run.exit_code == 0, run.explain()
    (call,) = await server.ended_calls(run.handle)
    assert (call["status"], call["stage_outcome"]) == ("ended", "human_disconnected")
    assert call["end_reason"] == "caller_hung_up"


async def test_hold_and_resume(server: Server, tmp_path: Path) -> None:
    """A held call hears nothing, and after the resume the caller is understood."""
    plan = Plan(words="back again", hold_ms=1_900)
    run = await run_sipp("hold_and_resume", server.address, tmp_path, plan)
    assert run.exit_code == 0, run.explain()
    (call,) = await server.ended_calls(run.handle)
    kinds = [kind for kind in _kinds(server, call["id"]) if kind in ("leg_held", "leg_resumed")]
    assert kinds == ["leg_held", "leg_resumed"]
    assert "HUMAN: back again" in call["transcript"]


async def test_codec_change(server: Server, tmp_path: Path) -> None:
    """After a re-INVITE from mu-law to A-law the caller is understood as before."""
    plan = Plan(words="now hear this", hold_ms=2_200)
    run = await run_sipp("codec_change", server.address, tmp_path, plan)
    assert run.exit_code == 0, run.explain()
    (call,) = await server.ended_calls(run.handle)
    assert call["transcript"].count("HUMAN: now hear this") == 2
    assert call["recording_available"]


async def test_offerless_invite(server: Server, tmp_path: Path) -> None:
    """Our 200 makes the offer, the ACK answers it, and the caller is understood in its codec."""
    plan = Plan(words="late offer", hold_ms=1_900)
    run = await run_sipp("offerless_invite", server.address, tmp_path, plan)
    assert run.exit_code == 0, run.explain()
    (call,) = await server.ended_calls(run.handle)
    assert "HUMAN: late offer" in call["transcript"]


@pytest.mark.parametrize(
    ("scenario", "digits"), [("info_digits", ["4", "#"]), ("event_digits", ["1", "4", "7", "#"])]
)
async def test_digits(server: Server, tmp_path: Path, scenario: str, digits: list[str]) -> None:
    """Each key is one digit, whether it comes by INFO or as telephone events."""
    run = await run_sipp(scenario, server.address, tmp_path)
    assert run.exit_code == 0, run.explain()
    (call,) = await server.ended_calls(run.handle)
    pressed = [fact for fact in server.events(call["id"]) if fact["kind"] == "digit"]
    assert [fact["content"]["digit"] for fact in pressed] == digits
