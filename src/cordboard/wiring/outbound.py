"""From a call that was asked for to a running one: claimed, routed, fenced, started."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from cordboard.bus.port import Bus
from cordboard.call.events import EndReason
from cordboard.call.plan import CallPlan
from cordboard.engine.dispatch import Admission, Dispatch
from cordboard.engine.guard import Guard, Report
from cordboard.ports import Direction, NewCall
from cordboard.storage import outbound_calls
from cordboard.storage.call_store import LEASE_MS, SqlCallStore, StoreUnavailable
from cordboard.storage.call_writer import AWAY
from cordboard.storage.call_writes import Lease
from cordboard.storage.database import Database
from cordboard.storage.outbound_calls import OutboundLimits, WantedCall
from cordboard.telephony.sip.endpoint import SipEndpoint
from cordboard.telephony.sip.hops import DialForbidden
from cordboard.telephony.sip.outgoing import OutgoingSipLeg
from cordboard.telephony.sip.ports import NoPortLeft
from cordboard.telephony.sip.stream import RtpHost
from cordboard.wiring.dialling import Dialling, Unroutable
from cordboard.wiring.permits import Permits

log = logging.getLogger(__name__)

CARRIER = "sip"
WANTED = "calls.wanted"
POLL_S = 1.0
AGAIN_S = 2.0
MOST_SETTING_UP = 20
SHARE_OF_ROOM = 0.8
"""So much of the house outbound calls may fill; the rest is kept for who calls us."""


Placer = Callable[[WantedCall, Admission], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Outwards:
    """What all calls out have in common: the one counter of dials, and placers by carrier."""

    permits: Permits
    others: Mapping[str, Placer]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundParts:
    """What placing calls needs; ``others`` place calls of other carriers, by their names."""

    host: RtpHost
    store: SqlCallStore
    database: Database
    dispatch: Dispatch
    dialling: Dialling
    preference: Callable[[CallPlan], Sequence[str]]
    report: Report
    bus: Bus
    limits: OutboundLimits
    most_calls: int
    others: Mapping[str, Placer]


class OutboundCalls:
    """Places calls while there is room for them; within ``running`` only."""

    def __init__(self, parts: OutboundParts, endpoint: SipEndpoint) -> None:
        self.parts = parts
        self._endpoint = endpoint
        self._group = asyncio.TaskGroup()
        self._wake = asyncio.Event()
        self._ours: set[str] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Claim and place calls within the block."""
        async with self._group:
            looking = [
                self._group.create_task(self._listen(), name="outbound: nudges"),
                self._group.create_task(self._claim_always(), name="outbound: claims"),
            ]
            try:
                yield
            finally:
                for task in looking:
                    task.cancel()

    async def _listen(self) -> None:
        async with self.parts.bus.subscribe(WANTED, max_count=1) as nudges:
            async for _ in nudges:
                self._wake.set()

    async def _claim_always(self) -> None:
        while True:
            self._wake.clear()
            with Guard("claiming calls", self.parts.report):
                while await self._claim_one():
                    pass
            try:
                async with asyncio.timeout(POLL_S):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _claim_one(self) -> bool:
        """Claim one call and begin to place it; False when there is none, or no room."""
        parts = self.parts
        room = max(1, int(parts.most_calls * SHARE_OF_ROOM))
        if parts.dispatch.running_count + len(self._ours) >= room:
            return False
        if len(self._ours) >= MOST_SETTING_UP:
            return False
        admission = parts.dispatch.admit()
        if not admission.admitted:
            return False
        wanted = None
        try:
            wanted = await self._claim()
        finally:
            if wanted is None:
                admission.give_back()
        if wanted is None:
            return False
        self._ours.add(wanted.call_id)
        self._group.create_task(self._place(wanted, admission), name="placing a call")
        return True

    async def _claim(self) -> WantedCall | None:
        parts = self.parts
        now = parts.host.clock.wall()
        lease = Lease(parts.store.engine_id, now + timedelta(milliseconds=LEASE_MS))
        try:
            async with parts.database.write() as session:
                return await outbound_calls.claim(session, lease, now, parts.limits, self._ours)
        except (*AWAY, SQLAlchemyError):
            log.warning("outbound.claim_failed")
            return None

    async def _place(self, wanted: WantedCall, admission: Admission) -> None:
        call_id, report = wanted.call_id, self.parts.report
        try:
            with (guard := Guard(f"placing call {call_id}", report)):
                await self._try(wanted, admission)
            if guard.broken:
                with Guard(f"giving up call {call_id}", report):
                    await self._refuse(call_id, EndReason.INTERNAL_ERROR, "placing the call")
        finally:
            self._ours.discard(call_id)
            admission.give_back()

    async def _try(self, wanted: WantedCall, admission: Admission) -> None:
        call_id = wanted.call_id
        try:
            await self._start(wanted, admission)
        except DialForbidden as refusal:
            log.info("outbound.refused", extra={"call": call_id, "why": str(refusal)})
            await self._refuse(call_id, EndReason.DIAL_REFUSED, str(refusal))
        except Unroutable as problem:
            await self._refuse(call_id, EndReason.CARRIER_FAILED, str(problem))
        except StoreUnavailable:
            # Perhaps fenced: never to be dialled. What is on record is closed by recovery.
            log.warning("outbound.not_fenced", extra={"call": call_id})
        except NoPortLeft:
            await asyncio.sleep(AGAIN_S)
            async with self.parts.database.write() as session:
                await outbound_calls.give_back(session, call_id, self.parts.store.engine_id)

    async def _start(self, wanted: WantedCall, admission: Admission) -> None:
        parts = self.parts
        if (place := parts.others.get(wanted.carrier)) is not None:
            await place(wanted, admission)
            return
        route, number = await parts.dialling.route(wanted)
        # One leg by one name: the fence holds whichever engine comes second.
        leg_id = wanted.call_id
        leg = OutgoingSipLeg(
            leg_id,
            self._endpoint,
            parts.host,
            parts.preference(wanted.plan),
            route,
            partial(self._dialog_changed, wanted.call_id, leg_id),
            partial(parts.store.save_dialog, wanted.call_id, leg_id),
        )
        await leg.prepare()
        started = False
        try:
            call = NewCall(
                call_id=wanted.call_id,
                leg_id=leg_id,
                organisation_id=wanted.organisation_id,
                direction=Direction.OUTBOUND,
                from_number=wanted.from_number,
                to_number=wanted.to_number,
                carrier=CARRIER,
                trunk_id=wanted.trunk_id,
                carrier_handle=route.names.call_id,
                dialog=route.record(number),
                plan=wanted.plan,
                at=parts.host.clock.wall(),
            )
            if await parts.store.fence(call):
                parts.dispatch.start(admission, call, leg)
                started = True
        finally:
            if not started:
                leg.close()

    async def _refuse(self, call_id: str, reason: EndReason, why: str) -> None:
        at = self.parts.host.clock.wall()
        async with self.parts.database.write() as session:
            await outbound_calls.refuse(session, call_id, reason, why, at)

    def _dialog_changed(self, call_id: str, leg_id: str, dialog: Mapping[str, object]) -> None:
        """Keep what ends the dialog after a crash."""
        self._group.create_task(self._save(call_id, leg_id, dialog), name="saving a dialog")

    async def _save(self, call_id: str, leg_id: str, dialog: Mapping[str, object]) -> None:
        with Guard("saving a dialog", self.parts.report):
            await self.parts.store.save_dialog(call_id, leg_id, dialog)
