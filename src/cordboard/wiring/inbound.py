"""From an INVITE to a running call: admission, number, plan, codec, and then the engine's."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from cordboard.call.plan import CallPlan
from cordboard.engine.dispatch import Admission, Dispatch
from cordboard.engine.guard import Guard, Report
from cordboard.ports import CallStore, Direction, InboundPlan, LegFailed, NewCall
from cordboard.sip.events import CallOffered
from cordboard.storage.call_store import StoreUnavailable
from cordboard.telephony.sip.endpoint import SipEndpoint
from cordboard.telephony.sip.leg import SipLeg
from cordboard.telephony.sip.media_choice import MediaRefused
from cordboard.telephony.sip.ports import NoPortLeft
from cordboard.telephony.sip.stream import RtpHost

log = logging.getLogger(__name__)

CARRIER = "sip"
SET_UP_WAIT_S = 5.0
MOST_SETTING_UP = 200
"""INVITEs that may wait for the database at once; one more is refused like a full house."""


class InboundCalls:
    """Takes the calls that an endpoint offers. Use as ``async with``: it owns their setting up."""

    def __init__(
        self,
        host: RtpHost,
        store: CallStore,
        dispatch: Dispatch,
        preference: Callable[[CallPlan], Sequence[str]],
        report: Report,
    ) -> None:
        self._host = host
        self._store = store
        self._dispatch = dispatch
        self._preference = preference
        self._report = report
        self._group = asyncio.TaskGroup()
        self._setting_up = 0
        self._endpoint: SipEndpoint | None = None

    async def __aenter__(self) -> InboundCalls:
        await self._group.__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._group.__aexit__(None, None, None)

    def connect(self, endpoint: SipEndpoint) -> None:
        """Name the endpoint whose calls these are."""
        self._endpoint = endpoint

    def offered(self, offer: CallOffered) -> None:
        """Take an INVITE: admission first, before any other work."""
        admission = self._dispatch.admit()
        if not admission.admitted or self._setting_up >= MOST_SETTING_UP:
            admission.give_back()
            self._refuse(offer, 503, admission.retry_after_s)
            return
        self._setting_up += 1
        self._group.create_task(self._set_up(offer, admission), name="setting up a call")

    async def _set_up(self, offer: CallOffered, admission: Admission) -> None:
        status = 500
        try:
            with Guard("setting up a call", self._report):
                status = await self._status(offer, admission)
        finally:
            self._setting_up -= 1
            admission.give_back()
        if status:
            self._refuse(offer, status, admission.retry_after_s)

    async def _status(self, offer: CallOffered, admission: Admission) -> int:
        try:
            return await self._start(offer, admission)
        except (TimeoutError, StoreUnavailable, NoPortLeft):
            return 503
        except LegFailed:
            return 0
        except MediaRefused as refused:
            log.info("sip.media_refused", extra={"reason": str(refused)})
            return 488

    async def _start(self, offer: CallOffered, admission: Admission) -> int:
        """Start the call; returns 0, or the status to refuse it with."""
        call_id = self._host.randomness.uuid()
        async with asyncio.timeout(SET_UP_WAIT_S):
            ringing = await self._ring(offer, call_id)
        if isinstance(ringing, int):
            return ringing
        inbound, leg = ringing
        try:
            call = self._new_call(offer, await inbound.whole(), call_id, leg)
            self._dispatch.start(admission, replace(call, trunk_id=offer.label), leg)
        except BaseException:
            leg.close()
            raise
        return 0

    async def _ring(self, offer: CallOffered, call_id: str) -> tuple[InboundPlan, SipLeg] | int:
        """Let it ring, or return the status to refuse it with."""
        assert self._endpoint is not None
        inbound = await self._store.inbound_plan(offer.label, offer.request_user, offer.from_user)
        if inbound is None:
            return 404
        if is_refused(inbound):
            return 503
        leg = SipLeg(
            self._endpoint,
            offer,
            self._host,
            self._preference(inbound.plan),
            partial(self._dialog_changed, call_id, offer.handle),
        )
        try:
            await leg.prepare()
            leg.ring()
        except BaseException:
            leg.close()
            raise
        return inbound, leg

    def _new_call(
        self, offer: CallOffered, inbound: InboundPlan, call_id: str, leg: SipLeg
    ) -> NewCall:
        return NewCall(
            call_id=call_id,
            leg_id=leg.leg_id,
            organisation_id=inbound.organisation_id,
            direction=Direction.INBOUND,
            from_number=offer.from_user.lstrip("+") or "anonymous",
            to_number=inbound.number,
            carrier=CARRIER,
            trunk_id=None,
            carrier_handle=offer.call_id,
            dialog=leg.dialog,
            plan=inbound.plan,
            at=self._host.clock.wall(),
        )

    def _dialog_changed(self, call_id: str, leg_id: str, dialog: Mapping[str, object]) -> None:
        """Keep what ends the dialog after a crash; a CSeq block ahead, so it need not be waited
        for.
        """
        self._group.create_task(self._save(call_id, leg_id, dialog), name="saving a dialog")

    async def _save(self, call_id: str, leg_id: str, dialog: Mapping[str, object]) -> None:
        with Guard("saving a dialog", self._report):
            await self._store.save_dialog(call_id, leg_id, dialog)

    def _refuse(self, offer: CallOffered, status: int, retry_after_s: int) -> None:
        assert self._endpoint is not None
        headers = (("Retry-After", str(retry_after_s)),) if status == 503 else ()
        agent = self._endpoint.agent
        agent.calls.reject(offer.handle, status, self._endpoint.now_ms, headers=headers)
        self._endpoint.pump()


def is_refused(inbound: InboundPlan) -> bool:
    """Tell whether no call is taken at a number now, and log why."""
    if inbound.refusal is not None:
        why = {"organisation": inbound.organisation_id, "why": inbound.refusal}
        log.warning("call.refused", extra=why)
    return inbound.refusal is not None
