"""Several workers on one database: they share work, limits and order, and take over."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta

import pytest
import pytest_asyncio
from sqlalchemy import select

from cordboard.delivery.schedule import DISABLED_AFTER, HOLD
from cordboard.delivery.signing import new_secret
from cordboard.delivery.worker import LEASE, DeliveryWorker
from cordboard.storage import deliveries
from cordboard.storage.database import Database
from cordboard.storage.deliveries import Attempt, ClaimLimits, DueDelivery
from cordboard.storage.tables import Delivery
from tests.delivery.receiver import House, house

CALLS = 12


@pytest_asyncio.fixture
async def home(database_url: str) -> AsyncIterator[House]:
    """Return a house of one organisation, on either database."""
    async with house(database_url) as opened:
        yield opened


@asynccontextmanager
async def _two(home: House, url: str) -> AsyncIterator[list[DeliveryWorker]]:
    """Run two workers that share nothing but the database."""
    async with AsyncExitStack() as stack:
        workers = []
        for _ in range(2):
            database = Database(url)
            stack.push_async_callback(database.close)
            workers.append(await stack.enter_async_context(home.delivering(database)))
        yield workers


async def _three_events(home: House, path: str, webhook_id: str | None = None) -> str:
    call_id = await home.add_call(path, webhook_id=webhook_id)
    await home.answer(call_id)
    for sequence in (1, 2):
        await home.keep(call_id, sequence, "caller_turn", text=f"word {sequence}")
    return call_id


async def test_each_event_once_and_in_order(home: House, database_url: str) -> None:
    """What two workers deliver comes once, and each call's in its order."""
    for number in range(CALLS):
        await _three_events(home, f"/{number}")
    async with _two(home, database_url):
        got = await home.receiver.has(3 * CALLS)
    assert {*Counter(each.event_id for each in got).values()} == {1}
    for number in range(CALLS):
        mine = [each for each in got if each.path == f"/{number}"]
        assert [each.headers["cordboard-sequence"] for each in mine] == ["1", "2", "3"]


async def test_two_requests_at_most(home: House, database_url: str) -> None:
    """However many workers there are, two requests are under way to one webhook."""
    home.receiver.hanging.add("/hang")
    for _ in range(6):
        await _three_events(home, "/hang", f"{7:036}")
    async with _two(home, database_url) as workers:
        await home.receiver.has(2)
        await _three_events(home, "/good")
        for worker in workers:
            worker.nudge()
        got = await home.receiver.has(5)
        await asyncio.sleep(0.3)
    assert [each.path for each in got] == ["/hang", "/hang", "/good", "/good", "/good"]


async def test_take_over(home: House, database_url: str) -> None:
    """The other worker sends what a dead one had under way when the lease is over, then the rest
    of the call, in order.
    """
    home.receiver.hanging.add("/in")
    await _three_events(home, "/in")
    async with home.delivering():
        await home.receiver.has(1)
    home.receiver.hanging.clear()
    async with _two(home, database_url) as workers:
        await asyncio.sleep(0.3)
        assert len(home.receiver.got) == 1
        home.clock.forward(seconds=31)
        for worker in workers:
            worker.nudge()
        got = await home.receiver.has(4)
    assert [each.headers["cordboard-sequence"] for each in got] == ["1", "1", "2", "3"]
    assert (got[0].event_id, got[0].body) == (got[1].event_id, got[1].body)


async def test_a_worker_that_comes_back(home: House) -> None:
    """What a worker reports whose lease was lost neither frees nor moves another one's attempt."""
    await home.answer(await home.add_call())
    late = await _claimed(home)
    home.clock.forward(seconds=31)
    current = await _claimed(home, "another")
    await _record(home, late, delivered=False)
    async with home.database.read() as session:
        row = await session.get_one(Delivery, current.event_id)
    assert (row.state, row.worker) == ("waiting", current.worker)
    assert row.lease_until == home.clock.wall() + LEASE
    assert row.due_at < home.clock.wall()
    await _record(home, current, delivered=True)
    async with home.database.read() as session:
        row = await session.get_one(Delivery, current.event_id)
        attempts = await deliveries.attempts_of(session, row.id)
    assert (row.state, row.lease_until) == ("delivered", None)
    assert [attempt.number for attempt in attempts] == [1, 2]


async def test_the_rest_is_not_announced_yet(home: House) -> None:
    """A delivery waits for an earlier event of its call that nobody has made a delivery yet."""
    call_id = await _three_events(home, "/in")
    first = await _claimed(home)
    await _record(home, first, delivered=True)
    async with home.database.write() as session:
        row = await session.get_one(Delivery, first.event_id)
        row.state, row.sequence, row.due_at = "waiting", 5, row.due_at - timedelta(seconds=9)
    await home.keep(call_id, 3, "caller_turn", text="word 3")
    async with home.database.write() as session:
        due = await deliveries.claim(session, home.clock.wall(), _limits("w"), home.vault)
    assert due is not None
    assert due.sequence == 2


async def test_a_long_request_is_not_taken_over(home: House) -> None:
    """As long as a worker lives, what it is at stays its own, however long that takes."""
    await home.answer(await home.add_call())
    due = await _claimed(home)
    for _ in range(3):
        home.clock.forward(seconds=4)
        async with home.database.write() as session:
            until = home.clock.wall() + LEASE
            await deliveries.renew(session, due.worker, [due.event_id], until)
            await deliveries.renew(session, "another", [due.event_id], until + LEASE)
    home.clock.forward(seconds=5)
    async with home.database.write() as session:
        now = home.clock.wall()
        assert await deliveries.claim(session, now, _limits("another"), home.vault) is None
        now += timedelta(seconds=2)
        assert await deliveries.claim(session, now, _limits("another"), home.vault) is not None


async def test_a_worker_renews(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker keeps what it is at by itself."""
    monkeypatch.setattr("cordboard.delivery.worker.RENEW_S", 0.05)
    home.receiver.hanging.add("/in")
    await home.answer(await home.add_call())
    async with home.delivering():
        await home.receiver.has(1)
        for _ in range(3):
            home.clock.forward(seconds=5)
            await _leased_until(home, home.clock.wall() + LEASE)
        await home.receiver.has(1)


async def _leased_until(home: House, at: datetime) -> None:
    async with asyncio.timeout(10):
        while True:
            async with home.database.read() as session:
                if await session.scalar(select(Delivery.lease_until)) == at:
                    return
            await asyncio.sleep(0.02)


def _limits(worker: str) -> ClaimLimits:
    return ClaimLimits(worker=worker, lease=LEASE, hold=HOLD, per_webhook_count=2)


async def _claimed(home: House, worker: str = "w") -> DueDelivery:
    now = home.clock.wall()
    async with home.database.write() as session:
        await deliveries.relay(
            session,
            now,
            lambda event: event.type,
            lambda organisation_id, webhook_id: home.vault.seal(
                new_secret(bytes), deliveries.secret_place(organisation_id, webhook_id)
            ),
        )
        due = await deliveries.claim(session, now, _limits(worker), home.vault)
    assert due is not None
    return due


async def _record(home: House, due: DueDelivery, *, delivered: bool) -> None:
    attempt = Attempt(
        at=home.clock.wall(),
        duration_ms=1,
        status=200 if delivered else 500,
        failure=None,
        answer="",
        delivered=delivered,
        gone=False,
        wait=None if delivered else timedelta(minutes=5),
    )
    async with home.database.write() as session:
        await deliveries.record(session, due, attempt, DISABLED_AFTER)
