"""A webhook's receiver that answers by script, and a house with a call whose events it gets."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

from aiohttp import web
from sqlalchemy import select

from cordboard.call.plan import CallPlan
from cordboard.delivery.worker import DeliveryParts, DeliveryWorker
from cordboard.egress import Egress, EgressPolicy
from cordboard.ids import Randomness
from cordboard.ports import CallEnding, Clock, Fact
from cordboard.storage import call_writes, deliveries
from cordboard.storage.call_writes import KeptFact, Lease
from cordboard.storage.database import Database, migrate
from cordboard.storage.tables import Delivery, Organisation
from cordboard.storage.vault import MasterKey, Vault
from tests.calls import new_call

KEY = bytes(range(32))
ORGANISATION = "00000000-0000-4000-8000-000000000001"
EVERY = [
    *("event_message", "event_action", "event_phone_call_connected", "event_phone_call_ended"),
    *("event_phone_call_did_not_connect", "event_transcript", "event_recording"),
]
Answer = Callable[[web.Request], int]


@dataclass
class HandClock:
    """A clock that a test sets forward."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def now_ms(self) -> int:
        """Return milliseconds."""
        return int(self.at.timestamp() * 1000)

    def wall(self) -> datetime:
        """Return the time."""
        return self.at

    async def sleep_until(self, at_ms: int) -> None:
        """Nobody waits on it."""
        raise NotImplementedError

    def forward(self, **span: float) -> None:
        """Let time pass."""
        self.at += timedelta(**span)


@dataclass(frozen=True)
class Got:
    """One request."""

    path: str
    at: datetime
    headers: dict[str, str]
    body: bytes
    query: dict[str, str]
    status: int

    @property
    def event(self) -> dict[str, Any]:
        """The event of a POST."""
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed

    @property
    def event_id(self) -> str:
        """The event's id."""
        return self.headers["webhook-id"]


class Receiver:
    """``answers`` maps a path to a status, or to something that is asked; else 200. Each takes
    ``slow_s``.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.slow_s = 0.0
        self.got: list[Got] = []
        self._arrived = asyncio.Condition()
        self.answers: dict[str, int | Answer] = {}
        self.headers: dict[str, str] = {}
        self.hanging: set[str] = set()
        self.port = 0

    def url(self, path: str = "/in") -> str:
        """Return an address of it."""
        return f"http://127.0.0.1:{self.port}{path}"

    async def _take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = await request.read()
        answer = self.answers.get(request.path, 200)
        status = answer if isinstance(answer, int) else answer(request)
        query = dict(request.query)
        got = Got(request.path, self.clock.wall(), headers, body, query, status)
        async with self._arrived:
            self.got.append(got)
            self._arrived.notify_all()
        if request.path in self.hanging:
            await asyncio.sleep(60)
        await asyncio.sleep(self.slow_s)
        return web.Response(status=status, headers=self.headers, text="noted")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Receive within the block."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._take)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]
        try:
            yield
        finally:
            await runner.cleanup()

    async def has(self, count: int, wait_s: float = 10) -> list[Got]:
        """Wait for so many requests, and a moment for one too many."""
        async with asyncio.timeout(wait_s), self._arrived:
            await self._arrived.wait_for(lambda: len(self.got) >= count)
        await asyncio.sleep(0.05)
        assert len(self.got) == count
        return self.got


class House:
    """A database with calls, a receiver and a worker between them."""

    def __init__(self, database: Database, clock: HandClock, receiver: Receiver) -> None:
        self.database = database
        self.clock = clock
        self.receiver = receiver
        self.vault = Vault(MasterKey(KEY), random.randbytes)
        self._ids = Randomness.seeded(7)

    async def add_call(self, path: str = "/in", method: str = "POST", **options: Any) -> str:
        """Add a call whose agent has a webhook."""
        call_id = self._ids.uuid()
        webhook = {
            "id": str(options.get("webhook_id") or self._ids.uuid()),
            "url": self.receiver.url(path),
            "method": method,
            "subscriptions": options.get("subscriptions", EVERY),
        }
        plan, leg_id = CallPlan(organisation_id=ORGANISATION), self._ids.uuid()
        call = new_call(plan, call_id=call_id, leg_id=leg_id, at=self.clock.wall())
        lease = Lease("e", self.clock.wall() + timedelta(days=99))
        row, leg = call_writes.new_rows(call, {"webhook": webhook}, lease)
        async with self.database.write() as session:
            session.add(row)
            await session.flush()
            session.add(leg)
        return call_id

    async def answer(self, call_id: str) -> None:
        """Answer a call."""
        async with self.database.write() as session:
            await call_writes.mark_answered(session, call_id, self.clock.wall())

    async def keep(self, call_id: str, sequence: int, kind: str, **content: Any) -> None:
        """Append a fact."""
        fact = Fact(sequence, kind, self.clock.wall(), 0, content)
        async with self.database.write() as session:
            await call_writes.append_facts(session, [KeptFact(call_id, ORGANISATION, fact)])

    async def close(self, call_id: str, **ending: Any) -> bool:
        """Close a call."""
        given = {"transcript": "", "recording_available": False, "detail": "", **ending}
        async with self.database.write() as session:
            return await call_writes.close_call(
                session, call_id, CallEnding(at=self.clock.wall(), **given)
            )

    async def idle(self) -> None:
        """Wait until nothing is announced, due or under way."""
        async with asyncio.timeout(10):
            while await self._busy():  # noqa: ASYNC110  (the database tells nobody)
                await asyncio.sleep(0.02)

    async def _busy(self) -> bool:
        async with self.database.read() as session:
            leased = select(Delivery.id).where(Delivery.lease_until.is_not(None))
            some = any(await deliveries.anything(session, self.clock.wall()))
            return some or (await session.execute(leased)).first() is not None

    @asynccontextmanager
    async def delivering(self, database: Database | None = None) -> AsyncIterator[DeliveryWorker]:
        """Run a worker within the block, with connections of its own if need be."""
        egress = Egress(EgressPolicy(open_networks=(ip_network("127.0.0.0/8"),), allow_http=True))
        worker = DeliveryWorker(
            DeliveryParts(
                database=database or self.database,
                vault=self.vault,
                sender=egress,
                clock=self.clock,
                random_bytes=random.randbytes,
                chance=lambda: 0.5,
                public_url="http://cordboard.example",
            )
        )
        try:
            async with worker.running():
                yield worker
        finally:
            await egress.close()


@asynccontextmanager
async def house(url: str) -> AsyncIterator[House]:
    """Open a house on the database at ``url``, which may be empty."""
    await migrate(url)
    database = Database(url)
    clock = HandClock()
    receiver = Receiver(clock)
    async with database.write() as session:
        session.add(Organisation(id=ORGANISATION, name="A", created_at=clock.wall()))
    try:
        async with receiver.running():
            yield House(database, clock, receiver)
    finally:
        await database.close()
