"""All carriers of a process, put together: who takes, places and lets go of which call."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass

from cordboard.bus.port import Bus
from cordboard.engine.dispatch import Dispatch
from cordboard.engine.parts import EngineParts
from cordboard.ports import OpenCall
from cordboard.storage.call_store import SqlCallStore
from cordboard.wiring.carriers import SipCarrier
from cordboard.wiring.ground import Ground
from cordboard.wiring.options import dial_limits, dial_rules
from cordboard.wiring.outbound import CARRIER as SIP
from cordboard.wiring.outbound import Outwards
from cordboard.wiring.permits import Permits
from cordboard.wiring.providers import Providers
from cordboard.wiring.texts import Texts
from cordboard.wiring.transfers import Transfers
from cordboard.wiring.twilio import TwilioCarrier
from cordboard.wiring.twilio_numbers import LinkedNumbers


@dataclass(frozen=True, slots=True)
class CallParts:
    """What carriers hand calls to, and learn of them from."""

    engine: EngineParts
    dispatch: Dispatch
    providers: Providers
    store: SqlCallStore
    bus: Bus
    transfers: Transfers
    texts: Texts


@dataclass(frozen=True, slots=True)
class Exchange:
    """The carriers, open."""

    sip: SipCarrier
    linked: TwilioCarrier

    async def release(self, call: OpenCall) -> None:
        """End the far end of a call that a dead engine left open."""
        if call.carrier == self.linked.name:
            await self.linked.release(call)
        else:
            await self.sip.release(call)


async def open_exchange(
    ground: Ground, parts: CallParts, public_url: str, stack: AsyncExitStack
) -> Exchange:
    """Open all carriers; they close with ``stack``. Raises ``OSError``."""
    rules, limits = dial_rules(ground.settings), dial_limits(ground.settings)
    permits = Permits(ground.database, ground.clock, rules, limits)
    linked = TwilioCarrier(ground, parts.engine, parts.dispatch, parts.store, permits, public_url)
    await stack.enter_async_context(linked.running())
    await stack.enter_async_context(LinkedNumbers(linked.numbers(), parts.bus).running())
    sip = SipCarrier(
        ground,
        parts.engine,
        parts.dispatch,
        parts.providers,
        parts.store,
        parts.bus,
        Outwards(permits, {linked.name: linked.place}),
    )
    await stack.enter_async_context(sip)
    parts.transfers.ways |= {SIP: sip.transfers.leg, linked.name: linked.transfer}
    parts.texts.way = linked.texts
    return Exchange(sip, linked)
