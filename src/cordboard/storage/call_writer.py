"""The task that writes what is queued about calls, in order, however long the database is away."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final

from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncSession

from cordboard.call.events import EndReason
from cordboard.ports import CallEnding
from cordboard.storage import call_recovery, call_writes
from cordboard.storage.call_writes import KeptFact
from cordboard.storage.database import Database
from cordboard.storage.tables import Call
from cordboard.storage.write_queue import WriteQueue

WRITE_TIMEOUT_S: Final = 15.0
AWAY: Final = (OperationalError, InterfaceError, PoolTimeoutError, OSError, TimeoutError)

HasRecording = Callable[[str, str], bool]

_RETRY_FIRST_S: Final = 0.1
_RETRY_LAST_S: Final = 1.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answered:
    """A call was answered."""

    call_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Ending:
    """A call is over; ``alive_at`` is the last sign of life of an engine that died.

    ``written`` is done once the row is closed.
    """

    call_id: str
    ending: CallEnding
    alive_at: datetime | None
    written: asyncio.Future[bool]


Entry = KeptFact | Answered | Ending


class CallWriter:
    """Writes the entries of ``queue``, and beside them the transcripts ``take_transcripts`` gives.

    ``is_writable`` tells whether the last write worked. An entry the database refuses for what it
    is (not for being away) is left out and counted in ``refused_count``.
    """

    def __init__(
        self,
        database: Database,
        queue: WriteQueue[Entry],
        take_transcripts: Callable[[], dict[str, str]],
        has_recording: HasRecording | None = None,
    ) -> None:
        self.is_writable = True
        self.away_ms: int | None = None
        """When something last could not be written."""
        self.refused_count = 0
        self._database = database
        self._queue = queue
        self._take_transcripts = take_transcripts
        self._has_recording = has_recording

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            batch = await self._queue.batch()
            await self._write_at_last(batch, self._take_transcripts())

    async def _write_at_last(self, batch: list[Entry], transcripts: dict[str, str]) -> None:
        wait_s = _RETRY_FIRST_S
        while True:
            try:
                await self._write(batch, transcripts)
                break
            except AWAY as error:
                if self.is_writable:
                    _log.warning("the database is away", extra={"why": type(error).__name__})
                self.is_writable = False
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, _RETRY_LAST_S)
            except SQLAlchemyError as error:
                await self._leave_out(batch, error)
                break
        self.is_writable = True
        for entry in batch:
            if isinstance(entry, Ending) and not entry.written.done():
                entry.written.set_result(True)

    async def _leave_out(self, batch: list[Entry], error: SQLAlchemyError) -> None:
        """Find the entries that the database refuses, by writing each by itself."""
        if len(batch) == 1:
            self.refused_count += 1
            fields = {"call_id": batch[0].call_id, "why": type(error).__name__}
            _log.error("the database refused an entry", extra=fields)
            return
        for entry in batch:
            await self._write_at_last([entry], {})

    async def _write(self, batch: Iterable[Entry], transcripts: Mapping[str, str]) -> None:
        async with asyncio.timeout(WRITE_TIMEOUT_S), self._database.write() as session:
            for kind, entries in groupby(batch, key=type):
                if kind is KeptFact:
                    facts = [entry for entry in entries if isinstance(entry, KeptFact)]
                    await call_writes.append_facts(session, facts)
                    continue
                for entry in entries:
                    await self._write_one(session, entry)
            await call_writes.replace_transcripts(session, transcripts)

    async def _write_one(self, session: AsyncSession, entry: Entry) -> None:
        if isinstance(entry, Answered):
            await call_writes.mark_answered(session, entry.call_id, entry.at)
        elif isinstance(entry, Ending):
            ending = entry.ending
            if ending.reason is EndReason.INTERRUPTED:
                ending = await self._as_found(session, entry)
            await call_writes.close_call(session, entry.call_id, ending)

    async def _as_found(self, session: AsyncSession, entry: Ending) -> CallEnding:
        """Give an interrupted call the end, transcript and recording that it left."""
        given = entry.ending
        alive_at = entry.alive_at or await call_recovery.last_fact_at(session, entry.call_id)
        rebuilt = await call_recovery.rebuilt_transcript(session, entry.call_id)
        recorded = given.recording_available
        if self._has_recording is not None and not recorded:
            row = await session.get(Call, entry.call_id)
            recorded = row is not None and self._has_recording(row.organisation_id, row.id)
        return dataclasses.replace(
            given,
            at=min(given.at, alive_at or given.at),
            transcript=max(given.transcript, rebuilt, key=len),
            recording_available=recorded,
        )
