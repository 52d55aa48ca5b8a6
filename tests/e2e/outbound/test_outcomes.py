"""Every way in which a call that we place comes out, against a foreign callee (sipp)."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

import pytest

from tests.e2e.outbound.callee import (
    answers,
    asked_again,
    callee,
    hangs_up,
    invited_again,
    is_cancelled,
    is_hung_up_on,
    plays,
    refuses,
    rings,
    speaks,
    verified,
    waits,
)
from tests.e2e.outbound.house import CALLED, line
from tests.e2e.server import GREETING, Json, Server

CHALLENGE = 'WWW-Authenticate: Digest realm="trunk", nonce="4711", qop="auth"'
OPEN = {"allow_any": False, "dial_prefixes": ["1202"]}
PROOF = {"register_user": "user", "register_password": "secret-word"}


def _outcome(call: Json) -> tuple[str, str, str, str]:
    return call["status"], call["stage"], call["stage_outcome"], call["end_reason"]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("486 Busy Here", ("ended", "created", "call_did_not_connect", "busy")),
        ("600 Busy Everywhere", ("ended", "created", "call_did_not_connect", "busy")),
        ("603 Decline", ("ended", "created", "call_did_not_connect", "rejected")),
        ("403 Forbidden", ("ended", "created", "call_did_not_connect", "rejected")),
        ("404 Not Found", ("ended", "created", "call_did_not_connect", "unreachable")),
        ("480 Temporarily Unavailable", ("ended", "created", "human_unanswered", "no_answer")),
        ("503 Service Unavailable", ("error", "created", "call_did_not_connect", "carrier_failed")),
    ],
)
async def test_refused(
    calling: Server, tmp_path: Path, status: str, expected: tuple[str, str, str, str]
) -> None:
    """A refusal ends the call before it was picked up, with the outcome its status stands for."""
    async with callee(tmp_path, rings(), refuses(status)) as far:
        placing = line(calling, far.port)
        created = await placing.call()
        assert (created["status"], created["stage"]) == ("not_started", "created")
        call = await placing.over(created["id"])
        run = await far.done()
    assert run.exit_code == 0, run.explain()
    assert _outcome(call) == expected
    assert call["start_time"] is None
    assert call["end_time"] is not None


async def test_callee_hangs_up(calling: Server, tmp_path: Path) -> None:
    """Who answers is greeted and understood; their BYE ends the call as the human's doing."""
    steps = (rings(), waits(300), answers(), waits(2_500), speaks(), waits(2_500), hangs_up())
    async with callee(tmp_path, *steps, words="seven green bottles") as far:
        placing = line(calling, far.port)
        created = await placing.call()
        call = await placing.over(created["id"], 15)
        run = await far.done()
    assert run.exit_code == 0, run.explain()
    assert _outcome(call) == ("ended", "picked_up", "human_disconnected", "caller_hung_up")
    assert f"BOT: {GREETING}" in call["transcript"]
    assert "HUMAN: seven green bottles" in call["transcript"]
    assert call["recording_available"]


async def test_we_hang_up(calling: Server, tmp_path: Path) -> None:
    """``calls/end`` of a call that is up sends BYE; the row says that the bot ended it."""
    async with callee(tmp_path, rings(), answers(), is_hung_up_on()) as far:
        placing = line(calling, far.port)
        created = await placing.call()
        await placing.until(created["id"], ("in_progress",))
        asked = time.time()
        await placing.end(created["id"])
        call = await placing.over(created["id"])
        run = await far.done()
    assert run.time_of("BYE ") - asked <= 0.3
    assert run.exit_code == 0, run.explain()
    assert _outcome(call) == ("ended", "picked_up", "bot_disconnected", "api_ended")


