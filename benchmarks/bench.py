"""One rung of the ladder: start a server, let N callers talk to it, return the figures."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import httpx

from benchmarks.figures import share_of
from benchmarks.load import Order
from benchmarks.machine import LOAD_CORE, SERVER_CORE, calibrated_ms
from benchmarks.probe import Probe, probe
from benchmarks.processes import Json, read_line, write_line

KEY = "a-key-for-benchmarks-only"
NUMBER = "+12025550101"


@dataclass(frozen=True, slots=True)
class Rung:
    """The figures of one N. Times in milliseconds, memory in KiB."""

    calls: int
    turns: int
    bad_turns: int
    own_p50: float
    own_p95: float
    greeting_p95: float
    overlap_p50: float
    overlap_p95: float
    late_share: float
    worst_late_ms: int
    gaps_share: float
    cpu_s_per_call_minute: float
    core_share: float
    others_share: float
    waited_share: float
    idle_kib: int
    call_kib: float
    generator_late_ms: float
    generator_p99_ms: float
    calibration_ms: tuple[int, int]


class Bench:
    """A server under test; made by ``bench``."""

    def __init__(
        self, process: subprocess.Popen[str], sip_port: int, speech: Path, first: bool
    ) -> None:
        self._first = first
        self._process = process
        self._sip_port = sip_port
        self._speech = speech

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._process.pid

    def look(self) -> Probe:
        """Look at the server's process tree."""
        return probe(self._process.pid, SERVER_CORE)

    def lateness(self) -> Json:
        """Ask the media clock how late it has been since the start."""
        self._process.send_signal(signal.SIGUSR1)
        return read_line(self._process)

    def churn(self, calls: int) -> Json:
        """Let so many short calls come and go."""
        with self._loading(self._order(calls=0, steady_s=0, churn=calls)) as load:
            return read_line(load)

    def rung(self, calls: int, steady_s: float) -> Rung:
        """Let so many callers talk for a while."""
        first_ms = calibrated_ms()
        idle = self.look()
        with self._loading(self._order(calls=calls, steady_s=steady_s)) as load:
            assert read_line(load) == {"steady": True}
            before, late_before = self.look(), self.lateness()
            assert read_line(load) == {"steady": False}
            after, late_after = self.look(), self.lateness()
            heard = read_line(load)
        clock = {name: late_after[name] - late_before[name] for name in ("frames", "late_frames")}
        return _rung(calls, heard, (idle, before, after), clock | {"worst": late_after["worst_ms"]},
                     (first_ms, calibrated_ms()))  # fmt: skip

    def _order(self, *, calls: int, steady_s: float, churn: int = 0) -> Order:
        return Order(
            core=LOAD_CORE, port=self._sip_port, number=NUMBER, speech=str(self._speech),
            calls=calls, warm_s=12, steady_s=steady_s, churn=churn, real_time=self._first,
        )  # fmt: skip

    @contextmanager
    def _loading(self, order: Order) -> Iterator[subprocess.Popen[str]]:
        load = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.load"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with load:
            write_line(load, json.dumps(asdict(order)))
            yield load
        if load.returncode != 0:
            raise RuntimeError(f"the generator ended with {load.returncode}")


@contextmanager
def bench(
    directory: Path, caller: Path, agent: Path, log: IO[str], first: bool = False
) -> Iterator[Bench]:
    """Run a server with a number, recording on, until the end of the block.

    ``first``: the generator goes before all other work of its core.
    """
    options = {
        "profile": "development", "http_port": "0", "sip_port": "0", "bootstrap_key": KEY,
        "data_dir": str(directory), "calls_max_count": "1000", "log_level": "warning",
    }  # fmt: skip
    words = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.server", str(SERVER_CORE), str(agent), *words],
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    with process:
        try:
            ports = read_line(process)
            _furnish(f"http://127.0.0.1:{ports['http_port']}")
            yield Bench(process, ports["sip_port"], caller, first)
        finally:
            process.send_signal(signal.SIGTERM)


def _furnish(base_url: str) -> None:
    agent = {
        "prompt": {"content": "Be brief."},
        "voice": {"type": "voice_vocode", "voice_id": "joe"},
        "initial_message": "Good evening, this is the restaurant. What can I do for you?",
    }
    with httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {KEY}"}) as http:

        def create(path: str, content: Json) -> str:
            answer = http.post(path, json=content).raise_for_status()
            return str(answer.json()["id"])

        link = {
            "phone_number": NUMBER,
            "inbound_agent": create("/v1/agents/create", agent),
            "telephony_account_connection": create(
                "/x/v1/sip_trunks/create", {"name": "bench", "networks": ["127.0.0.0/8"]}
            ),
        }
        http.post("/v1/numbers/link", json=link).raise_for_status()
    time.sleep(1.5)  # noqa: TID251  (trunks are looked for once a second)


def _rung(
    calls: int,
    heard: Json,
    looks: tuple[Probe, Probe, Probe],
    clock: Json,
    calibration_ms: tuple[int, int],
) -> Rung:
    idle, before, after = looks
    seconds = after.at - before.at
    cpu_s = after.cpu_s - before.cpu_s
    own = sorted(heard["own_ms"])
    overlaps = sorted(heard["overlap_ms"])
    return Rung(
        calls=calls,
        turns=len(own),
        bad_turns=heard["bad_turns"],
        own_p50=share_of(own, 0.5),
        own_p95=share_of(own, 0.95),
        greeting_p95=share_of(sorted(heard["greeting_ms"]), 0.95),
        overlap_p50=share_of(overlaps, 0.5),
        overlap_p95=share_of(overlaps, 0.95),
        late_share=clock["late_frames"] / max(1, clock["frames"]),
        worst_late_ms=clock["worst"],
        gaps_share=heard["late_frames"] / max(1, heard["frames"]),
        cpu_s_per_call_minute=cpu_s / (calls * seconds / 60),
        core_share=cpu_s / seconds,
        others_share=max(0.0, after.core_busy_s - before.core_busy_s - cpu_s) / seconds,
        waited_share=(after.waited_s - before.waited_s) / seconds,
        idle_kib=idle.resident_kib,
        call_kib=(after.resident_kib - idle.resident_kib) / calls,
        generator_late_ms=heard["generator_late_ms"],
        generator_p99_ms=heard["generator_p99_ms"],
        calibration_ms=calibration_ms,
    )
