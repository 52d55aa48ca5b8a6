"""Calls on record: in order, terminal once, and recoverable after a crash."""

from __future__ import annotations

import asyncio
import dataclasses
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cordboard.call.events import EndReason
from cordboard.call.plan import CallPlan
from cordboard.clock import SystemClock
from cordboard.ports import CallEnding, Fact, InboundPlan, NewCall
from cordboard.storage import call_writes
from cordboard.storage.call_store import SqlCallStore, StoreUnavailable
from cordboard.storage.database import Database
from cordboard.storage.tables import Call, CallEvent, Leg, OutboxEvent
from tests import calls
from tests.counts import count
from tests.databases import opened

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ORGANISATION = "00000000-0000-4000-8000-000000000001"
CALL = "00000000-0000-4000-8000-00000000000a"
Json = dict[str, object]
LEG = "00000000-0000-4000-8000-00000000000b"

HOLD_LOCK = """
import asyncio, sys
from cordboard.storage.database import Database
from sqlalchemy import text

async def main(url):
    async with Database(url).write() as session:
        await session.execute(text("SELECT 1"))
        print("locked", flush=True)
        sys.stdin.readline()

asyncio.run(main(sys.argv[1]))
"""

CRASH = """
import asyncio, os, signal, sys
from tests.storage.test_call_store import CALL, LEG, fact, new_call, open_store
from cordboard.storage.database import Database

async def main(url, with_facts):
    async with open_store(Database(url), "first") as store:
        await store.create_call(new_call())
        await store.save_dialog(CALL, LEG, {"cseq": 101})
        if with_facts:
            await store.answered(CALL, fact(0).at)
            store.keep(CALL, fact(1, "heard", text="Hello there.", whole=True))
            store.keep(CALL, fact(2, "turn_ended", turn_id="t1", text="a table please"))
            store.keep(CALL, fact(3, "heard", text="For how", whole=False))
            await asyncio.sleep(0.4)
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main(sys.argv[1], sys.argv[2] == "facts"))
"""


class LaterClock(SystemClock):
    """A clock that is ahead by more than a lease."""

    def wall(self) -> datetime:
        return super().wall() + timedelta(seconds=60)


def new_call(plan: CallPlan | None = None, call_id: str = CALL, leg_id: str = LEG) -> NewCall:
    """Return an inbound call."""
    return calls.new_call(
        plan or CallPlan(organisation_id=ORGANISATION, agent_id=None),
        call_id=call_id,
        leg_id=leg_id,
        carrier="sip",
        carrier_handle="call-id@far",
        dialog={"cseq": 1},
        at=AT,
    )


def fact(sequence: int, kind: str = "words", **content: object) -> Fact:
    """Return a fact whose time follows from its number."""
    return Fact(sequence, kind, AT + timedelta(seconds=sequence), sequence * 1000, content)


def ending(
    reason: EndReason, transcript: str = "", at: datetime = AT + timedelta(seconds=90)
) -> CallEnding:
    """Return an ending."""
    return CallEnding(
        reason=reason, detail="why", at=at, transcript=transcript, recording_available=True
    )


async def find_plan(
    _session: AsyncSession, _trunk_id: str | None, number: str, _from_number: str
) -> InboundPlan | None:
    """Know one number."""
    if number != "100":
        return None
    return InboundPlan(ORGANISATION, number, CallPlan(organisation_id=ORGANISATION))


async def show_agent(
    _session: AsyncSession, _organisation_id: str, plan: CallPlan
) -> Mapping[str, object]:
    """Show an agent that cannot be mistaken."""
    return {"id": plan.agent_id, "name": "shown"}


def open_store(database: Database, engine_id: str, **options: object) -> SqlCallStore:
    """Return a store with this module's plan and agent."""
    clock = options.pop("clock", SystemClock())
    return SqlCallStore(
        database,
        engine_id,
        clock,  # type: ignore[arg-type]
        find_plan=find_plan,
        **{"show_agent": show_agent, **options},  # type: ignore[arg-type]
    )


@pytest.fixture
def url(database_url: str) -> str:
    """Return the address of a database."""
    return database_url


