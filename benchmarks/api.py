"""``python -m benchmarks.api``: creating and listing through the API, beside a bare route.

The bare route is FastAPI's with nothing behind it, in a process of its own: what is left when all
our work is taken away. A list of calls is measured at 100 rows and at ``--rows``;
``--database-url`` names an empty database to be measured instead of a SQLite file.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, Final
from uuid import uuid4

import httpx
import uvicorn
from fastapi import FastAPI
from sqlalchemy import insert

from benchmarks.bench import KEY
from benchmarks.figures import share_of
from benchmarks.machine import machine
from benchmarks.speech import AGENT, make_speech
from cordboard.storage.database import Database
from cordboard.storage.tables import Call

CONNECTIONS_COUNT: Final = 8
CHUNK_COUNT: Final = 2_000
PROMPT: Final = {"content": "Be brief."}
Ask = Callable[[httpx.Client], httpx.Response]


@dataclass(frozen=True, slots=True)
class Figures:
    """Times of one request after the other, and how many a second from several at once."""

    p50_ms: float
    p95_ms: float
    per_second: float

    def row(self, name: str) -> str:
        """Return a line of the table."""
        return f"| {name} | {self.p50_ms:.2f} | {self.p95_ms:.2f} | {self.per_second:.0f} |\n"


def bare() -> None:
    """Serve a route with nothing behind it; its port is printed."""
    app = FastAPI(openapi_url=None)

    @app.post("/")
    async def create(body: dict[str, Any]) -> dict[str, Any]:
        return body

    config = uvicorn.Config(app, port=0, log_level="critical")
    sock = config.bind_socket()
    sys.stdout.write(f'{{"http_port": {sock.getsockname()[1]}}}\n')
    sys.stdout.flush()
    uvicorn.Server(config).run([sock])


@contextmanager
def serving(words: list[str], log: IO[str]) -> Iterator[httpx.Client]:
    """Run a server until the end of the block and return a client to it."""
    process = subprocess.Popen(
        [sys.executable, "-m", *words], stdout=subprocess.PIPE, stderr=log, text=True
    )
    with process:
        try:
            assert process.stdout is not None
            port = json.loads(process.stdout.readline())["http_port"]
            base_url = f"http://127.0.0.1:{port}"
            headers = {"Authorization": f"Bearer {KEY}"}
            with httpx.Client(base_url=base_url, headers=headers, timeout=60) as client:
                yield client
        finally:
            process.send_signal(signal.SIGTERM)


def measured(client: httpx.Client, ask: Ask, count: int) -> Figures:
    """Ask so many times in a row, then as often from several connections at once."""

    def timed(_turn: int) -> float:
        began = time.perf_counter()
        ask(client).raise_for_status()
        return (time.perf_counter() - began) * 1000

    for turn in range(20):
        timed(turn)
    times = sorted(timed(turn) for turn in range(count))
    began = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS_COUNT) as pool:
        list(pool.map(timed, range(count)))
    rate = count / (time.perf_counter() - began)
    return Figures(share_of(times, 0.5), share_of(times, 0.95), rate)


async def fill(database_url: str, agent: dict[str, Any], count: int) -> None:
    """Put so many ended calls on record."""
    database = Database(database_url)
    at = datetime.now(UTC) - timedelta(days=2)
    for first in range(0, count, CHUNK_COUNT):
        chunk = range(first, min(first + CHUNK_COUNT, count))
        async with database.write() as session:
            rows = _rows(agent, [at + timedelta(seconds=number) for number in chunk])
            await session.execute(insert(Call), rows)
    await database.close()


def _rows(agent: dict[str, Any], times: list[datetime]) -> list[dict[str, Any]]:
    fields = {
        "organisation_id": agent["user_id"], "direction": "inbound", "status": "ended",
        "from_number": "12025550101", "to_number": "12025550100", "agent_id": agent["id"],
        "agent_phone_number": "12025550100", "agent": agent, "plan": {}, "carrier": "sip",
        "telephony_provider": "sip", "operator": "agent", "hipaa_compliant": False,
        "recording_available": False,
        "transcript": "HUMAN: hello\nBOT: hello\n" * 20,
    }  # fmt: skip
    return [
        {**fields, "id": str(uuid4()), "created_at": at, "started_at": at, "ended_at": at}
        for at in times
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.api", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000, help="calls on record")
    parser.add_argument("--count", type=int, default=300, help="requests of each kind")
    parser.add_argument("--database-url", help="an empty database; without it, a SQLite file")
    parser.add_argument("--bare", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.bare:
        bare()
        return
    sys.stdout.write(f"{machine()}\n\n| request | p50 ms | p95 ms | per second, ")
    sys.stdout.write(f"{CONNECTIONS_COUNT} at once |\n|---|---|---|---|\n")
    with tempfile.TemporaryDirectory() as name, (Path(name) / "log").open("w+") as log:
        database_url = given.database_url or f"sqlite:///{name}/cordboard.db"
        _run(Path(name), log, given.rows, given.count, database_url)


def _run(place: Path, log: IO[str], rows: int, count: int, database_url: str) -> None:
    def show(name: str, client: httpx.Client, ask: Ask) -> None:
        sys.stdout.write(measured(client, ask, count).row(name))
        sys.stdout.flush()

    with serving(["benchmarks.api", "--bare"], log) as client:
        show("bare FastAPI route", client, lambda it: it.post("/", json=PROMPT))
    make_speech(place)
    words = [
        "benchmarks.server", "0", str(place / AGENT), "--profile=development", "--http-port=0",
        "--sip-port=0", f"--bootstrap-key={KEY}", f"--data-dir={place / 'data'}",
        "--log-level=warning", f"--database-url={database_url}",
    ]  # fmt: skip
    with serving(words, log) as client:
        show("create a prompt", client, lambda it: it.post("/v1/prompts/create", json=PROMPT))
        show("list prompts", client, lambda it: it.get("/v1/prompts/list"))
        agent = client.post("/v1/agents/create", json={"prompt": PROMPT}).json()
        there = 0
        for wanted in (100, rows):
            asyncio.run(fill(database_url, agent, wanted - there))
            there = wanted
            for title, page in (("first", 1), ("middle", wanted // 20), ("last", wanted // 10)):
                query = {"page": page}
                name = f"list calls, {wanted} there, {title} page"
                show(name, client, lambda it, q=query: it.get("/v1/calls/list", params=q))  # type: ignore[misc]


if __name__ == "__main__":
    main()
