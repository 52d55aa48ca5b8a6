"""A real ``cordboard serve`` process, as users run it, with what a test wants to know of it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

KEY = "end-to-end-tests-own-key"
NUMBER = "+12025550101"
GREETING = "Hello there, how are you"
START_WAIT_S = 40.0
STOP_WAIT_S = 30.0

COUNTS = "counts.json"
PLAIN = ("-m", "cordboard")
OBSERVED = ("-m", "tests.e2e.observed")

Json = dict[str, Any]

_ANNOUNCED = re.compile(r"HTTP on (\S+:\d+), SIP on (\S+):(\d+)")
_WORKING = re.compile(r"^Working on ", re.MULTILINE)
_PLAIN = {
    "profile": "development",
    "http_port": "0",
    "sip_port": "0",
    "transcriber": "tone",
    "synthesizer": "tone",
    "bootstrap_key": KEY,
}


@dataclass(frozen=True, slots=True)
class Usage:
    """What the operating system counts for a process."""

    descriptors: int
    threads: int
    resident_kib: int
    cpu_s: float


class Server:
    """One server on free ports and an empty data directory; ``start``, then ``stop``.

    ``options`` are settings by name. ``program`` stands in for the plain command where a test
    must see inside. ``environment`` are settings that are given by variables.
    """

    def __init__(
        self,
        directory: Path,
        options: Mapping[str, str] | None = None,
        program: Sequence[str] = PLAIN,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.directory = directory
        self.host = ""
        self.sip_port = 0
        self._settings = {**_PLAIN, "data_dir": str(directory / "var"), **(options or {})}
        self._command = [sys.executable, *program, "serve"]
        self._variables = dict(environment or {})
        self._log_path = directory / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._client: httpx.Client | None = None

    def start(self) -> None:
        """Start the process and wait until it listens."""
        announced = self._launch(_ANNOUNCED)
        self.host, self.sip_port = announced[2], int(announced[3])
        self._client = httpx.Client(
            base_url=f"http://{announced[1]}",
            headers={"Authorization": f"Bearer {self._settings['bootstrap_key']}"},
            timeout=30,
        )

    def _launch(self, announcement: re.Pattern[str]) -> re.Match[str]:
        """Start the process and wait until it has announced itself."""
        self.directory.mkdir(parents=True, exist_ok=True)
        options = [f"--{name.replace('_', '-')}={value}" for name, value in self._settings.items()]
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._command, *options], stdout=log, stderr=log, env=self._environment()
            )
        deadline = time.monotonic() + START_WAIT_S
        while (announced := announcement.search(self.log())) is None:
            assert self._process.poll() is None, f"the server did not start:\n{self.log()[-3000:]}"
            assert time.monotonic() < deadline, f"the server is not up:\n{self.log()[-3000:]}"
            time.sleep(0.05)  # noqa: TID251  (there is no loop here)
        return announced

    def _environment(self) -> dict[str, str]:
        kept = {
            name: text for name, text in os.environ.items() if not name.startswith("CORDBOARD_")
        }
        counts = str(self.directory / COUNTS)
        return {**kept, "PYTHONUNBUFFERED": "1", "E2E_COUNTS_FILE": counts, **self._variables}

    def stop(self) -> int:
        """End the process as an operator does (SIGTERM); returns its exit code."""
        process = self._process
        assert process is not None
        if self._client is not None:
            self._client.close()
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            return process.wait(STOP_WAIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    @property
    def pid(self) -> int:
        """The server's process id."""
        assert self._process is not None
        return self._process.pid

    def signal(self, number: int) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    def wait(self, wait_s: float) -> int:
        """Wait until the process ends by itself; returns its exit code."""
        assert self._process is not None
        return self._process.wait(wait_s)

    @property
    def address(self) -> tuple[str, int]:
        """Where it takes SIP."""
        return self.host, self.sip_port

    @property
    def api(self) -> httpx.Client:
        """A client of its REST API."""
        assert self._client is not None
        return self._client

    def create(self, path: str, content: Json) -> Json:
        """Create something through the REST API and return it."""
        answer = self.api.post(path, json=content)
        assert answer.status_code in (200, 201), answer.text
        created: Json = answer.json()
        return created

    def log(self) -> str:
        """Everything the process has written so far."""
        if not self._log_path.exists():
            return ""
        return self._log_path.read_text(encoding="utf-8", errors="replace")

    def mistakes(self) -> list[str]:
        """The lines of the log that tell of a mistake of our own."""
        return [
            line
            for line in self.log().splitlines()
            if '"level":"error"' in line.replace(": ", ":") or "Traceback" in line
        ]

    def usage(self) -> Usage:
        """Return what the process holds at this moment."""
        home = Path(f"/proc/{self.pid}")
        status = (home / "status").read_text(encoding="ascii", errors="replace")
        figures = dict(re.findall(r"^(VmRSS|Threads):\s+(\d+)", status, re.MULTILINE))
        times = (home / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2]
        ticks = sum(int(field) for field in times.split()[11:13])
        return Usage(
            descriptors=len(list((home / "fd").iterdir())),
            threads=int(figures["Threads"]),
            resident_kib=int(figures["VmRSS"]),
            cpu_s=ticks / os.sysconf("SC_CLK_TCK"),
        )

    async def inside(self) -> dict[str, int]:
        """Return what the process holds, by its own count; only with ``program=OBSERVED``."""
        path = self.directory / COUNTS
        path.unlink(missing_ok=True)
        self.signal(signal.SIGUSR1)
        async with asyncio.timeout(5):
            while not path.exists():  # noqa: ASYNC110  (another process writes it)
                await asyncio.sleep(0.02)
        found: dict[str, int] = json.loads(path.read_text(encoding="ascii"))
        return found

    def calls(self, handle: str = "") -> list[Json]:
        """Return the calls whose carrier handle (the Call-ID) begins with ``handle``."""
        found: list[Json] = []
        page = 1
        while True:
            answer = self.api.get("/x/v1/calls/list", params={"page": page, "size": 200})
            assert answer.status_code == 200, answer.text
            content = answer.json()
            found += content["items"]
            if not content["has_more"]:
                break
            page += 1
        return [call for call in found if (call["telephony_id"] or "").startswith(handle)]

    def events(self, call_id: str) -> list[Json]:
        """Return the facts of a call's timeline."""
        items: list[Json] = self.api.get(f"/x/v1/calls/{call_id}/events").json()["items"]
        return items

    async def ended_calls(self, handle: str, count: int = 1, wait_s: float = 10.0) -> list[Json]:
        """Wait until ``count`` calls of that handle are on record and over; return them."""
        deadline = time.monotonic() + wait_s
        while True:
            calls = await asyncio.to_thread(self.calls, handle)
            over = [call for call in calls if call["status"] in ("ended", "error")]
            if len(over) >= count and len(over) == len(calls):
                return over
            assert time.monotonic() < deadline, f"{len(over)} of {count} calls over: {calls[-3:]}"
            await asyncio.sleep(0.1)


class WorkProcess(Server):
    """A process that does durable work only: it has neither ports nor an API."""

    def __init__(self, directory: Path, options: Mapping[str, str]) -> None:
        public_url = "http://cordboard.example"
        super().__init__(directory, {"public_url": public_url, **options, "roles": "work"})

    def start(self) -> None:
        """Start the process and wait until it works."""
        self._launch(_WORKING)


def furnish(
    server: Server,
    trunk: Json | None = None,
    number: str = NUMBER,
    greeting: str = GREETING,
    agent: Json | None = None,
) -> Json:
    """Create a trunk, an agent and a number that rings it; returns the trunk, which counts now."""
    made = server.create(
        "/x/v1/sip_trunks/create",
        {"name": f"trunk of {number}", **({"networks": ["127.0.0.1/32"]} | (trunk or {}))},
    )
    voice = {"type": "voice_vocode", "voice_id": "joe"}
    wanted = {"prompt": {"content": "Be brief."}, "voice": voice, "initial_message": greeting}
    answering = server.create("/v1/agents/create", {**wanted, **(agent or {})})
    server.create(
        "/v1/numbers/link",
        {
            "phone_number": number,
            "telephony_account_connection": made["id"],
            "inbound_agent": answering["id"],
        },
    )
    return made
