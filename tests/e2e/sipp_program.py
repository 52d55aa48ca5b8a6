"""Runs ``sipp``, the foreign SIP traffic generator, on the scenarios of ``tests/e2e/sipp``."""

from __future__ import annotations

import asyncio
import csv
import itertools
import os
import re
import shutil
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from tests.e2e.server import NUMBER
from tests.e2e.sounds import write_words

SCENARIOS = Path(__file__).parent / "sipp"
PROGRAM = "sipp"
SCENARIO = "scenario.xml"
LOCAL_HOST = "127.0.0.1"

# Below the server's own range; another run of these tests beside us begins elsewhere.
_MEDIA_PORTS = range(10_000, 20_000, 400)
_media_ports = itertools.islice(itertools.cycle(_MEDIA_PORTS), os.getpid() % 25, None)
_runs = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to run a scenario.

    ``calls`` one after another unless ``at_once`` allows more; ``rate`` new ones a second.
    ``advertised`` is the address that Contact and session description name. ``keys`` fill
    ``[name]`` in the scenario, ``words`` are what it says. Receiving anything takes ``wait_ms`` at
    most.
    """

    number: str = NUMBER
    host: str = LOCAL_HOST
    advertised: str | None = None
    calls: int = 1
    at_once: int = 1
    rate: float = 10.0
    hold_ms: int = 1_000
    words: str = "good morning"
    wait_ms: int = 8_000
    timeout_s: int = 60
    keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """How a run of ``sipp`` went. ``handle`` begins the Call-ID of each of its calls."""

    handle: str
    exit_code: int
    succeeded: int
    failed: int
    messages: str
    errors: str

    def time_of(self, beginning: str) -> float:
        """Return when the first message that begins so was on the wire, as a Unix time."""
        for block in self.messages.split("-----------------------------------------------")[1:]:
            stamp, _, content = block.strip().partition("\n")
            lines = [line for line in content.splitlines() if line.strip()]
            if len(lines) > 1 and lines[1].startswith(beginning):
                return datetime.fromisoformat(stamp.strip()).timestamp()
        raise AssertionError(f"no {beginning!r} on the wire\n{self.explain()}")

    def count(self, way: str) -> int:
        """Return how many messages were ``sent`` or ``received``."""
        return len(re.findall(rf"^UDP message {way}", self.messages, re.MULTILINE))

    def explain(self) -> str:
        """Say what went wrong, with the last messages on the wire."""
        return f"sipp exit {self.exit_code}\n{self.errors[-3_000:]}\n{self.messages[-6_000:]}"


async def run_sipp(
    scenario: str, destination: tuple[str, int], directory: Path, plan: Plan | None = None
) -> Run:
    """Run one scenario file to its end and return how it went; never raises for a failed call."""
    plan = plan or Plan()
    assert shutil.which(PROGRAM), "sipp is missing: install the package sip-tester"
    number = next(_runs)
    handle = f"{scenario.replace('_', '-')}.{number}."
    place = directory / f"{scenario}.{number}"
    place.mkdir(parents=True)
    write_words(place, plan.words)
    text = (SCENARIOS / f"{scenario}.xml").read_text(encoding="utf-8")
    for name, value in {"advertised": plan.advertised or plan.host, **plan.keys}.items():
        text = text.replace(f"[{name}]", value)
    (place / SCENARIO).write_text(text, encoding="utf-8")
    with (place / "stderr.log").open("wb") as complaints:
        process = await asyncio.create_subprocess_exec(
            *_command(destination, handle, plan),
            cwd=place,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=complaints,
        )
    try:
        async with asyncio.timeout(plan.timeout_s + 10):
            code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return read_run(place, handle, code)


def _command(destination: tuple[str, int], handle: str, plan: Plan) -> list[str]:
    fixed = {
        "-sf": SCENARIO,
        "-s": plan.number,
        "-i": plan.host,
        "-mi": plan.host,
        "-mp": str(_free_media_port(plan.host, 4 * plan.at_once)),
        "-m": str(plan.calls),
        "-l": str(plan.at_once),
        "-r": f"{plan.rate:g}",
        "-d": str(plan.hold_ms),
        "-cid_str": f"{handle}%u",
        "-recv_timeout": str(plan.wait_ms),
        "-timeout": f"{plan.timeout_s}s",
        "-deadcall_wait": "0",
        "-stf": "stat.csv",
        "-error_file": "errors.log",
        "-message_file": "messages.log",
    }
    words = [word for pair in fixed.items() for word in pair]
    traces = ["-trace_stat", "-trace_err", "-trace_msg", "-timeout_error", "-nostdin"]
    address = f"{destination[0]}:{destination[1]}"
    return [PROGRAM, address, *words, *traces]


def _free_media_port(host: str, count: int) -> int:
    """Return the first of ``count`` ports in a row that nobody holds: sipp does not look."""
    for _ in _MEDIA_PORTS:
        first = next(_media_ports)
        with ExitStack() as held:
            try:
                for port in range(first, first + count):
                    probe = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                    probe.bind((host, port))
            except OSError:
                continue
            return first
    raise AssertionError("no free ports for sound")


def read_run(place: Path, handle: str, code: int) -> Run:
    """Read what a run of ``sipp`` left in ``place``."""

    def text(name: str) -> str:
        path = place / name
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    rows = list(csv.DictReader(text("stat.csv").splitlines(), delimiter=";"))
    last = rows[-1] if rows else {}
    return Run(
        handle=handle,
        exit_code=code,
        succeeded=int(last.get("SuccessfulCall(C)") or 0),
        failed=int(last.get("FailedCall(C)") or 0),
        messages=text("messages.log"),
        errors=text("errors.log") + text("stderr.log"),
    )
