"""``kill -9`` in every state of a call: the far end is let go, the record is closed and whole."""

from __future__ import annotations

import asyncio
import io
import random
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import soundfile

from tests.counts import count
from tests.e2e.robustness.caller import Caller, Street, street, until
from tests.e2e.robustness.house import (
    Row,
    SlowReceiver,
    give_number,
    integrity,
    obedient,
    rows,
    slow_receiver,
)
from tests.e2e.server import GREETING, NUMBER, Server
from tests.e2e.sipp_program import Plan, run_sipp

CALLS_A_KILL = 4
RELEASE_WAIT_S = 10.0
MOST_END_ERROR_S = 5.0
"""How far a closed call's end may lie from the kill."""

RECORDED_AFTER_S = 6.0
"""A call that ran so long before the kill must have a recording."""

MOST_LOST_S = 5.5
"""What of a call's end its recording may lack: it is written at least every five seconds."""


@dataclass(frozen=True)
class House:
    """What the tests of this module share."""

    data_dir: Path
    street: Street
    receiver: SlowReceiver


async def ringing(house: House, caller: Caller) -> None:
    """The call is being set up."""
    async with asyncio.TaskGroup() as group:
        placing = group.create_task(caller.call.place())
        await until(lambda: caller.noted.ringing is not None, 10)
        placing.cancel()


async def greeting(house: House, caller: Caller) -> None:
    """The agent greets."""
    await caller.call.place()
    await until(lambda: len(caller.words) >= 1, 10)


async def listening(house: House, caller: Caller) -> None:
    """The caller speaks."""
    await caller.call.place()
    await caller.hear(GREETING)
    caller.say("these words are not at their end")
    await asyncio.sleep(1)


async def thinking(house: House, caller: Caller) -> None:
    """The agent owes an answer."""
    await caller.call.place()
    await caller.hear(GREETING)
    caller.say("think")
    await asyncio.sleep(2.5)


async def speaking(house: House, caller: Caller) -> None:
    """The agent answers."""
    await caller.call.place()
    await caller.hear(GREETING)
    caller.say("talk")
    await caller.hear("one two")


async def recording(house: House, caller: Caller) -> None:
    """The recording has been written to several times."""
    await caller.call.place()
    await asyncio.sleep(RECORDED_AFTER_S + 0.5)


async def acting(house: House, caller: Caller) -> None:
    """An action has been sent and not answered."""
    before = house.receiver.asked_count
    await caller.call.place()
    await caller.hear(GREETING)
    caller.say("act")
    await until(lambda: house.receiver.asked_count > before, 10)


async def ending(house: House, caller: Caller) -> None:
    """The agent has hung up; nobody has noted it yet."""
    await caller.call.place()
    await caller.hear(GREETING)
    caller.say("leave")
    await until(caller.call.over.is_set, 10)


STATES: tuple[Callable[[House, Caller], Awaitable[None]], ...] = (
    ringing, greeting, listening, thinking, speaking, recording, acting, ending,
)  # fmt: skip


@pytest.mark.timeout(count(150, 3600))
async def test_kill_in_every_state(tmp_path: Path) -> None:
    """After each kill and restart: no open row, BYE at the far end within 10 s, whole records."""
    chance = random.Random("kills")
    data_dir = tmp_path / "var"
    async with AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(slow_receiver())
        server = obedient(tmp_path / "run0", {"data_dir": str(data_dir)})
        server.start()
        address = server.address
        await give_number(server, receiver.url)
        known: dict[str, Row] = {}
        for kill in range(count(len(STATES), 200)):
            async with street(address, f"kill{kill}") as people:
                house = House(data_dir, people, receiver)
                target = STATES[kill % len(STATES)]
                others = [chance.choice(STATES) for _ in range(CALLS_A_KILL - 1)]
                callers, killed_at = await _kill_at(house, server, target, others, chance)
                server = await _restarted(tmp_path / f"run{kill + 1}", data_dir, address[1])
                earlier = known
                known = await _judge(server, data_dir, known, callers, target.__name__)
                _judge_ends(earlier, known, killed_at)
        assert server.stop() == 0


async def _kill_at(
    house: House,
    server: Server,
    target: Callable[[House, Caller], Awaitable[None]],
    others: list[Callable[[House, Caller], Awaitable[None]]],
    chance: random.Random,
) -> tuple[list[Caller], datetime]:
    callers = [house.street.caller(NUMBER) for _ in range(len(others) + 1)]
    async with asyncio.TaskGroup() as group:
        beside = [
            group.create_task(_go(state, house, caller))
            for state, caller in zip(others, callers[1:], strict=True)
        ]
        await target(house, callers[0])
        server.signal(signal.SIGKILL)
        killed_at = datetime.now(UTC)
        for task in beside:
            task.cancel()
    assert await asyncio.to_thread(server.stop) == -signal.SIGKILL
    await asyncio.sleep(chance.uniform(0, 0.5))
    return callers, killed_at


