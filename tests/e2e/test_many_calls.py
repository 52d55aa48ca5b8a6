"""Many calls, one after another and at once, over a network that loses every twentieth datagram."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.counts import count
from tests.e2e.impairment import MIRROR, Conditions, Mirror
from tests.e2e.server import Server
from tests.e2e.sipp_program import Plan, Run, run_sipp

LOSSY = Conditions(loss=0.05)
SEQUENTIAL = count(40, 500)
AT_ONCE = count(15, 50)
WORKER_THREADS = (os.cpu_count() or 1) + 4
"""So many the event loop may start for blocking work, and keeps."""


def _short(calls: int) -> Plan:
    return Plan(advertised=MIRROR, calls=calls, rate=8, hold_ms=200, timeout_s=calls + 60)


def _speaking(calls: int) -> Plan:
    return Plan(advertised=MIRROR, calls=calls, at_once=calls, rate=10, hold_ms=8_000)


async def _run(
    server: Server, scenario: str, destination: tuple[str, int], directory: Path, plan: Plan
) -> None:
    """Make calls; all must get through, and all must be on record as over."""
    run = await run_sipp(scenario, destination, directory, plan)
    assert (run.exit_code, run.succeeded) == (0, plan.calls), run.explain()
    await _check_records(server, run, plan.calls)


async def _all_released(server: Server, idle: dict[str, int], wait_s: float = 45.0) -> None:
    """Wait until the server holds no more than when it was idle; transactions take 32 s to go."""
    deadline = time.monotonic() + wait_s
    while (held := await server.inside()) != idle:
        assert time.monotonic() < deadline, f"still held: {held}, idle: {idle}"
        await asyncio.sleep(0.5)


async def _check_records(server: Server, run: Run, calls: int) -> None:
    """One row a call, all over, none an error.

    Where ACK was lost and BYE came before the answer was repeated, the call was never up.
    """
    rows = await server.ended_calls(run.handle, calls)
    assert len(rows) == len({row["telephony_id"] for row in rows}) == calls
    broken = [row for row in rows if row["status"] != "ended"]
    assert not broken, broken[:3]
    outcomes = Counter(row["stage_outcome"] for row in rows)
    assert set(outcomes) <= {"human_disconnected", "call_did_not_connect"}
    assert outcomes["call_did_not_connect"] <= 2 + calls / 10


def _read_at_once(server: Server) -> None:
    """Have the server open all connections to its database that it may ever have."""
    with ThreadPoolExecutor(16) as pool:
        for _ in range(4):
            list(pool.map(lambda _: server.calls(), range(16)))


async def test_sequential_and_concurrent_calls(mirrored: Server, tmp_path: Path) -> None:
    """All calls get through and are over; rows, user agent, ports, tasks and files say so."""
    await asyncio.to_thread(_read_at_once, mirrored)
    idle, before = await mirrored.inside(), mirrored.usage()
    assert idle["legs"] == idle["ports"] == 0
    async with Mirror(seed=5, conditions=LOSSY) as mirror:
        mirror.open(mirrored.sip_port)
        destination = (MIRROR, mirrored.sip_port)
        resident_kib = []
        for _ in range(2):
            await _run(mirrored, "short_call", destination, tmp_path, _short(SEQUENTIAL // 2))
            resident_kib.append(mirrored.usage().resident_kib)
        assert resident_kib[1] <= resident_kib[0] * 1.03
        await _run(mirrored, "speaking_call", destination, tmp_path, _speaking(AT_ONCE))
        assert mirror.counts["lost"] > 0
        await _all_released(mirrored, idle)
    after = mirrored.usage()
    assert after.descriptors <= before.descriptors + 2
    assert after.threads <= before.threads + WORKER_THREADS
