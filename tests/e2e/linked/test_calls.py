"""Calls in and out through a linked account, heard at the far end and found on record."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import httpx
import pytest

from tests.e2e.linked.house import (
    PUBLIC_URL,
    VOICE,
    Linked,
    furnished,
    linked,
    options,
    tones,
    words,
)
from tests.e2e.robustness.caller import until
from tests.e2e.robustness.house import PROGRAM
from tests.e2e.server import GREETING, NUMBER, Json, Server
from tests.fakes.twilio_media import FakeStream
from tests.fakes.twilio_rest import AUTH_TOKEN, FakeRest
from tests.fakes.twilio_rest import FakeCall as RestCall

THEIRS = "12025550155"


async def _heard(phone: FakeStream, text: str, wait_s: float = 15.0) -> None:
    heard = phone.ear.heard
    await until(lambda: text in words(bytes(heard)), wait_s, lambda: words(bytes(heard)))


async def test_a_call_comes_in(tmp_path: Path) -> None:
    """It is greeted, talks, survives a socket that drops, and hangs up: all of it on record."""
    async with linked(tmp_path) as house:
        call = house.call()
        calling = asyncio.gather(call.offer(VOICE))
        await _heard(call.phone, GREETING)
        call.phone.drop()
        await until(lambda: call.phone.seen.streams == 2, 10)
        call.phone.say(tones("leave"))
        await asyncio.wait_for(calling, 30)
        found = house.server.api.get("/v1/calls/list").json()["items"]
        over = await house.over(found[0]["id"])
        recording = house.server.api.get("/v1/calls/recording", params={"id": over["id"]})
    assert call.verbs[:3] == ["Connect", "Redirect", "Connect"]
    assert (over["status"], over["telephony_provider"]) == ("ended", "twilio")
    assert (over["telephony_id"], over["from_number"]) == ("CA" + "1" * 32, "12025550100")
    assert f"BOT: {GREETING}" in over["transcript"]
    assert "HUMAN: leave" in over["transcript"]
    assert (recording.status_code, len(recording.content) > 5_000) == (200, True)


async def test_the_caller_hangs_up(tmp_path: Path) -> None:
    """Their hang-up ends the call as theirs."""
    async with linked(tmp_path) as house:
        call = house.call()
        calling = asyncio.gather(call.offer(VOICE))
        await _heard(call.phone, GREETING)
        call.phone.hang_up()
        await asyncio.wait_for(calling, 10)
        found = house.server.api.get("/v1/calls/list").json()["items"]
        over = await house.over(found[0]["id"])
    assert over["stage_outcome"] == "human_disconnected"


async def test_a_call_goes_out(tmp_path: Path) -> None:
    """It is placed once by the REST API, rings, is picked up, talks, and is ended by us."""
    async with linked(tmp_path) as house:
        params = {"Timeout": "33", "SendDigits": "ww12", "To": "+19005550100", "MachineX": "y"}
        made = _ask(house, telephony_params=params)
        await until(lambda: len(house.rest.calls) == 1, 10)
        (placed,) = house.rest.calls.values()
        call = house.call(placed.sid)
        status_path = placed.get("StatusCallback").removeprefix(PUBLIC_URL)
        await call.post(status_path, {"CallStatus": "ringing"})
        picked_up = asyncio.gather(call.go_on(placed.get("Twiml")))
        await _heard(call.phone, GREETING)
        call.phone.say(tones("leave"))
        await asyncio.wait_for(picked_up, 20)
        over = await house.over(made["id"])
        await call.post(status_path, {"CallStatus": "completed"})
    wanted = {"To": f"+{THEIRS}", "From": NUMBER, "Timeout": "33", "SendDigits": "ww12"}
    assert {name: placed.get(name) for name in wanted} == wanted
    assert placed.get("MachineX") == "y"
    assert "telephony_params.To" in over["left_out"]
    assert "telephony_params.MachineX" not in over["left_out"]
    assert (placed.status, len(house.rest.calls)) == ("completed", 1)
    assert (over["status"], over["stage_outcome"]) == ("ended", "bot_disconnected")
    assert (over["telephony_provider"], over["from_number"]) == ("twilio", NUMBER.lstrip("+"))


@pytest.mark.parametrize("answered_by", ["machine_start", "human"])
async def test_the_carrier_tells_who_picked_up(tmp_path: Path, answered_by: str) -> None:
    """Asked to hang up on machines, the carrier is asked who it is, and its word is followed."""
    async with linked(tmp_path) as house:
        made = _ask(house, on_no_human_answer="hangup")
        await until(lambda: len(house.rest.calls) == 1, 10)
        (placed,) = house.rest.calls.values()
        call = house.call(placed.sid)
        picked_up = asyncio.gather(call.go_on(placed.get("Twiml")))
        await _heard(call.phone, GREETING)
        told = placed.get("AsyncAmdStatusCallback").removeprefix(PUBLIC_URL)
        await call.post(told, {"AnsweredBy": answered_by, "MachineDetectionDuration": "3200"})
        if answered_by == "human":
            call.phone.say(tones("leave"))
        await asyncio.wait_for(picked_up, 20)
        over = await house.over(made["id"])
    assert (placed.get("MachineDetection"), placed.get("AsyncAmd")) == ("Enable", "true")
    machine = answered_by == "machine_start"
    assert over["human_detection_result"] == ("no_human" if machine else "human")
    assert over["stage_outcome"] == ("human_unanswered" if machine else "bot_disconnected")
    assert over["end_reason"] == ("no_human" if machine else "agent_ended")


@pytest.mark.parametrize(
    ("status", "outcome", "reason"),
    [
        ("busy", "call_did_not_connect", "busy"),
        ("no-answer", "human_unanswered", "no_answer"),
        ("failed", "call_did_not_connect", "unreachable"),
    ],
)
async def test_nobody_answers(tmp_path: Path, status: str, outcome: str, reason: str) -> None:
    """What the status callback tells is what became of the call."""
    async with linked(tmp_path) as house:
        made = _ask(house)
        await until(lambda: len(house.rest.calls) == 1, 10)
        (placed,) = house.rest.calls.values()
        path = placed.get("StatusCallback").removeprefix(PUBLIC_URL)
        await house.call(placed.sid).post(path, {"CallStatus": status})
        over = await house.over(made["id"])
    assert (over["stage_outcome"], over["end_reason"]) == (outcome, reason)


async def test_ended_while_it_rings(tmp_path: Path) -> None:
    """``calls/end`` hangs up at the carrier."""
    async with linked(tmp_path) as house:
        made = _ask(house)
        await until(lambda: len(house.rest.calls) == 1, 10)
        (placed,) = house.rest.calls.values()
        house.server.api.post("/v1/calls/end", params={"id": made["id"]})
        await house.over(made["id"])
        assert placed.status == "completed"


async def test_the_api_says_no(tmp_path: Path) -> None:
    """A refusal of the REST API is the call's error, and nothing rings."""
    async with linked(tmp_path) as house:
        house.rest.fail(400, 21210)
        made = _ask(house)
        over = await house.over(made["id"])
        assert house.rest.calls == {}
    assert over["status"] == "error"
    assert "21210" in over["error_message"]


