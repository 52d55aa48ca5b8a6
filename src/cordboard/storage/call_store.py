"""The call store on SQL: ``ports.CallStore`` for one engine.

Setting up a call is durable before it returns. What happens between answer and hang-up is queued
and written by one task, in order; while the database is away it waits in memory.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import Final, Self

from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from cordboard.call.plan import CallPlan
from cordboard.ports import CallEnding, Clock, Direction, Fact, InboundPlan, NewCall, OpenCall
from cordboard.storage import call_recovery, call_writes, outbound_calls
from cordboard.storage.call_writer import (
    AWAY,
    WRITE_TIMEOUT_S,
    Answered,
    CallWriter,
    Ending,
    Entry,
    HasRecording,
)
from cordboard.storage.call_writes import KeptFact, Lease
from cordboard.storage.database import Database
from cordboard.storage.tables import Call, Leg
from cordboard.storage.write_queue import WriteQueue

FindPlan = Callable[[AsyncSession, str | None, str, str], Awaitable[InboundPlan | None]]
ShowAgent = Callable[[AsyncSession, str, CallPlan], Awaitable[Mapping[str, object]]]

HEARTBEAT_MS: Final = 2_000
LEASE_MS: Final = 8_000
SETUP_TIMEOUT_S: Final = 2.0
FINISH_TIMEOUT_S: Final = 60.0

_EARLY_COUNT: Final = 2_000
_ENDED_COUNT: Final = 200
_DRAIN_TIMEOUT_S: Final = 10.0
_log = logging.getLogger(__name__)


class StoreUnavailable(TimeoutError):
    """The database did not do what was asked within its deadline.

    A call whose creation ran late may be on record after all: ``finish`` closes it, and where that
    is not called, ``open_calls`` finds it.
    """


async def _no_agent(
    _session: AsyncSession, _organisation_id: str, _plan: CallPlan
) -> Mapping[str, object]:
    return {}


class SqlCallStore:
    """``ports.CallStore`` for the engine ``engine_id``. Use it as ``async with``.

    ``find_plan`` turns a called number into a plan; ``show_agent`` returns the plan's agent or
    flow as the API shows it, kept on the call's row; ``has_recording`` (organisation id, call id)
    tells whether an interrupted call left a readable recording. Facts beyond ``queue_max_count``
    waiting ones are refused (``refused_count``). Leaving the scope writes what waits.
    """

    def __init__(
        self,
        database: Database,
        engine_id: str,
        clock: Clock,
        *,
        find_plan: FindPlan,
        show_agent: ShowAgent = _no_agent,
        has_recording: HasRecording | None = None,
        queue_max_count: int = 10_000,
    ) -> None:
        self._database = database
        self.engine_id = engine_id
        self._clock = clock
        self._find_plan = find_plan
        self._show_agent = show_agent
        self._calls = _Calls()
        self._queue: WriteQueue[Entry] = WriteQueue(queue_max_count)
        self._writer = CallWriter(
            database, self._queue, self._calls.take_transcripts, has_recording
        )
        self._scope = asyncio.TaskGroup()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def refused_count(self) -> int:
        """Facts that were lost because too many waited."""
        return self._queue.refused_count + self._writer.refused_count

    @property
    def is_writable(self) -> bool:
        """Whether the last write worked; without it no new call should be taken."""
        return self._writer.is_writable

    async def __aenter__(self) -> Self:
        await self._scope.__aenter__()
        self._tasks = [
            self._scope.create_task(self._writer.run(), name="call store: writer"),
            self._scope.create_task(self._beat_always(), name="call store: heartbeat"),
        ]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            async with asyncio.timeout(0 if self._tasks[0].done() else _DRAIN_TIMEOUT_S):
                await self._queue.drained()
        except TimeoutError:
            _log.warning("the call store lost facts", extra={"facts_count": len(self._queue)})
        finally:
            for task in self._tasks:
                task.cancel()
            await self._scope.__aexit__(kind, error, trace)

    async def inbound_plan(
        self, trunk_id: str | None, number: str, from_number: str
    ) -> InboundPlan | None:
        """Turn a called number into a plan; raises ``StoreUnavailable``."""
        try:
            async with asyncio.timeout(SETUP_TIMEOUT_S), self._database.read() as session:
                return await self._find_plan(session, trunk_id, number, from_number)
        except AWAY as error:
            raise StoreUnavailable("the number could not be looked up") from error

    async def create_call(self, call: NewCall) -> None:
        """Write call and leg durably; raises ``StoreUnavailable``."""
        lease = self._lease()

        async def write(session: AsyncSession) -> None:
            if call.direction is Direction.OUTBOUND:
                return  # its rows were written before this engine was asked to run it
            agent = await self._show_agent(session, call.organisation_id, call.plan)
            row, leg = call_writes.new_rows(call, agent, lease)
            session.add(row)
            await session.flush()
            session.add(leg)

        creating = self._start(write)
        self._calls.begin(call, creating)
        creating.add_done_callback(lambda task: self._created(call, task))
        try:
            await self._in_time(creating)
        except StoreUnavailable:
            self._calls.owned.discard(call.call_id)
            raise

    async def fence(self, call: NewCall) -> bool:
        """Write the dial attempt of a call that is about to be placed, durably.

        False where it is not ours to dial; raises ``StoreUnavailable`` where that is in doubt, and
        then it is never dialled.
        """
        lease, fenced = self._lease(), [False]

        async def write(session: AsyncSession) -> None:
            fenced[0] = await outbound_calls.fence(session, call, lease)

        # Ours from here on: what is fenced and not owned is taken for left over from a crash.
        self._calls.owned.add(call.call_id)
        try:
            await self._in_time(self._start(write))
        finally:
            if not fenced[0]:
                self._calls.owned.discard(call.call_id)
        return fenced[0]

    def _created(self, call: NewCall, creating: asyncio.Task[Exception | None]) -> None:
        """Write the facts that were kept before the row was there."""
        written = not creating.cancelled() and creating.result() is None
        for fact in self._calls.created(call, written=written):
            self._queue.put(KeptFact(call.call_id, call.organisation_id, fact))

    async def save_dialog(self, call_id: str, leg_id: str, dialog: Mapping[str, object]) -> None:
        """Replace what ends the leg after a crash, durably; raises ``StoreUnavailable``."""
        values = call_writes.plain(dialog)

        async def write(session: AsyncSession) -> None:
            await session.execute(
                update(Leg).where(Leg.id == leg_id, Leg.call_id == call_id).values(dialog=values)
            )

        await self._in_time(self._start(write))

    async def answered(self, call_id: str, at: datetime) -> None:
        """Mark the call as in progress: in order with the facts, without waiting for the disk."""
        self._queue.put(Answered(call_id, at), must=True, urgent=True)

    def keep(self, call_id: str, fact: Fact) -> None:
        """Append to the timeline without waiting.

        Facts of a call whose row is not written yet are held for it, up to 2,000 in all; beyond,
        and after ``finish``, they are refused.
        """
        organisation_id = self._calls.organisations.get(call_id)
        if organisation_id is not None:
            self._queue.put(KeptFact(call_id, organisation_id, fact))
        elif not self._calls.hold(call_id, fact):
            self._queue.refused_count += 1

    def keep_transcript(self, call_id: str, transcript: str) -> None:
        """Replace the transcript without waiting; it is written with the next facts."""
        self._calls.keep_transcript(call_id, transcript)

    async def finish(self, call_id: str, ending: CallEnding) -> None:
        """Close the row after all facts kept before; the first ending stays.

        An interrupted call is given the transcript its facts add up to and the end of the last
        sign of life. Raises ``StoreUnavailable`` after a minute without a database; the ending
        stays queued and is still written.
        """
        creating = self._calls.creating.get(call_id)
        if creating is not None:
            await asyncio.wait({creating}, timeout=FINISH_TIMEOUT_S)
        written: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        alive_at = self._calls.end(call_id)
        written.add_done_callback(lambda _: self._calls.abandon(call_id))
        self._queue.put(Ending(call_id, ending, alive_at, written), must=True, urgent=True)
        try:
            await asyncio.wait_for(asyncio.shield(written), FINISH_TIMEOUT_S)
        except TimeoutError as error:
            raise StoreUnavailable("the call is not closed yet") from error

    async def open_calls(self, engine_id: str) -> Sequence[OpenCall]:
        """Claim calls of engines whose lease has run out, and leftovers of ``engine_id``'s own.

        After the database was away no engine could renew its leases: for as long as a lease lasts
        they are given the time to. Raises ``StoreUnavailable``.
        """
        others = (
            self._writer.away_ms is None or self._clock.now_ms() - self._writer.away_ms > LEASE_MS
        )
        lease = dataclasses.replace(self._lease(), engine_id=engine_id)
        claimed: list[tuple[OpenCall, datetime]] = []

        async def write(session: AsyncSession) -> None:
            claimed.extend(
                await call_recovery.claim(
                    session, lease, self._clock.wall(), LEASE_MS, self._calls.owned, others=others
                )
            )

        await self._in_time(self._start(write))
        for call, alive_at in claimed:
            self._calls.take_over(call, alive_at)
        return [call for call, _ in claimed]

    def _lease(self) -> Lease:
        return Lease(self.engine_id, self._clock.wall() + timedelta(milliseconds=LEASE_MS))

    def _start(
        self, write: Callable[[AsyncSession], Awaitable[None]]
    ) -> asyncio.Task[Exception | None]:
        return self._scope.create_task(self._attempt(write), name="call store: set-up")

    async def _in_time(self, writing: asyncio.Task[Exception | None]) -> None:
        """Wait for a write within the deadline; a late one goes on to its end by itself.

        It is not cancelled, because a driver that waits for a lock does not give way, and whether
        it wrote would not be known.
        """
        await asyncio.wait({writing}, timeout=SETUP_TIMEOUT_S)
        failure = writing.result() if writing.done() else TimeoutError()
        self._writer.is_writable = not isinstance(failure, AWAY)
        if not self._writer.is_writable:
            self._writer.away_ms = self._clock.now_ms()
        if failure is not None:
            raise StoreUnavailable("the call could not be written") from failure

    async def _attempt(self, write: Callable[[AsyncSession], Awaitable[None]]) -> Exception | None:
        try:
            async with self._database.write() as session:
                await write(session)
        except (*AWAY, SQLAlchemyError) as error:
            return error
        return None

    async def _beat_always(self) -> None:
        """Renew the lease of every call this engine runs."""
        while True:
            await asyncio.sleep(HEARTBEAT_MS / 1000)
            if not self._calls.owned and self._writer.is_writable:
                continue
            try:
                async with asyncio.timeout(WRITE_TIMEOUT_S), self._database.write() as session:
                    await session.execute(
                        update(Call)
                        .where(
                            Call.owner_engine == self.engine_id,
                            Call.id.in_(self._calls.owned),
                            Call.status.not_in(call_writes.TERMINAL),
                        )
                        .values(lease_until=self._lease().until)
                    )
            except (*AWAY, SQLAlchemyError):
                self._writer.is_writable = False
                self._writer.away_ms = self._clock.now_ms()


class _Calls:
    """What the store knows of the calls that are open here.

    ``owned`` are those whose row this process has yet to close; of ``organisations`` facts are
    taken; ``creating`` are rows being written.
    """

    def __init__(self) -> None:
        self.owned: set[str] = set()
        self.organisations: dict[str, str] = {}
        self.creating: dict[str, asyncio.Task[Exception | None]] = {}
        self._early: dict[str, list[Fact]] = {}
        self._ended: deque[str] = deque(maxlen=_ENDED_COUNT)
        self._alive_at: dict[str, datetime] = {}
        self._content_free: set[str] = set()
        self._transcripts: dict[str, str] = {}

    def hold(self, call_id: str, fact: Fact) -> bool:
        """Hold a fact until the call's row is there; False if there is no room, or no call."""
        if call_id in self._ended or sum(map(len, self._early.values())) >= _EARLY_COUNT:
            return False
        self._early.setdefault(call_id, []).append(fact)
        return True

    def begin(self, call: NewCall, creating: asyncio.Task[Exception | None]) -> None:
        self.owned.add(call.call_id)
        self.creating[call.call_id] = creating
        if call.plan.content_free:
            self._content_free.add(call.call_id)

    def created(self, call: NewCall, *, written: bool) -> list[Fact]:
        """Open the call for facts; return those that came before. A failed call is forgotten."""
        del self.creating[call.call_id]
        early = self._early.pop(call.call_id, [])
        if not written:
            self.abandon(call.call_id)
            return []
        self.organisations[call.call_id] = call.organisation_id
        return early

    def take_over(self, call: OpenCall, alive_at: datetime) -> None:
        self.owned.add(call.call_id)
        self.organisations[call.call_id] = call.organisation_id
        self._alive_at[call.call_id] = alive_at

    def end(self, call_id: str) -> datetime | None:
        """Take nothing more of a call; return its last sign of life if it was taken over."""
        if call_id not in self._ended:
            self._ended.append(call_id)
        self.organisations.pop(call_id, None)
        self._early.pop(call_id, None)
        self._transcripts.pop(call_id, None)
        self._content_free.discard(call_id)
        return self._alive_at.pop(call_id, None)

    def abandon(self, call_id: str) -> None:
        """Own a call no more: its row is closed, or was never written as far as we know."""
        self.end(call_id)
        self.owned.discard(call_id)

    def keep_transcript(self, call_id: str, transcript: str) -> None:
        if call_id in self.organisations and call_id not in self._content_free:
            self._transcripts[call_id] = transcript

    def take_transcripts(self) -> dict[str, str]:
        taken, self._transcripts = self._transcripts, {}
        return taken
