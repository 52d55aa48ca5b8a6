"""Asking a real server for calls: caps, refusals, keys, endings before any ringing, the program."""

from __future__ import annotations

import asyncio
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.counts import count
from tests.e2e.outbound.callee import answers, callee, hangs_up, rings, waits
from tests.e2e.outbound.house import CALLED, line
from tests.e2e.outbound.switchboard import switchboard
from tests.e2e.server import Server

CAP = 2


async def test_caps(tmp_path: Path) -> None:
    """Of many calls asked for at once, only so many ring at a time; all get their turn."""
    server = Server(tmp_path, {"calls_out_max_count": str(CAP)})
    await asyncio.to_thread(server.start)
    try:
        async with switchboard(ring_ms=600) as board:
            placing = line(server, board.port)
            made = [await placing.call(f"1202555020{number}") for number in range(5)]
            over = [await placing.over(call["id"], 30) for call in made]
            assert board.most_at_once == CAP
            assert sorted(map(len, board.dials.values())) == [1] * 5
    finally:
        code = await asyncio.to_thread(server.stop)
    assert code == 0
    assert not server.mistakes()
    assert {call["end_reason"] for call in over} == {"busy"}


async def test_policy_is_asked_again(tmp_path: Path) -> None:
    """What may no longer be dialled when its turn comes is not: an error that says why."""
    server = Server(tmp_path, {"calls_out_max_count": "1"})
    await asyncio.to_thread(server.start)
    try:
        async with switchboard(ring_ms=2_500) as board:
            placing = line(server, board.port)
            first, second = await placing.call("12025550301"), await placing.call("12025550302")
            narrow = {"allow_any": False, "dial_prefixes": ["44"]}
            changed = {"id": placing.trunk_id}
            await asyncio.to_thread(
                lambda: server.api.post("/x/v1/sip_trunks/update", params=changed, json=narrow)
            )
            await placing.over(first["id"], 15)
            call = await placing.over(second["id"], 15)
            assert set(board.dials) == {"12025550301"}
    finally:
        await asyncio.to_thread(server.stop)
    outcome = (call["status"], call["stage_outcome"], call["end_reason"])
    assert outcome == ("error", "call_did_not_connect", "dial_refused")
    assert "may not be dialled" in call["error_message"]


async def test_one_key_is_one_phone_call(calling: Server) -> None:
    """Racing requests with one key are one call, and one phone rings once."""
    async with switchboard(ring_ms=300) as board:
        placing = line(calling, board.port)
        with ThreadPoolExecutor(8) as pool:
            answers_ = list(pool.map(lambda _: placing.ask(CALLED, "once"), range(count(12, 50))))
        assert len({answer.text for answer in answers_}) == 1
        await placing.over(answers_[0].json()["id"])
        assert {number: len(calls) for number, calls in board.dials.items()} == {CALLED: 1}


async def test_ended_before_it_was_placed(calling: Server) -> None:
    """A call that is ended in the instant after it was asked for never rings on."""
    async with switchboard(ring_ms=20_000) as board:
        placing = line(calling, board.port)
        for number in range(count(3, 50)):
            created = await placing.call(f"12025550{300 + number}")
            await placing.end(created["id"])
            call = await placing.over(created["id"])
            outcome = (call["status"], call["stage_outcome"], call["end_reason"])
            assert outcome == ("ended", "call_did_not_connect", "api_ended")
        async with asyncio.timeout(5):
            while set().union(*board.dials.values(), set()) != board.cancelled:  # noqa: ASYNC110
                await asyncio.sleep(0.05)


async def test_policy_of_the_trunk(calling: Server) -> None:
    """A number that the trunk does not dial is refused at once, and nobody's phone rings."""
    async with switchboard() as board:
        placing = line(calling, board.port)
        narrow = {"allow_any": False, "dial_prefixes": ["44"]}
        calling.api.post("/x/v1/sip_trunks/update", params={"id": placing.trunk_id}, json=narrow)
        refused = placing.ask()
        assert refused.status_code == 422
        assert "dial_prefixes" in refused.text
        assert not board.dials


async def test_unreachable_trunk(calling: Server, tmp_path: Path) -> None:
    """A trunk whose target has no address is an error on the call, not a call that waits."""
    placing = line(calling, 5060, target="sip:nowhere.invalid")
    created = await placing.call()
    call = await placing.over(created["id"])
    assert (call["status"], call["stage_outcome"]) == ("error", "call_did_not_connect")
    assert "no address" in call["error_message"]


async def test_the_program(calling: Server, tmp_path: Path) -> None:
    """``cordboard call NUMBER --agent ID`` makes the running server call."""
    async with callee(tmp_path, rings(), answers(), waits(500), hangs_up()) as far:
        placing = line(calling, far.port)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cordboard", "call", CALLED, "--agent", placing.agent_id),
            *("--from", placing.number, "--data-dir", str(calling.directory / "var")),
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "CORDBOARD_PROFILE": "development"},
        )
        out, _ = await process.communicate()
        assert process.returncode == 0
        call = await placing.over(out.decode().split()[-1])
        run = await far.done()
    assert run.exit_code == 0, run.explain()
    assert call["stage_outcome"] == "human_disconnected"


@pytest.mark.timeout(count(120, 3_600))
async def test_many_calls(tmp_path: Path) -> None:
    """Calls one after another and at once: each is answered, and none is left over."""
    sequential, at_once = count(6, 500), count(6, 50)
    options = {"calls_out_max_count": "60", "calls_out_per_number_max_count": "60"}
    server = Server(tmp_path / "server", options)
    await asyncio.to_thread(server.start)
    try:
        await _one_after_another(server, tmp_path, sequential)
        await _at_once(server, tmp_path, at_once)
    finally:
        code = await asyncio.to_thread(server.stop)
    assert code == 0
    assert not server.mistakes()


async def _one_after_another(server: Server, place: Path, calls: int) -> None:
    steps = (rings(), answers(), waits(400), hangs_up())
    async with callee(place, *steps, calls=calls) as far:
        placing = line(server, far.port)
        for _ in range(calls):
            call = await placing.over((await placing.call())["id"])
            assert call["stage_outcome"] == "human_disconnected"
        run = await far.done(30)
    assert (run.succeeded, run.failed) == (calls, 0), run.explain()


async def _at_once(server: Server, place: Path, calls: int) -> None:
    """All of them are up at the same time before the first one ends."""
    steps = (rings(), answers(), waits(count(3_000, 15_000)), hangs_up())
    async with callee(place, *steps, calls=calls) as far:
        placing = line(server, far.port)
        made = await asyncio.gather(*(placing.call() for _ in range(calls)))
        for call in made:
            await placing.until(call["id"], ("in_progress",), 20)
        statuses = {placing.show(call["id"])["status"] for call in made}
        over = [await placing.over(call["id"], 60) for call in made]
        run = await far.done(30)
    assert statuses == {"in_progress"}
    assert {call["stage_outcome"] for call in over} == {"human_disconnected"}
    assert (run.succeeded, run.failed) == (calls, 0), run.explain()
