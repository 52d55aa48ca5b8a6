"""Brings announced events to their webhooks, for as long as it takes."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final, Protocol

from sqlalchemy.exc import SQLAlchemyError

from cordboard.delivery.answers import kept_answer
from cordboard.delivery.request import WebhookRequest, build_request, event_body
from cordboard.delivery.schedule import DISABLED_AFTER, HOLD, judge
from cordboard.delivery.signing import new_secret
from cordboard.egress import EgressAnswer, EgressError
from cordboard.ports import Clock
from cordboard.storage import deliveries
from cordboard.storage.database import Database
from cordboard.storage.deliveries import Attempt, ClaimLimits, DueDelivery
from cordboard.storage.tables import OutboxEvent
from cordboard.storage.vault import SecretUnreadable, Vault

log = logging.getLogger(__name__)

TOTAL_MS: Final = 15_000
LEASE: Final = timedelta(seconds=6)
RENEW_S: Final = 2.0
PER_WEBHOOK_COUNT: Final = 2
IN_FLIGHT_COUNT: Final = 200
POLL_S: Final = 0.25
AWAY_S: Final = 1.0
PURGE_EVERY_S: Final = 600.0


class Sender(Protocol):
    """What the worker needs of the egress gate."""

    async def send(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str], total_ms: int
    ) -> EgressAnswer:
        """Send one request; raises ``EgressError``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryParts:
    """What delivering needs; ``public_url`` begins the links that events hold."""

    database: Database
    vault: Vault
    sender: Sender
    clock: Clock
    random_bytes: Callable[[int], bytes]
    chance: Callable[[], float]
    public_url: str