async def _go(
    state: Callable[[House, Caller], Awaitable[None]], house: House, caller: Caller
) -> None:
    await state(house, caller)


async def _restarted(directory: Path, data_dir: Path, sip_port: int) -> Server:
    server = obedient(directory, {"data_dir": str(data_dir), "sip_port": str(sip_port)})
    # Starting waits: the callers go on hearing and sending meanwhile.
    await asyncio.to_thread(server.start)
    return server


async def _judge(
    server: Server, data_dir: Path, known: dict[str, Row], callers: list[Caller], state: str
) -> dict[str, Row]:
    deadline = time.perf_counter() + RELEASE_WAIT_S

    def open_rows() -> list[Row]:
        return [row for row in rows(data_dir) if row.status not in ("ended", "error")]

    await until(lambda: not open_rows(), deadline - time.perf_counter(), open_rows)
    answered = [caller for caller in callers if caller.noted.status == 200]
    for caller in answered:
        left_s = max(0.1, deadline - time.perf_counter())
        await until(caller.call.over.is_set, left_s, lambda: f"no BYE after a kill when {state}")
    found = {row.call_id: row for row in rows(data_dir)}
    assert {call_id: found[call_id] for call_id in known} == known, "a closed row has changed"
    fresh = [row for call_id, row in found.items() if call_id not in known]
    assert len(answered) <= len(fresh) <= len(callers)
    talked_s = {caller.call.call_id: _talked_s(caller) for caller in answered}
    assert set(talked_s) <= {row.telephony_id for row in fresh}
    for row in fresh:
        assert row.status == "error" or state == "ending" or row.status == "ended", row
        if row.status == "error":
            assert "interrupted" in (row.error_message or ""), row
        if row.recording_available:
            _judge_recording(server, row.call_id, talked_s.get(row.telephony_id, 0.0))
    long_enough = [c for c in answered if _talked_s(c) > RECORDED_AFTER_S]
    assert sum(row.recording_available for row in fresh) >= len(long_enough)
    assert not list((data_dir / "recordings").glob("*/*.part"))
    assert await asyncio.to_thread(integrity, data_dir) == "ok"
    assert not server.mistakes()
    return found


def _judge_ends(earlier: dict[str, Row], found: dict[str, Row], killed_at: datetime) -> None:
    for call_id, row in found.items():
        if call_id not in earlier and row.status == "error":
            assert row.ended_at is not None, row
            error_s = abs((row.ended_at - killed_at).total_seconds())
            assert error_s <= MOST_END_ERROR_S, (row, killed_at)


def _talked_s(caller: Caller) -> float:
    arrivals = caller.noted.arrivals
    return arrivals[-1] - arrivals[0] if arrivals else 0.0


def _judge_recording(server: Server, call_id: str, talked_s: float) -> None:
    answer = server.api.get("/v1/calls/recording", params={"id": call_id})
    assert answer.status_code == 200
    sound, rate_hz = soundfile.read(io.BytesIO(answer.content), dtype="int16")
    assert sound.ndim == 2
    assert sound.shape[1] == 2
    assert len(sound) >= rate_hz // 50
    assert len(sound) / rate_hz > talked_s - MOST_LOST_S


async def test_kill_seen_by_a_foreign_caller(tmp_path: Path) -> None:
    """Three callers of sipp get the BYE of the restarted server, each once answered with 200."""
    data_dir = tmp_path / "var"
    first = obedient(tmp_path / "first", {"data_dir": str(data_dir)})
    first.start()
    await give_number(first)
    plan = Plan(calls=3, at_once=3, wait_ms=40_000, timeout_s=60)
    async with asyncio.TaskGroup() as group:
        ringing_now = run_sipp("agent_hangs_up", first.address, tmp_path, plan)
        running = group.create_task(ringing_now)
        await until(lambda: _in_progress(data_dir) == plan.calls, 20)
        first.signal(signal.SIGKILL)
        assert await asyncio.to_thread(first.stop) == -signal.SIGKILL
        server = await _restarted(tmp_path / "second", data_dir, first.address[1])
    run = running.result()
    assert run.exit_code == 0, run.explain()
    assert run.succeeded == plan.calls, run.explain()
    assert {row.status for row in rows(data_dir)} == {"error"}
    assert server.stop() == 0
    assert not server.mistakes()


def _in_progress(data_dir: Path) -> int:
    return sum(row.status == "in_progress" for row in rows(data_dir))
