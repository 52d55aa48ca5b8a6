"""Calls that wait to be placed: claimed by one, within the caps, and dialled once at most."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from cordboard.call.events import EndReason
from cordboard.call.plan import CallPlan
from cordboard.clock import SystemClock
from cordboard.ports import CallEnding, Direction, NewCall
from cordboard.storage import outbound_calls
from cordboard.storage.call_store import SqlCallStore
from cordboard.storage.call_writes import Lease
from cordboard.storage.database import Database
from cordboard.storage.outbound_calls import OutboundLimits, WantedCall
from cordboard.storage.tables import Call
from tests import calls
from tests.databases import opened
from tests.storage.test_call_store import ORGANISATION, LaterClock, open_store

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
OTHER = "00000000-0000-4000-8000-000000000002"
WIDE = OutboundLimits(per_organisation_count=100, per_number_count=100)


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Return a database with two organisations."""
    async with opened(database_url, ORGANISATION, OTHER) as database:
        yield database


async def ask(
    database: Database, number: int, organisation: str = ORGANISATION, ours: str = "12025550100"
) -> str:
    """Put a call on record; returns its id."""
    call_id = f"00000000-0000-4000-9000-{number:012}"
    plan = CallPlan(organisation_id=organisation)
    async with database.write() as session:
        session.add(
            Call(
                id=call_id,
                organisation_id=organisation,
                created_at=NOW + timedelta(seconds=number),
                direction=Direction.OUTBOUND.value,
                status="not_started",
                stage="created",
                from_number=ours,
                to_number="12025550155",
                agent_phone_number=ours,
                agent={},
                plan=plan.to_json(),
                carrier="sip",
                trunk_id=OTHER,
                telephony_provider="sip",
                telephony_params={"Timeout": "5"},
            )
        )
    return call_id


async def claim(
    database: Database,
    engine: str = "e1",
    limits: OutboundLimits = WIDE,
    now: datetime = LATER,
    ours: tuple[str, ...] = (),
) -> WantedCall | None:
    """Claim one call for an engine."""
    lease = Lease(engine, now + timedelta(seconds=8))
    async with database.write() as session:
        return await outbound_calls.claim(session, lease, now, limits, ours)


async def row(database: Database, call_id: str) -> Call:
    """Return a call's row."""
    async with database.read() as session:
        return await session.get_one(Call, call_id)


def new_call(call_id: str) -> NewCall:
    """Return a claimed call as its engine is about to dial it."""
    return calls.new_call(
        CallPlan(organisation_id=ORGANISATION),
        call_id=call_id,
        leg_id=call_id,
        direction=Direction.OUTBOUND,
        to_number="12025550155",
        carrier="sip",
        trunk_id=OTHER,
        carrier_handle="call-id",
        dialog={"invitation": {"branch": "b"}},
        at=LATER,
    )


async def test_oldest_first_and_once(database: Database) -> None:
    """Calls are claimed in the order they were asked for, each by one engine only."""
    second, first = await ask(database, 2), await ask(database, 1)
    claimed = [
        await claim(database, "e1"),
        await claim(database, "e2"),
        await claim(database, "e3"),
    ]
    assert [call and call.call_id for call in claimed] == [first, second, None]
    assert claimed[0] is not None
    assert claimed[0].params == {"Timeout": "5"}


async def test_a_claim_runs_out(database: Database) -> None:
    """What an engine claimed and never dialled goes to another one when the lease is over."""
    call_id = await ask(database, 1)
    assert await claim(database, "e1")
    assert await claim(database, "e2", now=LATER + timedelta(seconds=7)) is None
    taken = await claim(database, "e2", now=LATER + timedelta(seconds=9))
    assert taken is not None
    assert taken.call_id == call_id


async def test_own_leftovers(database: Database) -> None:
    """After a restart an engine goes on with what it had claimed, not with what it has in hand."""
    call_id = await ask(database, 1)
    assert await claim(database, "e1")
    assert await claim(database, "e1", ours=(call_id,)) is None
    assert await claim(database, "e1") is not None


