"""Placing a call so that at most one phone rings, whatever becomes of our request's answer."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime
from typing import Final

from cordboard.ports import LegFailed
from cordboard.telephony.twilio.api import CallRequest, TwilioApi
from cordboard.telephony.twilio.errors import ApiError
from cordboard.telephony.twilio.leg import TwilioLeg

log = logging.getLogger(__name__)

LOOKS: Final = (0.5, 2.0, 5.0)
"""Seconds after which a call whose answer got lost is looked for."""


async def place(api: TwilioApi, leg: TwilioLeg, request: CallRequest, since: datetime) -> None:
    """Place the call of a leg; afterwards ``leg.answer`` waits until it is picked up.

    The request is sent once. Where its answer got lost, the call is found by its status callback or
    by its numbers ``since`` the attempt was written down. A call that turns up for a leg that has
    ended meanwhile is hung up. Raises ``LegFailed`` with the cause for the record.
    """
    try:
        call_sid = (await api.create(request)).sid
    except ApiError as error:
        if not error.maybe_done:
            raise LegFailed(str(error)) from None
        log.warning("leg.placing_unclear", extra={"leg_id": leg.leg_id, "why": error.brief})
        call_sid = await _look_for(api, leg, request, since)
        if not call_sid:
            raise LegFailed(str(error)) from None
    if not leg.progress.call_sid:
        leg.progress.call_sid = call_sid
    if leg.progress.over:
        await _hang_up(api, leg, call_sid)


async def _look_for(api: TwilioApi, leg: TwilioLeg, request: CallRequest, since: datetime) -> str:
    """Return the identifier of a call that may have been placed; empty if there is none, or if it
    cannot be told from others.

    One that is missed rings in vain: its stream is not let in, and it is told to hang up.
    """
    for wait_s in LOOKS:
        await asyncio.sleep(wait_s)
        if leg.progress.call_sid:
            return leg.progress.call_sid
        try:
            found = await api.find(request.to_number, request.from_number, since)
        except ApiError:
            continue
        running = [call.sid for call in found if not call.over]
        if len(running) == 1:
            return running[0]
    return leg.progress.call_sid


async def _hang_up(api: TwilioApi, leg: TwilioLeg, call_sid: str) -> None:
    try:
        await api.hang_up(call_sid)
    except ApiError as error:
        log.warning("leg.hang_up_failed", extra={"leg_id": leg.leg_id, "why": error.brief})
