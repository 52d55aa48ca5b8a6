"""Rules of calls: they are read here, and may be asked to end."""

from __future__ import annotations

import asyncio
from typing import Final

from sqlalchemy.orm import defer

from cordboard.control.calls.queries import COLUMNS
from cordboard.control.errors import NotFound, Unavailable
from cordboard.control.requests import PageQuery
from cordboard.control.rows import find, page_of
from cordboard.control.services import Sound
from cordboard.control.unit import Caller, Unit
from cordboard.ports import Direction
from cordboard.storage.outbound_calls import withdraw
from cordboard.storage.tables import Call

NOUN: Final = "call"
NO_RECORDING: Final = "This call has no recording"
AGENT: Final = "agent"
END_TIMEOUT_S: Final = 10
END_RETRY_S: Final = 0.1
RECORDING_TIMEOUT_S: Final = 30
OPEN: Final = ("not_started", "in_progress")


async def find_call(unit: Unit, call_id: str) -> Call:
    """Return a call of the organisation."""
    return await find(unit, Call, call_id, NOUN)


async def find_public_call(unit: Unit, call_id: str) -> Call:
    """Return a call that the public API knows of: clients cannot read one without an agent."""
    row = await find_call(unit, call_id)
    if row.operator != AGENT:
        raise NotFound(
            "No call with this id that an agent answers; those of flows are under /x/v1/calls"
        )
    return row


async def page_of_calls(unit: Unit, page: PageQuery, *, public: bool) -> tuple[list[Call], int]:
    """Return the calls of a page, and how many there are; flows' calls are not public."""
    only = [Call.operator == AGENT] if public else []
    rows, total = await page_of(unit, Call, page, COLUMNS, [defer(Call.plan)], only)
    return list(rows), total


async def end(caller: Caller, call_id: str) -> Call:
    """Ask whoever runs the call to end it, and return it as it is then.

    No transaction is open meanwhile: the one who ends it has to write.
    """
    async with caller.reading() as unit:
        row = await find_call(unit, call_id)
    if row.status not in OPEN:
        return row
    try:
        async with asyncio.timeout(END_TIMEOUT_S):
            await _end(caller, row)
    except TimeoutError:
        raise Unavailable("The call could not be ended in time") from None
    async with caller.reading() as unit:
        return await find_call(unit, call_id)


async def _end(caller: Caller, row: Call) -> None:
    """Have the call ended by who runs it, or end it here while it waits to be placed."""
    outbound = row.direction == Direction.OUTBOUND.value
    while not await caller.services.call_commands.end_call(row.id):
        if not outbound or not await _is_waiting(caller, row.id):
            return
        async with caller.writing() as unit:
            if await withdraw(unit.session, row.id, caller.services.clock.wall()):
                return
        # An engine has claimed it and is about to run it.
        await asyncio.sleep(END_RETRY_S)


async def _is_waiting(caller: Caller, call_id: str) -> bool:
    async with caller.reading() as unit:
        return (await find_call(unit, call_id)).status == "not_started"


async def recording(caller: Caller, call_id: str) -> Sound:
    """Return a call's recording as MP3."""
    async with caller.reading() as unit:
        row = await recorded_call(unit, call_id)
    found = await _mp3(caller, row.id)
    if found is None:
        raise NotFound(NO_RECORDING)
    return found


async def linked_recording(caller: Caller, call_id: str) -> Sound:
    """Return a call's recording; that there is no such call is told like any other failure."""
    try:
        return await recording(caller, call_id)
    except NotFound:
        raise NotFound(NO_RECORDING) from None


async def recorded_call(unit: Unit, call_id: str) -> Call:
    """Return a call of the organisation that has a recording."""
    row = await find_call(unit, call_id)
    if not row.recording_available:
        raise NotFound(NO_RECORDING)
    return row


async def _mp3(caller: Caller, call_id: str) -> Sound | None:
    try:
        async with asyncio.timeout(RECORDING_TIMEOUT_S):
            return await caller.services.recordings.open_mp3(call_id)
    except TimeoutError:
        raise Unavailable("The recording could not be read in time") from None
