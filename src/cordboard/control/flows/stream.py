"""A flow's event stream: Server-Sent Events out of its calls' timelines.

A reader that is slow is read for slowly: nothing is kept for it here but where it has got to.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Final
from weakref import WeakSet

from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from cordboard.control.calls.schemas import shown_event
from cordboard.control.errors import Unavailable
from cordboard.control.keys.queries import key_by_id
from cordboard.control.unit import Caller, Unit
from cordboard.storage.database import DatabaseAway
from cordboard.storage.flow_tail import OVERLAP, FlowTail
from cordboard.storage.tables import CallEvent, Flow

STREAMS_MAX: Final = 50
STREAM_MAX: Final = timedelta(minutes=10)
"""So long a stream lasts; clients open it anew, and show their key again."""

RESUME_MAX: Final = timedelta(hours=1)
POLL_S: Final = 0.25
READ_TIMEOUT_S: Final = 5.0
QUIET_MAX: Final = timedelta(seconds=15)
"""After so long without an event a comment shows both sides that the other is there."""

_HEARTBEAT: Final = ":\n\n"
_EVENT_ID: Final = re.compile(r"([0-9a-f-]{36}):([0-9]{1,9})")


class Place:
    """One of the streams that a process serves, as long as somebody holds it."""


class Streams:
    """Counts the streams that a process serves, which are bounded."""

    def __init__(self) -> None:
        # A stream whose client is gone before it begins never runs: its place goes with it.
        self._places: WeakSet[Place] = WeakSet()

    def take(self) -> Place:
        """Take a place.

        Raises:
            Unavailable: none is free.

        """
        if len(self._places) >= STREAMS_MAX:
            raise Unavailable(f"The server serves {STREAMS_MAX} event streams already")
        place = Place()
        self._places.add(place)
        return place

    def give_back(self, place: Place) -> None:
        """Give a place back."""
        self._places.discard(place)


async def resumed_at(unit: Unit, last_event_id: str | None) -> datetime | None:
    """Return from which moment on a client wants events again that got this one last.

    Some of them it has seen: it knows them by their ids.
    """
    found = _EVENT_ID.fullmatch(last_event_id or "")
    if found is None:
        return None
    wanted = select(CallEvent.at).where(
        CallEvent.organisation_id == unit.organisation_id,
        CallEvent.call_id == found[1],
        CallEvent.sequence == int(found[2]),
    )
    at = (await unit.session.scalars(wanted)).first()
    if at is None:
        return None
    return max(at, unit.services.clock.wall() - RESUME_MAX) - OVERLAP


async def lines(
    caller: Caller, flow: Flow, since: datetime | None, streams: Streams, place: Place
) -> AsyncIterator[str]:
    """Yield the stream; its place is given back at its end, which comes with that of the key."""
    services = caller.services
    try:
        begun = told = services.clock.wall()
        tail = FlowTail(flow.organisation_id, flow.id, begun, since)
        yield _HEARTBEAT
        while (now := services.clock.wall()) - begun < STREAM_MAX:
            facts = await _step(caller, tail, now)
            if facts is None:
                return
            for fact in facts:
                told = now
                yield _told(fact)
            if now - told >= QUIET_MAX:
                told = now
                yield _HEARTBEAT
            await asyncio.sleep(POLL_S)
    finally:
        streams.give_back(place)


async def _step(caller: Caller, tail: FlowTail, now: datetime) -> list[CallEvent] | None:
    """Return what is new, or None when the key has been revoked; nothing while the database is
    away, it is told later.
    """
    try:
        async with asyncio.timeout(READ_TIMEOUT_S), caller.services.database.read() as session:
            key = await key_by_id(session, caller.organisation_id, caller.key_id)
            if key is None or key.revoked_at is not None:
                return None
            return list(await tail.step(session, now))
    except (DatabaseAway, OperationalError, PoolTimeout, OSError, TimeoutError):
        return []


def _told(fact: CallEvent) -> str:
    shown = {"call_id": fact.call_id, **shown_event(fact)}
    kind = re.sub(r"[^a-z_]", "_", fact.kind)
    event_id = f"{fact.call_id}:{fact.sequence}"
    return f"id: {event_id}\nevent: {kind}\ndata: {json.dumps(shown)}\n\n"