async def test_we_give_up_while_it_rings(calling: Server, tmp_path: Path) -> None:
    """``calls/end`` of a ringing call sends CANCEL; nobody was connected."""
    async with callee(tmp_path, rings(), is_cancelled()) as far:
        placing = line(calling, far.port)
        created = await placing.call()
        await _ringing(calling, created["id"])
        asked = time.time()
        await placing.end(created["id"])
        call = await placing.over(created["id"])
        run = await far.done()
    assert run.time_of("CANCEL ") - asked <= 0.3
    assert run.exit_code == 0, run.explain()
    assert _outcome(call) == ("ended", "created", "call_did_not_connect", "api_ended")


async def test_nobody_answers(calling: Server, tmp_path: Path) -> None:
    """``Timeout`` of the carrier's parameters ends the ringing: CANCEL, no human answered."""
    async with callee(tmp_path, rings(), is_cancelled()) as far:
        placing = line(calling, far.port)
        created = await placing.call(telephony_params={"Timeout": "1"})
        call = await placing.over(created["id"])
        run = await far.done()
    assert run.exit_code == 0, run.explain()
    assert _outcome(call) == ("ended", "created", "human_unanswered", "no_answer")


async def test_early_sound(calling: Server, tmp_path: Path) -> None:
    """Sound before the answer is no answer: the call starts when it is picked up."""
    steps = (plays(), waits(1_000), answers(), waits(1_500), hangs_up())
    async with callee(tmp_path, *steps, words="please hold the line") as far:
        placing = line(calling, far.port)
        created = await placing.call()
        events = await _ringing(calling, created["id"])
        assert placing.show(created["id"])["status"] == "not_started"
        call = await placing.over(created["id"])
        run = await far.done()
    assert run.exit_code == 0, run.explain()
    assert events[-1]["content"] == {"early_sound": True}
    assert _outcome(call) == ("ended", "picked_up", "human_disconnected", "caller_hung_up")
    assert "hold the line" not in call["transcript"]


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
async def test_challenged(calling: Server, tmp_path: Path, algorithm: str) -> None:
    """A trunk that asks who we are is told, by either algorithm."""
    again = verified() if algorithm == "MD5" else asked_again()
    challenge = refuses("401 Unauthorized", f"{CHALLENGE}, algorithm={algorithm}")
    steps = (challenge, again, rings(), answers(), waits(500), hangs_up())
    async with callee(tmp_path, *steps) as far:
        placing = line(calling, far.port, **PROOF)
        created = await placing.call()
        call = await placing.over(created["id"])
        run = await far.done()
    assert run.exit_code == 0, run.explain()
    assert call["stage_outcome"] == "human_disconnected"


async def test_challenged_without_a_password(calling: Server, tmp_path: Path) -> None:
    """A trunk that asks who we are, when nobody told us, refuses the request: an error."""
    steps = (refuses("401 Unauthorized", f"{CHALLENGE}, algorithm=MD5"),)
    async with callee(tmp_path, *steps) as far:
        placing = line(calling, far.port)
        created = await placing.call()
        call = await placing.over(created["id"])
        await far.done()
    assert _outcome(call)[0::3] == ("error", "carrier_failed")
    assert "401" in call["error_message"]


async def test_redirected(calling: Server, tmp_path: Path) -> None:
    """A redirection to a number that may be dialled is followed, as the same call."""
    moved = refuses("302 Moved Temporarily", "Contact: <sip:+12025550177@127.0.0.1:[local_port]>")
    steps = (moved, invited_again(), rings(), answers(), waits(500), hangs_up())
    async with callee(tmp_path, *steps) as far:
        placing = line(calling, far.port, **OPEN)
        created = await placing.call()
        call = await placing.over(created["id"])
        run = await far.done()
    assert run.exit_code == 0, run.explain()
    assert "INVITE sip:+12025550177@" in run.messages
    assert _outcome(call) == ("ended", "picked_up", "human_disconnected", "caller_hung_up")