class DeliveryWorker:
    """Delivers while its ``running`` block lasts; what is under way at its end is tried again.

    A delivery is leased for 6 s, and again every 2 s as long as its request lasts: another worker
    takes over from one that died.

    At most two requests are under way to one webhook, so that one that hangs holds up nobody
    else; all that waits is in the database. Any number of workers, in any number of processes,
    share the work and that limit by leases in the database.
    """

    def __init__(self, parts: DeliveryParts) -> None:
        self._parts = parts
        self._wake = asyncio.Event()
        self._id = parts.random_bytes(16).hex()
        self._in_flight: dict[str, str] = {}  # webhook id by event id
        self._group: asyncio.TaskGroup | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._draining = False

    def nudge(self) -> None:
        """Look at once: something was announced. Without it that takes up to 250 ms."""
        self._wake.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Deliver within the block."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            self._tasks = {
                group.create_task(self._always(), name="deliveries"),
                group.create_task(self._renew_always(), name="leases of deliveries"),
                group.create_task(self._purge_always(), name="old deliveries"),
            }
            try:
                yield
            finally:
                for task in self._tasks:
                    task.cancel()

    async def drain(self) -> None:
        """Begin nothing more, and return when what is under way is over (15 s at most)."""
        self._draining = True
        while self._in_flight:
            self._wake.clear()
            await self._wake.wait()

    async def _always(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self._look()
            except (SQLAlchemyError, OSError, SecretUnreadable) as problem:
                log.warning("delivery.cannot_look", extra={"why": type(problem).__name__})
                await asyncio.sleep(AWAY_S)
                continue
            try:
                async with asyncio.timeout(POLL_S):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def _look(self) -> None:
        async with self._parts.database.read() as session:
            announced, due = await deliveries.anything(session, self._parts.clock.wall())
        if announced:
            while await self._relay() == deliveries.RELAY_COUNT:
                pass
        while (announced or due) and await self._start_one():
            pass

    async def _relay(self) -> int:
        parts = self._parts
        async with parts.database.write() as session:
            return await deliveries.relay(
                session, parts.clock.wall(), self._body, partial(sealed_secret, parts)
            )

    async def _start_one(self) -> bool:
        if self._draining or len(self._in_flight) >= IN_FLIGHT_COUNT:
            return False
        parts = self._parts
        now = parts.clock.wall()
        counts = Counter(self._in_flight.values())
        limits = ClaimLimits(
            worker=self._id,
            lease=LEASE,
            hold=HOLD,
            per_webhook_count=PER_WEBHOOK_COUNT,
            busy=[name for name, count in counts.items() if count >= PER_WEBHOOK_COUNT],
            under_way=list(self._in_flight),
        )
        async with parts.database.write() as session:
            due = await deliveries.claim(session, now, limits, parts.vault)
        if due is None:
            return False
        self._in_flight[due.event_id] = due.webhook_id
        assert self._group is not None
        task = self._group.create_task(self._deliver(due), name="delivering an event")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def _deliver(self, due: DueDelivery) -> None:
        try:
            attempt = await self._attempt(due)
            await self._record(due, attempt)
        except Exception:
            # Whatever is wrong with one delivery must not hold up the others; its lease runs out.
            log.exception("delivery.broke", extra={"event": due.event_id})
        finally:
            del self._in_flight[due.event_id]
            self._wake.set()

    async def _attempt(self, due: DueDelivery) -> Attempt:
        parts = self._parts
        at, begun_ms = parts.clock.wall(), parts.clock.now_ms()
        status, failure, answer, headers = await self._signed(due, int(at.timestamp()))
        verdict = judge(status, headers, due.attempts_count, parts.chance())
        return Attempt(
            at=at,
            duration_ms=parts.clock.now_ms() - begun_ms,
            status=status,
            failure=failure,
            answer=answer,
            delivered=verdict.delivered,
            gone=verdict.gone,
            wait=verdict.wait,
        )

    async def _signed(
        self, due: DueDelivery, timestamp: int
    ) -> tuple[int | None, str | None, str, Mapping[str, str]]:
        """Sign and send; without a signature nothing is sent."""
        if not due.secrets:
            return None, "secret_unreadable", "", {}
        request = build_request(
            event_id=due.event_id,
            sequence=due.sequence,
            method=due.method,
            url=due.url,
            body=due.body,
            secrets=due.secrets,
            timestamp=timestamp,
        )
        return await self._sent(request, due.secrets)

    async def _sent(
        self, request: WebhookRequest, secrets: Sequence[str]
    ) -> tuple[int | None, str | None, str, Mapping[str, str]]:
        """Send, and return status, failure, the answer's beginning and headers."""
        try:
            answer = await self._parts.sender.send(
                request.method, request.url, request.body, request.headers, TOTAL_MS
            )
        except EgressError as problem:
            return None, problem.code, "", {}
        return answer.status, None, kept_answer(answer.body, secrets), answer.headers

    async def _record(self, due: DueDelivery, attempt: Attempt) -> None:
        async with self._parts.database.write() as session:
            why = await deliveries.record(session, due, attempt, DISABLED_AFTER)
        if why is not None:
            log.warning("delivery.webhook_disabled", extra={"webhook": due.webhook_id, "why": why})

    async def _renew_always(self) -> None:
        parts = self._parts
        while True:
            await asyncio.sleep(RENEW_S)
            if not self._in_flight:
                continue
            try:
                async with parts.database.write() as session:
                    until = parts.clock.wall() + LEASE
                    await deliveries.renew(session, self._id, list(self._in_flight), until)
            except (SQLAlchemyError, OSError) as problem:
                log.warning("delivery.cannot_renew", extra={"why": type(problem).__name__})

    async def _purge_always(self) -> None:
        while True:
            try:
                async with self._parts.database.write() as session:
                    gone = await deliveries.purge(session, self._parts.clock.wall())
            except (SQLAlchemyError, OSError):
                gone = 0
            if not gone:
                await asyncio.sleep(PURGE_EVERY_S)

    def _body(self, event: OutboxEvent) -> str:
        payload = event.payload
        if event.type == "event_recording":
            base = self._parts.public_url.rstrip("/")
            payload = {"recording_url": f"{base}/v1/calls/recording/{event.call_id}"}
        return event_body(event.type, event.call_id, payload)


def sealed_secret(parts: DeliveryParts, organisation_id: str, webhook_id: str) -> str:
    """Return a fresh secret for a webhook, sealed."""
    place = deliveries.secret_place(organisation_id, webhook_id)
    return parts.vault.seal(new_secret(parts.random_bytes), place)
