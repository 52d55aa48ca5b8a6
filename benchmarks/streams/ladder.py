"""One rung for one contestant: start it, let N callers talk to it, return the figures."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import IO

import httpx

from benchmarks.figures import share_of
from benchmarks.machine import LOAD_CORE, SERVER_CORE, calibrated_ms, lift_group
from benchmarks.probe import Probe, probe
from benchmarks.processes import Json, read_line, write_line
from benchmarks.speech import AGENT, CALLER
from benchmarks.streams.load import Order

HEALTHY_WAIT_S = 90.0
RAMP_S_PER_CALL = 0.05
OWN_MS_MAX = 1000.0
LATE_SHARE_MAX = 0.05
NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server by its command; ``PORT`` and ``BENCH_FAKES`` are in its environment.

    It answers ``/healthz`` when it is up and takes media streams at ``/ws``.
    """

    name: str
    command: Sequence[str]


@dataclass(frozen=True, slots=True)
class Rung:
    """The figures of one contestant with N calls. Times in milliseconds, memory in KiB."""

    name: str
    calls: int
    turns: int
    bad: int
    own_p50: float
    own_p95: float
    clear_p50: float
    clear_p95: float
    ready_p95: float
    late_share: float
    cpu_s_per_call_minute: float
    core_share: float
    others_share: float
    idle_kib: int
    call_kib: float
    generator_late_ms: float
    generator_p99_ms: float
    calibration_ms: tuple[int, int]
    stages_p50: dict[str, float] = field(default_factory=dict)
    asking_p50: float = NAN
    asking_p95: float = NAN
    """From the end of speech to when model or app are asked, less what the transcriber took."""
    answering_p50: float = NAN
    answering_p95: float = NAN
    """From the answer to its first sound, less what the voice took."""

    @property
    def broke(self) -> bool:
        """Whether more calls are not worth trying: turns fail, or answers and sound are far too
        late.
        """
        failed = self.bad > 0.01 * (self.turns + self.bad) or not self.turns
        return failed or self.own_p95 > OWN_MS_MAX or self.late_share > LATE_SHARE_MAX


@dataclass(slots=True)
class Ground:
    """Where runs happen: ``place`` holds the speech, ``log`` takes what the servers say.

    ``first``: this process goes before other work, and servers shall, too. ``profile`` names a file
    for what py-spy sees in the measured time.
    """

    place: Path
    log: IO[str]
    first: bool = False
    profile: Path | None = None


def climb(contestant: Contestant, calls: int, steady_s: float, ground: Ground) -> Rung:
    """Measure one rung. Raises ``RuntimeError`` when the server or the generator fails."""
    first_ms = calibrated_ms()
    server_port, vendors_port = _free_port(), _free_port()
    order = Order(
        core=LOAD_CORE, vendors_port=vendors_port, server_port=server_port,
        speech=str(ground.place / CALLER), voice=str(ground.place / AGENT),
        calls=calls, ramp_s=max(2.0, RAMP_S_PER_CALL * calls), steady_s=steady_s,
    )  # fmt: skip
    with _loading(order) as load:
        read_line(load)
        with _serving(contestant, server_port, vendors_port, ground) as server:
            idle = probe(server.pid, SERVER_CORE)
            write_line(load, "")
            assert read_line(load) == {"steady": True}
            before = probe(server.pid, SERVER_CORE)
            with _profiled(server.pid, steady_s, ground.profile):
                assert read_line(load) == {"steady": False}
            after = probe(server.pid, SERVER_CORE)
            heard = read_line(load)
    return rung_of(
        contestant.name, calls, heard, (idle, before, after), (first_ms, calibrated_ms())
    )


