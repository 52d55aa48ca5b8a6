"""A real server on loopback, in a thread of its own, for clients that know nothing of it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any, TypeVar

import httpx
import uvicorn
from fastapi import FastAPI
from sqlalchemy import select

from cordboard.clock import SystemClock
from cordboard.control.app import create_app
from cordboard.control.keys.service import KeyMaking, ensure_owner
from cordboard.control.services import ConfigProblem, ControlServices
from cordboard.egress import EgressPolicy, check_url
from cordboard.ids import Randomness
from cordboard.storage.database import Database, migrate
from cordboard.storage.tables import Organisation, SipTrunk
from cordboard.storage.vault import MasterKey, Vault
from cordboard.wiring.reach import TrunkReach
from tests.control import fitting

T = TypeVar("T")

OWNER_KEY = "an-owner-key-for-tests"


@dataclass(frozen=True)
class MemorySound:
    """A recording in memory."""

    content: bytes
    tag: str = "t1"

    @property
    def size_bytes(self) -> int:
        """Its length."""
        return len(self.content)

    def read(self, start: int, size: int) -> bytes:
        """Return a part."""
        return self.content[start : start + size]


@dataclass
class Engine:
    """Stands for whoever runs calls: notes what it is asked, and answers as told."""

    asked: list[str] = field(default_factory=list)
    runs_it: bool = True
    recordings: dict[str, bytes] = field(default_factory=dict)
    not_ready: str | None = None
    trunks_seen: list[set[str]] = field(default_factory=list)

    async def end_call(self, call_id: str) -> bool:
        """Note the request."""
        self.asked.append(call_id)
        return self.runs_it

    async def open_mp3(self, call_id: str) -> MemorySound | None:
        """Return what was put there."""
        found = self.recordings.get(call_id)
        return None if found is None else MemorySound(found)

    async def ready(self) -> str | None:
        """Return the reason that was put there."""
        return self.not_ready


@dataclass(frozen=True)
class BadConfig:
    """A problem as the check of external actions reports it."""

    place: Sequence[str | int]
    message: str


def check_config(
    config: Mapping[str, object],
) -> tuple[Sequence[ConfigProblem], Sequence[str]]:
    """Stand for the real check: refuse a property named ``bad``, warn of one named ``odd``."""
    schema = config["input_schema"]
    assert isinstance(schema, dict)
    properties = schema.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    problems = [BadConfig(("input_schema", "properties", "bad"), "is bad")]
    return (problems if "bad" in properties else []), (["odd"] if "odd" in properties else [])


@dataclass
class Server:
    """The running server and what a test may look at from behind."""

    base_url: str
    services: ControlServices
    engine: Engine
    run: Callable[[Coroutine[Any, Any, Any]], Any]
    app: FastAPI

    def client(self, key: str | None = OWNER_KEY, **headers: str) -> httpx.Client:
        """Return a plain HTTP client that holds each answer to our own description."""
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        hooks = {"response": [fitting.check]}
        return httpx.Client(base_url=self.base_url, headers=headers, timeout=30, event_hooks=hooks)

    def other_organisation(self, role: str = "owner") -> str:
        """Make another organisation and return a key to it."""

        async def make() -> str:
            services = self.services
            making = KeyMaking(services.clock, services.randomness, services.key_secret)
            async with services.database.write() as session:
                row = Organisation(
                    id=services.randomness.uuid(), name="B", created_at=services.clock.wall()
                )
                session.add(row)
                await session.flush()
                return making.add(session, row.id, "b", role)

        key = self.run(make())
        assert isinstance(key, str)
        return key


def services_on(url: str, engine: Engine) -> ControlServices:
    """Return what an API on the database at ``url`` is handed."""
    database = Database(url)

    async def trunks_changed() -> None:
        async with database.read() as session:
            engine.trunks_seen.append(set(await session.scalars(select(SipTrunk.id))))

    policy = EgressPolicy(open_networks=(ip_network("127.0.0.0/8"),))
    # Networks of documentation, where the tests' trunks lead.
    documented = ip_network("192.0.2.0/24"), ip_network("203.0.113.0/24")
    key = MasterKey(bytes(range(32)))
    randomness = Randomness.system()
    return ControlServices(
        database=database,
        vault=Vault(key, randomness.random_bytes),
        clock=SystemClock(),
        randomness=randomness,
        key_secret=key.derive("api-keys"),
        check_sip_target=TrunkReach((*policy.open_networks, *documented)).check,
        check_target=lambda target: check_url(target, policy),
        check_external_action=check_config,
        call_commands=engine,
        recordings=engine,
        ready=engine.ready,
        trunks_changed=trunks_changed,
    )


@contextmanager
def running(directory: Path, url: str | None = None) -> Iterator[Server]:
    """Run a server on an empty database: the one at ``url``, or a file in ``directory``."""
    url = url or f"sqlite+aiosqlite:///{directory}/cordboard.db"
    engine = Engine()
    services = services_on(url, engine)
    # With the protocol named, asyncio sees that it is TCP and turns Nagle's delay off.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    app = create_app(services)
    config = uvicorn.Config(app, log_level="critical", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    loops: list[asyncio.AbstractEventLoop] = []

    async def main() -> None:
        await migrate(url)
        await ensure_owner(services, OWNER_KEY)
        loops.append(asyncio.get_running_loop())
        await server.serve([listening])
        await services.database.close()

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    while not server.started and thread.is_alive():
        thread.join(0.01)
    assert loops, "the server did not start"

    def run(work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loops[0]).result(30)

    port = listening.getsockname()[1]
    try:
        yield Server(f"http://127.0.0.1:{port}", services, engine, run, app)
    finally:
        server.should_exit = True
        thread.join(10)
