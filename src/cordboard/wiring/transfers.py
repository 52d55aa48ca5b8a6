"""Legs to whom callers are handed over, by the carrier of the call."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from cordboard.call.events import EndReason, LegEndedBy
from cordboard.ports import (
    DialFailed,
    Direction,
    HandedOver,
    Leg,
    NewCall,
    OutgoingLeg,
    TransferWish,
)
from cordboard.storage.call_writer import AWAY
from cordboard.storage.outbound_calls import WantedCall, add_transfer_leg
from cordboard.storage.phone_numbers import stored_user_part
from cordboard.telephony.sip.connected import ConnectedLeg
from cordboard.telephony.sip.endpoint import SipEndpoint
from cordboard.telephony.sip.hops import DialForbidden, DialLater
from cordboard.telephony.sip.outgoing import OutgoingSipLeg
from cordboard.telephony.sip.ports import NoPortLeft
from cordboard.telephony.sip.reference import NotReferred
from cordboard.telephony.sip.route import Route
from cordboard.wiring.caller_ids import readable_name, shown_caller
from cordboard.wiring.dialling import Unroutable
from cordboard.wiring.outbound import OutboundParts

log = logging.getLogger(__name__)

RING_S: Final = 45
_DIALLED_LATER: Final = re.compile(r"([^,w]*)(.*)", re.DOTALL)

NOT_SHOWN: Final = "transfer: the carrier shows our own number, not caller_id_number"
NAME_NOT_SHOWN: Final = "transfer: the carrier does not show caller_id_name"
REFERRED: Final = "transfer: the trunk's peer makes it by itself, and shows whom it likes"

Way = Callable[[NewCall, Leg, TransferWish], Awaitable[OutgoingLeg | HandedOver]]


class Transfers:
    """``ports.TransferDesk``; carriers add their ``ways`` when they are there."""

    def __init__(self) -> None:
        self.ways: dict[str, Way] = {}

    async def leg(self, call: NewCall, leg: Leg, wish: TransferWish) -> OutgoingLeg | HandedOver:
        """Return a leg to the target. Raises ``DialFailed``."""
        way = self.ways.get(call.carrier)
        if way is None:
            raise DialFailed("this carrier cannot transfer", LegEndedBy.LOCAL, None)
        try:
            return await way(call, leg, wish)
        except DialForbidden as refusal:
            raise refused(str(refusal)) from None


@dataclass(frozen=True, slots=True)
class SipTransfers:
    """Has the peer of the first leg make the transfer, where its trunk says that it may; else, and
    where the peer does not take it, places a second leg over the same trunk.
    """

    parts: OutboundParts
    endpoint: SipEndpoint

    async def leg(self, call: NewCall, first: Leg, wish: TransferWish) -> OutgoingLeg | HandedOver:
        """Return a leg of its own, or that none is needed. Raises ``DialFailed`` and
        ``DialForbidden``.
        """
        parts = self.parts
        wanted = self._wanted(call, wish)
        try:
            route, spelt = await parts.dialling.route(wanted)
        except Unroutable as problem:
            raise _failed(str(problem)) from None
        # Whoever takes the caller away cannot press keys for us, nor let it ring as long as we say.
        bare = not route.digits and wish.rings_s is None
        if route.refers and bare and isinstance(first, ConnectedLeg):
            try:
                return await self._refer(first, route, wish)
            except NotReferred as answer:
                log.info("sip.not_referred", extra={"why": str(answer)})
        if not route.shown_as_wished or (wish.caller_number and wanted.caller_number is None):
            wish.noted(NOT_SHOWN)
        leg = OutgoingSipLeg(
            wanted.call_id,
            self.endpoint,
            parts.host,
            parts.preference(call.plan),
            route,
            lambda dialog: None,
            partial(parts.store.save_dialog, call.call_id, wanted.call_id),
        )
        try:
            await leg.prepare()
        except NoPortLeft:
            raise _failed("no port is left for sound") from None
        try:
            await self._keep(call, wanted, route, route.record(spelt))
        except (*AWAY, SQLAlchemyError):
            leg.close()
            raise _failed("the leg could not be put on record") from None
        return leg

    async def _refer(self, first: ConnectedLeg, route: Route, wish: TransferWish) -> HandedOver:
        handed_over = await _referred(first, route)
        if wish.caller_name or wish.caller_number:
            wish.noted(REFERRED)
        return handed_over

    def _wanted(self, call: NewCall, wish: TransferWish) -> WantedCall:
        parts = self.parts
        target, digits = split(wish.number)
        try:
            stored = stored_user_part(target, parts.dialling.home_country)
        except ValueError as problem:
            raise refused(f"the target is no number: {problem}") from None
        return WantedCall(
            call_id=parts.host.randomness.uuid(),
            organisation_id=call.organisation_id,
            from_number=our_number(call),
            to_number=stored,
            trunk_id=call.trunk_id or "",
            carrier=call.carrier,
            plan=call.plan,
            created_at=parts.host.clock.wall(),
            params={"Timeout": str(wish.rings_s or RING_S), "SendDigits": digits},
            caller_name=readable_name(wish.caller_name),
            caller_number=shown_caller(wish.caller_number, parts.dialling.home_country),
        )

    async def _keep(
        self, call: NewCall, wanted: WantedCall, route: Route, dialog: Mapping[str, object]
    ) -> None:
        """Put the leg on record before it is dialled, so that a crash leaves nobody ringing."""
        async with self.parts.database.write() as session:
            await add_transfer_leg(session, call, wanted, route.names.call_id, dialog)


async def _referred(first: ConnectedLeg, route: Route) -> HandedOver:
    """Ask the peer; the dial policy has the last word before. Raises ``NotReferred``,
    ``DialFailed`` and ``DialForbidden``.
    """
    try:
        user = route.permit()
    except DialLater:
        raise refused("too many calls wait for their turn") from None
    try:
        await first.refer(f"sip:{user}@{route.host}")
    finally:
        route.over(0)  # how long they talk we do not learn
    return HandedOver(lets_go=True)


def split(number: str) -> tuple[str, str]:
    """Return the number, and what is to be dialled once it has answered, pauses kept."""
    found = _DIALLED_LATER.match(number.strip())
    assert found is not None
    return found[1].strip(), re.sub(r"[^0-9A-D*#w,]", "", found[2])


def our_number(call: NewCall) -> str:
    """Return the organisation's own number on a call: who is seen to call the target."""
    return call.to_number if call.direction is Direction.INBOUND else call.from_number


def refused(why: str) -> DialFailed:
    """Return the failure of a transfer that may not be."""
    return DialFailed(why, LegEndedBy.LOCAL, EndReason.DIAL_REFUSED)


def _failed(why: str) -> DialFailed:
    return DialFailed(why, LegEndedBy.LOCAL, EndReason.CARRIER_FAILED)