async def test_not_dialable(tmp_path: Path) -> None:
    """What the dial policy refuses is a 422, and nothing is placed."""
    async with linked(tmp_path) as house:
        answer = house.server.api.post("/v1/calls/create", json=_wanted(house, "442071838750"))
        assert answer.status_code == 422
        assert house.rest.requests == 0


@pytest.mark.parametrize("target", ["answers", "busy", "no-answer"])
async def test_a_transfer(tmp_path: Path, target: str) -> None:
    """The carrier connects the caller with the target, and that counts when it answers; whoever
    comes back without talks on with the agent.
    """
    answered = target == "answers"
    sid = "CA" + "1" * 32
    async with linked(tmp_path) as house:
        house.rest.calls[sid] = RestCall(sid, [], "in-progress")
        call = house.call(sid)
        calling = asyncio.gather(call.offer(VOICE))
        await _heard(call.phone, GREETING)
        call.phone.say(tones("transfer"))
        await until(lambda: len(house.rest.calls[sid].documents) == 1, 15)
        (dial,) = house.rest.calls[sid].documents
        call.phone.redirect()
        await asyncio.wait_for(calling, 5)
        call.phone.habits.redirected = False
        resume = dial.partition('action="')[2].partition('"')[0].removeprefix(PUBLIC_URL)
        dialled = dial.partition('statusCallback="')[2].partition('"')[0].removeprefix(PUBLIC_URL)
        child = {"CallSid": "CA" + "2" * 32, "ParentCallSid": sid}
        status = "in-progress" if answered else target
        await call.post(dialled, {**child, "CallStatus": status})
        going_on = await call.post(resume, {"DialCallStatus": "completed" if answered else target})
        if not answered:
            returned = asyncio.gather(call.go_on(going_on))
            call.phone.say(tones("seven"))
            await _heard(call.phone, "you said seven")
            call.phone.say(tones("leave"))
            await asyncio.wait_for(returned, 15)
        found = house.server.api.get("/v1/calls/list").json()["items"]
        over = await house.over(found[0]["id"])
    assert f"+{THEIRS}" in dial
    assert NUMBER in dial
    outcome = "transfer_disconnected" if answered else "bot_disconnected"
    assert over["stage_outcome"] == outcome
    line = "Successfully transferred call"
    if not answered:
        line = f"Did not transfer call: {target.replace('-', '_')}"
    assert line in over["transcript"]