def rung_of(
    name: str,
    calls: int,
    heard: Json,
    looks: tuple[Probe, Probe, Probe],
    calibration_ms: tuple[int, int],
) -> Rung:
    """Put the figures together: what callers heard, and the server idle, before and after."""
    idle, before, after = looks
    seconds, cpu_s = after.at - before.at, after.cpu_s - before.cpu_s
    asking = _sums(heard["stages_ms"], "to_transcriber", "to_model")
    answering = _sums(heard["stages_ms"], "to_voice", "to_caller")
    own, clear, ready = (sorted(heard[key]) for key in ("own_ms", "clear_ms", "ready_ms"))
    return Rung(
        name=name,
        calls=calls,
        turns=heard["turns"],
        bad=heard["bad"],
        own_p50=share_of(own, 0.5),
        own_p95=share_of(own, 0.95),
        clear_p50=share_of(clear, 0.5),
        clear_p95=share_of(clear, 0.95),
        ready_p95=share_of(ready, 0.95),
        late_share=heard["late_frames"] / max(1.0, heard["frames"]),
        cpu_s_per_call_minute=cpu_s / (calls * seconds / 60),
        core_share=cpu_s / seconds,
        others_share=max(0.0, after.core_busy_s - before.core_busy_s - cpu_s) / seconds,
        idle_kib=idle.resident_kib,
        call_kib=(after.resident_kib - idle.resident_kib) / calls,
        generator_late_ms=heard["generator_late_ms"],
        generator_p99_ms=heard["generator_p99_ms"],
        calibration_ms=calibration_ms,
        stages_p50={
            stage: share_of(sorted(values), 0.5) for stage, values in heard["stages_ms"].items()
        },
        asking_p50=share_of(asking, 0.5),
        asking_p95=share_of(asking, 0.95),
        answering_p50=share_of(answering, 0.5),
        answering_p95=share_of(answering, 0.95),
    )


def _sums(stages_ms: dict[str, list[float]], first: str, second: str) -> list[float]:
    pairs = zip(stages_ms.get(first, ()), stages_ms.get(second, ()), strict=True)
    return sorted(one + other for one, other in pairs)


@contextmanager
def _loading(order: Order) -> Iterator[subprocess.Popen[str]]:
    load = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.streams.load"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with load:
        try:
            write_line(load, json.dumps(asdict(order)))
            yield load
            load.wait(20)
        finally:
            load.kill()


@contextmanager
def _serving(
    contestant: Contestant, port: int, vendors_port: int, ground: Ground
) -> Iterator[subprocess.Popen[bytes]]:
    vendors = f"http://127.0.0.1:{vendors_port}"
    server = subprocess.Popen(
        list(contestant.command),
        stdout=ground.log,
        stderr=ground.log,
        env=os.environ | {"PORT": str(port), "BENCH_FAKES": vendors, "PYTHONWARNINGS": "ignore"},
        preexec_fn=partial(_placed, ground.first),
        start_new_session=True,
    )
    try:
        _until_healthy(server, f"http://127.0.0.1:{port}/healthz")
        yield server
    finally:
        _end(server)


def _placed(first: bool) -> None:
    os.sched_setaffinity(0, {SERVER_CORE})
    if first:
        lift_group()


def _until_healthy(server: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + HEALTHY_WAIT_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if httpx.get(url, timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.1)  # noqa: TID251  (there is no loop here)
    raise RuntimeError(f"{server.args!r} is not up")


def _end(server: subprocess.Popen[bytes]) -> None:
    """End the server with all that it has started: the session is its own."""
    for number, wait_s in ((signal.SIGTERM, 15.0), (signal.SIGKILL, 5.0)):
        try:
            os.killpg(server.pid, number)
            server.wait(wait_s)
        except ProcessLookupError:
            break
        except subprocess.TimeoutExpired:
            continue
    server.wait(5)


@contextmanager
def _profiled(pid: int, seconds: float, profile: Path | None) -> Iterator[None]:
    """Have py-spy look 50 times a second; it stops the server for each look."""
    if profile is None:
        yield
        return
    command = ["py-spy", "record", "-p", str(pid), "-d", str(int(seconds) - 2), "-r", "50",
               "-f", "raw", "-o", str(profile)]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        yield


def _free_port() -> int:
    with socket.socket() as probing:
        probing.bind(("127.0.0.1", 0))
        return int(probing.getsockname()[1])
