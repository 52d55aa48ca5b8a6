"""``action_transfer_call`` over SIP: a second leg, bridged with the caller's once it answers."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from cordboard.media.rtp import Packet
from cordboard.media.tones import RINGBACK, tone_share
from tests.e2e.outbound.callee import (
    answers,
    callee,
    hangs_up,
    is_cancelled,
    is_hung_up_on,
    refuses,
    rings,
    speaks,
    waits,
)
from tests.e2e.robustness.caller import street, until
from tests.e2e.robustness.house import PROGRAM
from tests.e2e.server import GREETING, NUMBER, Server, furnish
from tests.e2e.transfer.house import TARGET, House, handing_over
from tests.e2e.transfer.house import furnish as furnish_transfer
from tests.e2e.transfer.wire_callee import wire_callee


async def test_both_hear_each_other(tmp_path: Path) -> None:
    """A foreign agent is called: the caller hears it, it hears the caller, and who hangs up ends
    it for all.
    """
    far = Server(tmp_path / "far", {}, PROGRAM)
    await asyncio.to_thread(far.start)
    try:
        furnish(far, {"networks": ["127.0.0.0/8"]}, TARGET, greeting="sales office speaking")
        async with handing_over(tmp_path / "near", far.sip_port) as house:
            await house.ask()
            await house.caller.hear("sales office speaking", 20)
            await house.until_stage("transfer_successful")
            house.caller.say("seven")
            await house.caller.hear("you said seven", 20)
            await house.caller.call.hang_up()
            over = await house.over()
        (theirs,) = await far.ended_calls("", 1)
    finally:
        await asyncio.to_thread(far.stop)
    assert (over["stage"], over["stage_outcome"]) == (
        "transfer_successful",
        "transfer_disconnected",
    )
    assert "Successfully transferred call" in over["transcript"]
    assert f"Attempting to transfer call to {TARGET}" in over["transcript"]
    assert "HUMAN: seven" in theirs["transcript"]
    assert theirs["from_number"] == over["to_number"]


async def test_the_target_hangs_up(tmp_path: Path) -> None:
    """A foreign phone (sipp) rings, answers, speaks and hangs up: the caller hears it, then BYE."""
    steps = (rings(), waits(1_000), answers(), speaks(), waits(3_000), hangs_up())
    async with callee(tmp_path, *steps, words="good morning") as far:
        async with handing_over(tmp_path, far.port) as house:
            await house.ask()
            await house.caller.hear("good morning", 20)
            await until(house.caller.call.over.is_set, 15)
            over = await house.over()
        run = await far.done()
    assert (run.exit_code, run.succeeded) == (0, 1), run.explain()
    assert (over["end_reason"], over["stage_outcome"]) == ("transferred", "transfer_disconnected")
    assert f"INVITE sip:{TARGET}@" in far.messages().replace("sip:+", "sip:")


async def test_keys_after_the_answer(tmp_path: Path) -> None:
    """What stands behind a comma is pressed once the target has answered, with the pauses, as
    events of RFC 4733: one press each, whose end is sent three times.
    """
    async with (
        wire_callee() as far,
        handing_over(tmp_path, far.port, f"{TARGET},1w2#") as house,
    ):
        await house.ask()
        await until(lambda: sum(_is_end(each) for _, each in far.ear.events()) == 9, 20)
        await house.caller.call.hang_up()
        await until(far.over.is_set, 15)
    events = far.ear.events()
    begun = [(at, packet) for at, packet in events if packet.marker]
    assert [packet.payload[0] for _, packet in begun] == [1, 2, 11]
    assert far.acknowledged is not None
    assert begun[0][0] - far.acknowledged > 0.9
    for _, first in begun:
        press = [packet for _, packet in events if packet.timestamp == first.timestamp]
        durations = [int.from_bytes(packet.payload[2:4], "big") for packet in press]
        assert durations == sorted(durations)
        assert durations[-1] >= 800  # 100 ms
        assert [_is_end(packet) for packet in press[-4:]] == [False, True, True, True]
    one, two, pound = (packet.timestamp for _, packet in begun)
    to_two, to_pound = (two - one) % 2**32, (pound - two) % 2**32
    assert to_two > 0.65 * 8_000  # its own time, and half a second for the w
    assert 0.15 * 8_000 < to_pound < to_two


def _is_end(packet: Packet) -> bool:
    return packet.payload[1] & 0x80 > 0


async def test_the_caller_hears_it_ring(tmp_path: Path) -> None:
    """While the target rings the caller hears the national ringing tone."""
    async with callee(tmp_path, rings(), waits(4_000), refuses("486 Busy Here")) as far:
        async with handing_over(tmp_path, far.port) as house:
            caller = house.caller
            await house.ask()

            def rung() -> bool:
                sound = caller.recent()
                return all(tone_share(sound, hz, 8_000) > 0.35 for hz in RINGBACK.frequencies_hz)

            await until(rung, 10)
            await caller.hear("nobody is there", 20)
            assert not rung()
            await caller.call.hang_up()
            over = await house.over()
        await far.done()
    assert over["status"] == "ended"


@pytest.mark.parametrize(
    ("status", "kind"),
    [("486 Busy Here", "busy"), ("603 Decline", "rejected"), ("480 Unavailable", "no_answer")],
)
async def test_a_target_that_does_not_answer(tmp_path: Path, status: str, kind: str) -> None:
    """The agent learns why, says so, and goes on talking."""
    async with (
        callee(tmp_path, rings(), waits(500), refuses(status)) as far,
        handing_over(tmp_path, far.port) as house,
    ):
        await house.ask()
        await house.caller.hear("nobody is there", 20)
        house.caller.say("seven")
        await house.caller.hear("you said seven", 20)
        house.caller.say("leave")
        await until(house.caller.call.over.is_set, 15)
        over = await house.over()
    assert f"Did not transfer call: {kind}" in over["transcript"]
    assert (over["stage"], over["stage_outcome"]) == ("picked_up", "bot_disconnected")


async def test_the_caller_gives_up(tmp_path: Path) -> None:
    """A caller who hangs up while the target rings lets it ring no longer."""
    async with callee(tmp_path, rings(), is_cancelled()) as far:
        async with handing_over(tmp_path, far.port) as house:
            await house.ask()
            await house.until_stage("transfer_started")
            await asyncio.sleep(0.5)
            await house.caller.call.hang_up()
            over = await house.over()
        run = await far.done()
    assert (run.exit_code, run.succeeded) == (0, 1), run.explain()
    assert over["stage_outcome"] == "transfer_unanswered"


async def test_the_dial_policy_says_no(tmp_path: Path) -> None:
    """A target that may not be dialled is not: the agent says so."""
    async with handing_over(tmp_path, 40009, "442071838750", {"allow_any": False}) as house:
        await house.ask()
        await house.caller.hear("nobody is there", 20)
        await house.caller.call.hang_up()
        over = await house.over()
    assert "Did not transfer call: refused" in over["transcript"]


async def test_killed_while_they_talk(tmp_path: Path) -> None:
    """After ``kill -9`` both far ends hear BYE from the restarted server."""
    steps = (rings(), answers(), is_hung_up_on())
    async with callee(tmp_path, *steps) as far:
        first = await _started(tmp_path / "first", tmp_path / "var")
        furnish_transfer(first, far.port, TARGET, {})
        async with street(first.address, "killed") as people:
            caller = people.caller(NUMBER)
            await caller.call.place()
            await caller.hear(GREETING)
            caller.say("transfer")
            await House(first, caller).until_stage("transfer_successful")
            await asyncio.sleep(0.5)
            first.signal(signal.SIGKILL)
            await asyncio.to_thread(first.stop)
            second = await _started(tmp_path / "second", tmp_path / "var", first.sip_port)
            await until(caller.call.over.is_set, 15)
            over = await House(second, caller).over()
        run = await far.done(20)
        assert await asyncio.to_thread(second.stop) == 0
    assert (run.exit_code, run.succeeded) == (0, 1), run.explain()
    assert (over["status"], over["stage_outcome"]) == ("error", "transfer_disconnected")


async def _started(directory: Path, data_dir: Path, sip_port: int = 0) -> Server:
    options = {"data_dir": str(data_dir), "sip_port": str(sip_port)}
    server = Server(directory, options, PROGRAM)
    await asyncio.to_thread(server.start)
    return server
