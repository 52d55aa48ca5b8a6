"""Rate and destination limits of a real server: who waits, who is refused, also after a restart."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from tests.e2e.outbound.house import Line, line
from tests.e2e.outbound.switchboard import switchboard
from tests.e2e.server import Json, Server

NARROW = {"allow_any": False, "dial_prefixes": ["1202"]}


def _server(directory: Path, data: Path, **options: str) -> Server:
    return Server(directory, {"data_dir": str(data), **options})


async def _all_over(placing: Line, *numbers: str) -> list[Json]:
    made = [await placing.call(number) for number in numbers]
    return [await placing.over(call["id"], 20) for call in made]


async def test_destination_is_not_dialled_too_often(tmp_path: Path) -> None:
    """The third call to one number within the hour is refused; a restart changes nothing."""
    limits = {
        "calls_out_per_destination_max_count": "2",
        "calls_out_per_second_max_count": "100",
    }
    async with switchboard(ring_ms=100) as board:
        server = _server(tmp_path / "first", tmp_path / "var", **limits)
        await asyncio.to_thread(server.start)
        try:
            placing = line(server, board.port, **NARROW)
            calls = await _all_over(placing, *["12025550161"] * 3, "12025550162")
        finally:
            await asyncio.to_thread(server.stop)
        assert [call["end_reason"] for call in calls] == ["busy", "busy", "dial_refused", "busy"]
        assert "too often" in calls[2]["error_message"]
        server = _server(tmp_path / "second", tmp_path / "var", **limits)
        await asyncio.to_thread(server.start)
        try:
            again = replace(placing, server=server)
            calls = await _all_over(again, "12025550161", "12025550162")
        finally:
            await asyncio.to_thread(server.stop)
        assert [call["end_reason"] for call in calls] == ["dial_refused", "busy"]
    assert {number: len(dials) for number, dials in board.dials.items()} == {
        "12025550161": 2,
        "12025550162": 2,
    }


async def test_rate_makes_wait(tmp_path: Path) -> None:
    """Of calls asked for at once, one a second is dialled, and none is refused."""
    async with switchboard(ring_ms=100) as board:
        server = _server(tmp_path, tmp_path / "var", calls_out_per_second_max_count="1")
        await asyncio.to_thread(server.start)
        try:
            placing = line(server, board.port, **NARROW)
            began = asyncio.get_running_loop().time()
            calls = await _all_over(placing, *(f"1202555017{each}" for each in range(4)))
            took_s = asyncio.get_running_loop().time() - began
        finally:
            await asyncio.to_thread(server.stop)
    assert {call["end_reason"] for call in calls} == {"busy"}
    assert took_s >= 3