async def test_a_linked_number_is_led_here(tmp_path: Path) -> None:
    """Linking sets the number's addresses at the carrier; the status of a call is told there; and
    giving it up takes them away, unless they have been changed since.
    """
    async with linked(tmp_path, leads=True) as house:
        fields = house.rest.numbers[NUMBER]
        await until(lambda: bool(fields["voice_url"]), 10, lambda: fields)
        assert fields["voice_url"] == PUBLIC_URL + VOICE
        told = fields["status_callback"].removeprefix(PUBLIC_URL)
        call = house.call()
        calling = asyncio.gather(call.offer(VOICE))
        await _heard(call.phone, GREETING)
        await call.post(told, {"CallStatus": "completed"})
        # What comes after it is the end of the stream.
        assert 204 in call.statuses
        await asyncio.wait_for(calling, 10)
        found = house.server.api.get("/v1/calls/list").json()["items"]
        over = await house.over(found[0]["id"])
        _give_up(house)
        await until(lambda: not fields["voice_url"], 10, lambda: fields)
        link = {"telephony_account_connection": house.connection["id"]}
        house.server.create("/v1/numbers/link", {"phone_number": NUMBER, **link})
        await until(lambda: bool(fields["voice_url"]), 10, lambda: fields)
        fields["voice_url"] = "https://elsewhere.example.com/"
        asked = house.rest.requests
        _give_up(house)
        await until(lambda: house.rest.requests > asked, 10)
        await asyncio.sleep(0.3)
    assert fields["voice_url"] == "https://elsewhere.example.com/"
    assert over["stage_outcome"] == "human_disconnected"


def _give_up(house: Linked) -> None:
    answer = house.server.api.post("/v1/numbers/cancel", params={"phone_number": NUMBER})
    assert answer.status_code == 200


async def test_strangers(tmp_path: Path) -> None:
    """Who cannot sign gets an empty 403 at each door, and no call is made."""
    async with linked(tmp_path) as house:
        call = house.call(token="another-token-of-some-length-0000")
        for path in (VOICE, "/twilio/voice/12025550999", "/twilio/resume/x", "/twilio/status/x"):
            text = await call.post(path, {"CallStatus": "ringing"})
            assert (call.statuses[-1], text) == (403, "")
        base_url = str(house.server.api.base_url)
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        key = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        async with httpx.AsyncClient(base_url=base_url) as http:
            for path in ("/twilio/media/x", "/v1/agents/list", "/"):
                answer = await http.get(path, headers=upgrade | key)
                assert answer.status_code in (403, 404), path
        assert house.server.calls() == []


async def test_killed_in_the_midst(tmp_path: Path) -> None:
    """After ``kill -9`` the restarted server hangs up what it had placed."""
    async with FakeRest().running() as rest:
        settings = {**options(rest), "data_dir": str(tmp_path / "var")}
        first = Server(tmp_path / "first", settings, PROGRAM)
        await asyncio.to_thread(first.start)
        house = furnished(first, rest)
        made = _ask(house)
        await until(lambda: len(rest.calls) == 1, 10)
        (placed,) = rest.calls.values()
        await asyncio.sleep(0.3)
        first.signal(signal.SIGKILL)
        await asyncio.to_thread(first.stop)
        second = Server(tmp_path / "second", settings, PROGRAM)
        await asyncio.to_thread(second.start)
        try:
            over = await Linked(second, rest, house.connection, house.agent).over(made["id"])
        finally:
            await asyncio.to_thread(second.stop)
    assert (over["status"], placed.status) == ("error", "completed")
    assert len(rest.calls) == 1


async def test_secrets_are_masked(tmp_path: Path) -> None:
    """The account's token is shown to nobody, and is not in the data directory in clear."""
    async with linked(tmp_path) as house:
        api = house.server.api
        texts = [
            api.get("/v1/account_connections", params={"id": house.connection["id"]}).text,
            api.get("/v1/account_connections/list").text,
            api.get("/v1/numbers", params={"phone_number": NUMBER}).text,
        ]
    assert not any(AUTH_TOKEN in text for text in texts)
    stored = await asyncio.to_thread(_stored, tmp_path)
    assert AUTH_TOKEN.encode() not in stored
    assert AUTH_TOKEN not in house.server.log()


def _stored(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in directory.rglob("*.db*"))


def _wanted(house: Linked, to_number: str = THEIRS) -> Json:
    return {"from_number": NUMBER, "to_number": to_number, "agent": house.agent["id"]}


def _ask(house: Linked, **more: object) -> Json:
    return house.server.create("/v1/calls/create", {**_wanted(house), **more})
