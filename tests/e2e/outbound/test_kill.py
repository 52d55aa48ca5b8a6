"""``kill -9`` between a request and its ringing: one phone call at most, no open row (R3, R4)."""

from __future__ import annotations

import asyncio
import random
import signal
import socket
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.counts import count
from tests.e2e.outbound.callee import (
    answers,
    callee,
    invited_again,
    is_cancelled,
    is_hung_up_on,
    refuses,
    rings,
)
from tests.e2e.outbound.house import Line, line
from tests.e2e.outbound.switchboard import Switchboard, switchboard
from tests.e2e.server import Json, Server

CALLS_A_KILL = 4
RELEASE_WAIT_S = 10.0


def _server(tmp_path: Path, number: int, sip_port: int) -> Server:
    options = {
        "data_dir": str(tmp_path / "var"),
        "sip_port": str(sip_port),
        "calls_out_max_count": "100",
        "calls_out_per_number_max_count": "100",
    }
    return Server(tmp_path / f"run{number}", options)


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _ask(placing: Line, number: str) -> Json | None:
    """Ask for a call to ``number``; None when the server was gone before it answered."""
    try:
        answer = await asyncio.to_thread(placing.ask, number, f"key {number}".replace(" ", "-"))
    except httpx.HTTPError:
        return None
    assert answer.status_code == 200, answer.text
    created: Json = answer.json()
    return created


@pytest.mark.timeout(count(240, 5_400))
async def test_at_most_one_phone_call(tmp_path: Path) -> None:
    """Killed at any moment, every accepted request is dialled at most once and comes to its end."""
    chance = random.Random("outbound kills")
    port = _free_port()
    kills = count(3, 300)
    server = _server(tmp_path, 0, port)
    await asyncio.to_thread(server.start)
    try:
        async with switchboard() as board:
            placing = line(server, board.port)
            asked: list[str] = []
            for kill in range(kills):
                numbers = [f"1202556{kill:03}{each}" for each in range(CALLS_A_KILL)]
                asked += numbers
                await _killed_while(placing, numbers, chance.uniform(0, 0.7))
                server = _server(tmp_path, kill + 1, port)
                await asyncio.to_thread(server.start)
                placing = replace(placing, server=server)
                await _settled(placing, numbers)
            dialled = {number: len(board.dials[number]) for number in asked}
    finally:
        server.stop()
    assert max(dialled.values()) == 1, dialled
    assert not server.mistakes()


async def _killed_while(placing: Line, numbers: list[str], after_s: float) -> None:
    """Kill the server a moment after it was asked for calls."""
    async with asyncio.TaskGroup() as group:
        for number in numbers:
            group.create_task(_ask(placing, number))
        await asyncio.sleep(after_s)
        await _kill(placing.server)


async def _kill(server: Server) -> None:
    server.signal(signal.SIGKILL)
    await asyncio.to_thread(server.wait, 10)
    server.api.close()


async def _settled(placing: Line, numbers: list[str]) -> None:
    """Ask again by the same keys, and wait for the end of each call."""
    for number in numbers:
        created = await _ask(placing, number)
        assert created is not None
        call = await placing.over(created["id"], 20)
        assert call["status"] in ("ended", "error")
        if call["status"] == "error":
            assert "interrupted" in call["error_message"]
        assert call["end_time"] is not None


async def test_ringing_call_is_let_go(tmp_path: Path) -> None:
    """A call that rang when the server was killed is cancelled after the restart, and in error."""
    port = _free_port()
    first = _server(tmp_path, 0, port)
    await asyncio.to_thread(first.start)
    async with switchboard(ring_ms=60_000) as board:
        placing = line(first, board.port)
        created = await placing.call()
        await _rings(board)
        await _kill(first)
        second = _server(tmp_path, 1, port)
        try:
            await asyncio.to_thread(second.start)
            async with asyncio.timeout(RELEASE_WAIT_S):
                call = await replace(placing, server=second).over(created["id"])
                while not board.cancelled:  # noqa: ASYNC110  (another process sends it)
                    await asyncio.sleep(0.05)
        finally:
            second.stop()
    assert board.cancelled == {call["telephony_id"]}
    assert (call["status"], call["stage"], call["stage_outcome"]) == ("error", "created", None)
    assert "interrupted" in call["error_message"]
    assert sum(map(len, board.dials.values())) == 1


async def _rings(board: Switchboard) -> None:
    async with asyncio.timeout(10):
        while not board.dials:  # noqa: ASYNC110  (another process dials)
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.2)


async def test_redirected_call_is_let_go(tmp_path: Path) -> None:
    """A call that rang where a redirection had sent it is cancelled there, not dialled again."""
    port = _free_port()
    first = _server(tmp_path, 0, port)
    await asyncio.to_thread(first.start)
    moved = refuses("302 Moved Temporarily", "Contact: <sip:+12025550177@127.0.0.1:[local_port]>")
    async with callee(tmp_path, moved, invited_again(), rings(), is_cancelled(cseq=3)) as far:
        placing = line(first, far.port)
        created = await placing.call()
        async with asyncio.timeout(10):
            while "SIP/2.0 180" not in far.messages():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        await _kill(first)
        second = _server(tmp_path, 1, port)
        try:
            await asyncio.to_thread(second.start)
            call = await replace(placing, server=second).over(created["id"])
            run = await far.done(RELEASE_WAIT_S)
        finally:
            second.stop()
    assert run.exit_code == 0, run.explain()
    assert run.messages.count("INVITE sip:") == 2
    assert "CSeq: 3 CANCEL" in run.messages
    assert "interrupted" in call["error_message"]


async def test_call_that_is_up_is_let_go(tmp_path: Path) -> None:
    """A call that was talking when the server was killed hears BYE after the restart."""
    port = _free_port()
    first = _server(tmp_path, 0, port)
    await asyncio.to_thread(first.start)
    async with callee(tmp_path, rings(), answers(), is_hung_up_on()) as far:
        placing = line(first, far.port)
        created = await placing.call()
        await placing.until(created["id"], ("in_progress",))
        await _kill(first)
        second = _server(tmp_path, 1, port)
        try:
            await asyncio.to_thread(second.start)
            call = await replace(placing, server=second).over(created["id"])
            run = await far.done(RELEASE_WAIT_S)
        finally:
            second.stop()
    assert run.exit_code == 0, run.explain()
    assert (call["status"], call["stage"], call["stage_outcome"]) == ("error", "picked_up", None)