@pytest.mark.parametrize(
    ("contact", "reason", "why"),
    [
        ("sip:+19005550123@127.0.0.1:[local_port]", "dial_refused", "begin so"),
        ("sip:911@127.0.0.1:[local_port]", "dial_refused", "emergency"),
        ("sip:+12025550177@192.0.2.77", "dial_refused", "networks"),
        ("sip:+12025550177;ext=1@127.0.0.1:[local_port]", "dial_refused", "number"),
        ("mailto:ann@example.com", "dial_refused", "no SIP address"),
        (f"sip:+{CALLED}@127.0.0.1:[local_port]", "unreachable", "circle"),
    ],
)
async def test_redirected_where_nobody_may_go(
    calling: Server, tmp_path: Path, contact: str, reason: str, why: str
) -> None:
    """A redirection is no way around the dial policy: nobody is dialled, and the call says why."""
    moved = refuses("302 Moved Temporarily", f"Contact: <{contact}>")
    async with callee(tmp_path, moved) as far:
        placing = line(calling, far.port, **OPEN)
        created = await placing.call()
        call = await placing.over(created["id"])
        run = await far.done()
    assert run.messages.count("INVITE sip:") == 1
    assert call["end_reason"] == reason, call
    if reason == "dial_refused":
        assert why in call["error_message"]


async def test_redirected_in_turn(calling: Server, tmp_path: Path) -> None:
    """Of several contacts the most wanted comes first; the next one if it is busy."""
    here = "127.0.0.1:[local_port]"
    contacts = f"<sip:+12025550171@{here}>;q=0.1, <sip:+12025550172@{here}>;q=0.9"
    moved = refuses("300 Multiple Choices", f"Contact: {contacts}")
    steps = (moved, invited_again(), refuses("486 Busy Here"), invited_again(), answers())
    async with callee(tmp_path, *steps, waits(300), hangs_up()) as far:
        placing = line(calling, far.port, **OPEN)
        created = await placing.call()
        call = await placing.over(created["id"])
        run = await far.done()
    assert run.exit_code == 0, run.explain()
    dialled = re.findall(r"INVITE sip:\+([0-9]+)@", run.messages)
    assert dialled == [CALLED, "12025550172", "12025550171"]
    assert call["stage_outcome"] == "human_disconnected"


async def test_redirected_for_ever(calling: Server, tmp_path: Path) -> None:
    """A chain of redirections ends after six INVITEs."""
    chain = [
        step
        for number in range(6)
        for step in (
            invited_again(),
            refuses("302 Moved", f"Contact: <sip:+1202555018{number}@127.0.0.1:[local_port]>"),
        )
    ]
    async with callee(tmp_path, *chain[1:]) as far:
        placing = line(calling, far.port, **OPEN)
        created = await placing.call()
        call = await placing.over(created["id"], 20)
        run = await far.done()
    assert run.exit_code == 0, run.explain()
    assert call["end_reason"] == "unreachable"


async def test_digits_after_the_answer(calling: Server, tmp_path: Path) -> None:
    """``SendDigits`` reaches an extension before anything is said."""
    async with callee(tmp_path, rings(), answers(), waits(2_500), hangs_up()) as far:
        placing = line(calling, far.port)
        created = await placing.call(telephony_params={"SendDigits": "w12#"})
        call = await placing.over(created["id"])
        run = await far.done()
    assert run.exit_code == 0, run.explain()
    assert call["telephony_params"] == {"SendDigits": "w12#"}
    sent = [event for event in calling.events(call["id"]) if event["kind"] == "leg_answered"]
    assert len(sent) == 1


async def _ringing(server: Server, call_id: str) -> list[Json]:
    """Wait until a call rings; returns its timeline up to there."""
    async with asyncio.timeout(10):
        while True:
            events = await asyncio.to_thread(server.events, call_id)
            if any(event["kind"] == "leg_ringing" for event in events):
                return [event for event in events if event["kind"] == "leg_ringing"]
            await asyncio.sleep(0.05)