@pytest.mark.parametrize(
    ("limits", "claimed"),
    [
        (OutboundLimits(per_organisation_count=2, per_number_count=9), [1, 2, 4]),
        (OutboundLimits(per_organisation_count=9, per_number_count=1), [1, 3, 4]),
    ],
)
async def test_caps(database: Database, limits: OutboundLimits, claimed: list[int]) -> None:
    """Beyond a cap calls wait, and those of others do not wait for them."""
    ids = {
        await ask(database, 1): 1,
        await ask(database, 2): 2,
        await ask(database, 3, ours="12025550109"): 3,
        await ask(database, 4, organisation=OTHER): 4,
    }
    found = []
    while (call := await claim(database, "e1", limits, ours=tuple(ids))) is not None:
        found.append(ids[call.call_id])
    assert found == claimed


async def test_room_is_given_back(database: Database) -> None:
    """When a call is over, the next one may be placed."""
    first, second = await ask(database, 1), await ask(database, 2)
    narrow = OutboundLimits(per_organisation_count=1, per_number_count=1)
    assert await claim(database, limits=narrow)
    assert await claim(database, limits=narrow, ours=(first,)) is None
    async with database.write() as session:
        await outbound_calls.refuse(session, first, EndReason.DIAL_REFUSED, "no", LATER)
    taken = await claim(database, limits=narrow)
    assert taken is not None
    assert taken.call_id == second
    refused = await row(database, first)
    assert (refused.status, refused.stage_outcome) == ("error", "call_did_not_connect")


async def test_fence_holds(database: Database) -> None:
    """A dial attempt is written once; what has one is claimed no more, whatever its lease says."""
    call_id = await ask(database, 1)
    assert await claim(database, "e1")
    async with open_store(database, "e1") as store, open_store(database, "e2") as other:
        assert not await other.fence(new_call(call_id))
        assert await store.fence(new_call(call_id))
        assert not await store.fence(new_call(call_id))
        assert await claim(database, "e1") is None
        assert await claim(database, "e2", now=LATER + timedelta(hours=1)) is None
        await _finish(store, call_id)


async def test_in_doubt_after_a_crash(database: Database) -> None:
    """A call that was fenced by an engine that died is closed in error, with its INVITE at hand."""
    call_id = await ask(database, 1)
    assert await claim(database, "e1")
    async with open_store(database, "e1") as store:
        assert await store.fence(new_call(call_id))
        assert await store.open_calls("e1") == []
    async with open_store(database, "e2", clock=LaterClock()) as store:
        (left,) = await store.open_calls("e2")
        assert left.dialog == {"invitation": {"branch": "b"}}
        await _finish(store, call_id)
    closed = await row(database, call_id)
    assert (closed.status, closed.stage, closed.stage_outcome) == ("error", "created", None)
    assert "interrupted" in (closed.error_message or "")


async def test_withdrawn(database: Database) -> None:
    """A waiting call can be withdrawn, one that was claimed cannot; one that is over stays so."""
    first, second = await ask(database, 1), await ask(database, 2)
    assert await claim(database)
    async with database.write() as session:
        assert not await outbound_calls.withdraw(session, first, LATER)
        assert await outbound_calls.withdraw(session, second, LATER)
        assert not await outbound_calls.withdraw(session, second, LATER)
    withdrawn = await row(database, second)
    assert (withdrawn.status, withdrawn.end_reason) == ("ended", "api_ended")
    assert await claim(database, now=LATER + timedelta(hours=1), ours=(first,)) is not None


async def test_given_back(database: Database) -> None:
    """What could not be placed now may be claimed at once again; what was dialled may not."""
    call_id = await ask(database, 1)
    assert await claim(database, "e1")
    async with database.write() as session:
        await outbound_calls.give_back(session, call_id, "e1")
    assert await claim(database, "e2")
    async with open_store(database, "e2") as store:
        assert await store.fence(new_call(call_id))
        async with database.write() as session:
            await outbound_calls.give_back(session, call_id, "e2")
        assert (await row(database, call_id)).owner_engine == "e2"
        await _finish(store, call_id)


async def _finish(store: SqlCallStore, call_id: str) -> None:
    await store.finish(
        call_id,
        CallEnding(
            reason=EndReason.INTERRUPTED,
            detail="interrupted",
            at=SystemClock().wall(),
            transcript="",
            recording_available=False,
        ),
    )