@pytest_asyncio.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """Return a database with one organisation."""
    async with opened(url, ORGANISATION) as database:
        yield database


def hold_lock(url: str) -> subprocess.Popen[bytes]:
    """Start a process that takes the write lock and keeps it until its input ends."""
    return subprocess.Popen(
        [sys.executable, "-c", HOLD_LOCK, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def crash(url: str, state: str) -> None:
    """Run an engine that is killed in the midst of a call."""
    killed = subprocess.run([sys.executable, "-c", CRASH, url, state], check=False, timeout=30)
    assert killed.returncode == -9


async def row(database: Database, call_id: str = CALL) -> Call:
    """Return a call's row."""
    async with database.read() as session:
        return (await session.execute(select(Call).where(Call.id == call_id))).scalar_one()


async def facts(database: Database, call_id: str = CALL) -> list[CallEvent]:
    """Return a call's timeline."""
    statement = select(CallEvent).where(CallEvent.call_id == call_id).order_by(CallEvent.sequence)
    async with database.read() as session:
        return list((await session.execute(statement)).scalars())


async def test_a_call_from_offer_to_end(database: Database) -> None:
    """The row follows the public state machine; facts are there before the row is closed."""
    async with open_store(database, "engine") as store:
        await store.create_call(new_call())
        begun = await row(database)
        assert (begun.status, begun.stage, begun.agent) == (
            "not_started",
            "created",
            {"id": None, "name": "shown"},
        )
        assert (begun.agent_phone_number, begun.telephony_id) == ("12025550101", "call-id@far")
        assert begun.owner_engine == "engine"
        await store.save_dialog(CALL, LEG, {"cseq": 101})
        await store.answered(CALL, AT + timedelta(seconds=1))
        for sequence in range(450):
            store.keep(CALL, fact(sequence, text="é\ud800\0", where=Path("x")))
        store.keep_transcript(CALL, "HUMAN: one")
        await store.finish(CALL, ending(EndReason.CALLER_HUNG_UP, "HUMAN: one\nBOT: two\0"))
        assert [each.sequence for each in await facts(database)] == list(range(450))
        closed = await row(database)
    assert (closed.status, closed.stage, closed.stage_outcome) == (
        "ended",
        "picked_up",
        "human_disconnected",
    )
    assert (closed.started_at, closed.ended_at) == (
        AT + timedelta(seconds=1),
        AT + timedelta(seconds=90),
    )
    assert closed.transcript == "HUMAN: one\nBOT: two"
    assert closed.recording_available
    assert (closed.owner_engine, closed.lease_until) == (None, None)
    async with database.read() as session:
        leg = (await session.execute(select(Leg))).scalar_one()
    assert (leg.state, leg.dialog) == ("ended", {"cseq": 101})


@pytest.mark.parametrize(
    ("reason", "answered", "status", "outcome"),
    [
        (EndReason.CALLER_HUNG_UP, True, "ended", "human_disconnected"),
        (EndReason.CALLER_CANCELLED, False, "ended", "call_did_not_connect"),
        (EndReason.AGENT_ENDED, True, "ended", "bot_disconnected"),
        (EndReason.API_ENDED, True, "ended", "bot_disconnected"),
        (EndReason.IDLE, True, "ended", "bot_disconnected"),
        (EndReason.LONGEST_CALL, True, "ended", "bot_disconnected"),
        (EndReason.DRAINED, True, "ended", "bot_disconnected"),
        (EndReason.REFUSED, False, "ended", "call_did_not_connect"),
        (EndReason.PROVIDER_FAILED, True, "error", "bot_disconnected"),
        (EndReason.CARRIER_FAILED, False, "error", "call_did_not_connect"),
        (EndReason.INTERRUPTED, True, "error", None),
        (EndReason.INTERNAL_ERROR, True, "error", None),
    ],
)
async def test_every_end_reason_has_its_status(
    database: Database, reason: EndReason, answered: bool, status: str, outcome: str | None
) -> None:
    """Status and stage outcome follow from the reason and from whether it was answered."""
    async with open_store(database, "engine") as store:
        await store.create_call(new_call())
        if answered:
            await store.answered(CALL, AT)
        await store.finish(CALL, ending(reason))
    closed = await row(database)
    assert (closed.status, closed.stage_outcome, closed.end_reason) == (status, outcome, reason)
    assert (closed.error_message is not None) == (status == "error")


@pytest.mark.parametrize(
    ("kind", "column", "value"),
    [
        ("human_answered", "human_detection_result", "human"),
        ("machine_answered", "human_detection_result", "no_human"),
        ("do_not_call_asked", "do_not_call_result", True),
        ("do_not_call_not_asked", "do_not_call_result", False),
    ],
)
async def test_verdicts_stand_on_the_row(
    database: Database, kind: str, column: str, value: object
) -> None:
    """Who picked up, and what was wished, is told of by facts alone; who picked up is announced."""

    async def show(session: AsyncSession, organisation_id: str, plan: CallPlan) -> Json:
        return {"webhook": {"subscriptions": ["event_human_detection"]}}

    async with open_store(database, "first", show_agent=show) as store:
        await store.create_call(new_call())
        await store.answered(CALL, AT)
        store.keep(CALL, fact(1, kind))
        await store.finish(CALL, ending(EndReason.NO_HUMAN))
    found = await row(database)
    assert getattr(found, column) == value
    assert (found.status, found.stage_outcome) == ("ended", "human_unanswered")
    async with database.read() as session:
        told = [(event.type, event.payload) for event in await session.scalars(select(OutboxEvent))]
    is_human = column == "human_detection_result"
    assert told == ([("event_human_detection", {"result": value})] if is_human else [])


async def test_facts_kept_before_the_row_are_not_lost(database: Database) -> None:
    """What is kept before and while the row is written stands at the timeline's beginning."""
    async with open_store(database, "engine") as store:
        store.keep(CALL, fact(0))
        creating = asyncio.gather(store.create_call(new_call()))
        store.keep(CALL, fact(1))
        await asyncio.sleep(0)
        store.keep(CALL, fact(2))
        await creating
        store.keep(CALL, fact(3))
        await store.finish(CALL, ending(EndReason.AGENT_ENDED))
        assert store.refused_count == 0
    assert [each.sequence for each in await facts(database)] == [0, 1, 2, 3]


async def test_a_call_given_up_while_its_row_is_written_is_closed(database: Database) -> None:
    """Cancelling the creation leaves no row open: the ending waits for it."""
    async with open_store(database, "engine") as store:
        for number in range(count(10, 200)):
            call_id = f"{number:036d}"
            store.keep(call_id, fact(0))
            creating = asyncio.gather(store.create_call(new_call(call_id=call_id, leg_id=call_id)))
            for _ in range(number):
                await asyncio.sleep(0)
            creating.cancel()
            await asyncio.wait({creating})
            await store.finish(call_id, ending(EndReason.CALLER_CANCELLED))
        assert await store.open_calls("engine") == []
    async with database.read() as session:
        found = (await session.execute(select(Call.status, Call.end_reason))).all()
    assert {tuple(each) for each in found} <= {("ended", "caller_cancelled")}


async def test_facts_that_never_get_a_call_are_bounded(database: Database) -> None:
    """Facts of calls that are never created are held up to a bound, then refused."""
    async with open_store(database, "engine") as store:
        for number in range(2_010):
            store.keep(f"{number % 7}", fact(number))
        assert store.refused_count == 10


async def test_the_first_ending_stays(database: Database) -> None:
    """A second ending, a late answer or a late transcript change nothing."""
    async with open_store(database, "engine") as store:
        await store.create_call(new_call())
        await store.answered(CALL, AT)
        endings = [store.finish(CALL, ending(EndReason.AGENT_ENDED, "first"))]
        endings += [store.finish(CALL, ending(EndReason.INTERNAL_ERROR, "late"))] * 1
        await asyncio.gather(*endings)
        await store.answered(CALL, AT + timedelta(seconds=5))
        store.keep_transcript(CALL, "later")
        store.keep(CALL, fact(1))
        assert store.refused_count == 1
    closed = await row(database)
    assert (closed.status, closed.transcript, closed.started_at) == ("ended", "first", AT)


async def test_the_transcript_of_a_running_call_is_readable(database: Database) -> None:
    """keep_transcript is written with the facts that follow it, the last one wins."""
    async with open_store(database, "engine") as store:
        await store.create_call(new_call())
        store.keep_transcript(CALL, "one")
        store.keep_transcript(CALL, "one\ntwo")
        store.keep(CALL, fact(0))
        async with asyncio.timeout(5):
            while (await row(database)).transcript != "one\ntwo":  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_transcripts_of_many_calls_at_once(database: Database) -> None:
    """One batch takes the transcripts of several calls, and of those only that are not over."""
    async with open_store(database, "engine") as store:
        await store.create_call(new_call())
        await store.create_call(new_call(call_id="c2", leg_id="l2"))
        await store.finish(CALL, ending(EndReason.CALLER_HUNG_UP, "over"))
    async with database.write() as session:
        await call_writes.replace_transcripts(session, {CALL: "later", "c2": "two\0"})
        await call_writes.replace_transcripts(session, {})
    async with database.read() as session:
        kept = {call.id: call.transcript for call in await session.scalars(select(Call))}
    assert kept == {CALL: "over", "c2": "two"}


async def test_a_content_free_call_keeps_no_transcript(database: Database) -> None:
    """Neither under way nor at the end."""
    async with open_store(database, "engine") as store:
        await store.create_call(new_call(CallPlan(organisation_id=ORGANISATION, content_free=True)))
        store.keep_transcript(CALL, "secret")
        store.keep(CALL, fact(0))
        await store.finish(CALL, ending(EndReason.AGENT_ENDED, "secret"))
    closed = await row(database)
    assert (closed.transcript, closed.hipaa_compliant) == (None, True)


async def test_a_fact_the_database_refuses_stops_no_other(database: Database) -> None:
    """An entry that cannot be written is left out and counted; a repeated one changes nothing."""
    async with open_store(database, "engine") as store:
        await store.create_call(new_call())
        store.keep(CALL, fact(0))
        store.keep(CALL, Fact(1, "naive", datetime(2026, 1, 1), 0, {}))  # noqa: DTZ001
        store.keep(CALL, fact(2))
        store.keep(CALL, fact(2, "again"))
        await store.finish(CALL, ending(EndReason.AGENT_ENDED))
        assert store.refused_count == 1
    assert [(each.sequence, each.kind) for each in await facts(database)] == [
        (0, "words"),
        (2, "words"),
    ]


async def test_a_full_queue_refuses_the_newest(database: Database) -> None:
    """What is on record is a gapless beginning; what was refused is counted; the end is written."""
    async with open_store(database, "engine", queue_max_count=10) as store:
        await store.create_call(new_call())
        for sequence in range(25):
            store.keep(CALL, fact(sequence))
        assert store.refused_count == 15
        await store.finish(CALL, ending(EndReason.AGENT_ENDED))
    assert [each.sequence for each in await facts(database)] == list(range(10))
    assert (await row(database)).status == "ended"


async def test_a_locked_database_loses_nothing(database: Database, url: str) -> None:
    """While another process holds the lock for 5 s: setting up fails fast, facts wait in order."""
    process = hold_lock(url)
    assert process.stdout is not None
    loop = asyncio.get_running_loop()
    lag_s = 0.0
    async with open_store(database, "engine") as store:
        await store.create_call(new_call())
        assert process.stdout.readline() == b"locked\n"
        start = loop.time()
        store.keep(CALL, fact(0))
        other = "00000000-0000-4000-8000-00000000000c"
        with pytest.raises(StoreUnavailable):
            await store.create_call(new_call(call_id=other, leg_id=other))
        assert loop.time() - start < 4
        assert await store.inbound_plan(None, "100", "200") is not None
        for sequence in range(1, 300):
            store.keep(CALL, fact(sequence))
            before = loop.time()
            await asyncio.sleep(0.01)
            lag_s = max(lag_s, loop.time() - before - 0.01)
        finishing = asyncio.gather(store.finish(CALL, ending(EndReason.CALLER_HUNG_UP)))
        await asyncio.sleep(max(0, start + 5.2 - loop.time()))
        assert not finishing.done()
        process.communicate(timeout=5)
        await finishing
        another = f"{other[:-1]}d"  # the one that was given up may have been written late
        await store.create_call(new_call(call_id=another, leg_id=another))
        assert store.is_writable
        assert store.refused_count == 0
    assert [each.sequence for each in await facts(database)] == list(range(300))
    assert lag_s < 1


@pytest.mark.parametrize("state", ["offered", "facts"])
async def test_a_second_engine_closes_what_a_killed_one_left(
    database: Database, url: str, state: str
) -> None:
    """The call is claimed once its lease has run out, and closed as interrupted from its facts."""
    crash(url, state)
    async with open_store(database, "second") as early:
        assert await early.open_calls("second") == []
    clock = LaterClock()

    def has_recording(organisation_id: str, call_id: str) -> bool:
        return (organisation_id, call_id, state) == (ORGANISATION, CALL, "facts")

    store = open_store(database, "second", clock=clock, has_recording=has_recording)
    async with store:
        (found,) = await store.open_calls("second")
        assert (found.call_id, found.leg_id, found.carrier, found.dialog) == (
            CALL,
            LEG,
            "sip",
            {"cseq": 101},
        )
        assert await store.open_calls("second") == []
        store.keep(CALL, fact(9, "ended", reason="interrupted"))
        left = dataclasses.replace(
            ending(EndReason.INTERRUPTED, at=clock.wall()), recording_available=False
        )
        await store.finish(CALL, left)
    closed = await row(database)
    assert (closed.status, closed.owner_engine) == ("error", None)
    assert "interrupted" in (closed.error_message or "")
    assert closed.ended_at is not None
    assert abs(datetime.now(UTC) - closed.ended_at) < timedelta(seconds=10)
    assert closed.recording_available == (state == "facts")
    if state == "facts":
        assert closed.transcript == "BOT: Hello there.\nHUMAN: a table please\nBOT: For how-"
        assert [each.kind for each in await facts(database)][-1] == "ended"


async def test_a_restarted_engine_claims_its_own_at_once(database: Database, url: str) -> None:
    """Under the same engine id nothing is waited for, but running calls are not touched."""
    crash(url, "offered")
    running = "00000000-0000-4000-8000-00000000000c"
    async with open_store(database, "first") as store:
        await store.create_call(new_call(call_id=running, leg_id=running))
        assert [call.call_id for call in await store.open_calls("first")] == [CALL]


async def test_looking_for_leftovers_never_takes_a_call_of_ones_own(database: Database) -> None:
    """Calls that begin and end while an engine looks for leftovers are not among them."""
    found: list[str] = []

    async def look(store: SqlCallStore) -> None:
        while True:
            found.extend(call.call_id for call in await store.open_calls("engine"))

    async with open_store(database, "engine") as store, asyncio.TaskGroup() as tasks:
        looking = tasks.create_task(look(store))
        for number in range(count(20, 500)):
            call_id = f"{number:036d}"
            await store.create_call(new_call(call_id=call_id, leg_id=call_id))
            await store.finish(call_id, ending(EndReason.AGENT_ENDED))
        looking.cancel()
    assert found == []


async def test_two_engines_never_claim_the_same_call(database: Database, url: str) -> None:
    """Of two engines that look at once, one gets the call."""
    crash(url, "offered")
    other = Database(url)
    async with (
        open_store(database, "a", clock=LaterClock()) as first,
        open_store(other, "b", clock=LaterClock()) as second,
    ):
        found = await asyncio.gather(first.open_calls("a"), second.open_calls("b"))
    await other.close()
    assert sorted(len(calls) for calls in found) == [0, 1]


async def test_a_heartbeat_keeps_the_lease(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease of a running call is renewed."""
    monkeypatch.setattr("cordboard.storage.call_store.HEARTBEAT_MS", 20)
    async with open_store(database, "engine") as store:
        await store.create_call(new_call())
        first = (await row(database)).lease_until
        assert first is not None
        async with asyncio.timeout(5):
            while ((await row(database)).lease_until or first) <= first:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await store.finish(CALL, ending(EndReason.AGENT_ENDED))
