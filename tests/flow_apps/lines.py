"""Lines to apps on loopback, as one call would have them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any, TypeVar

from cordboard.call.events import Event
from cordboard.call.flow.plan import FlowPlan
from cordboard.call.plan import CallPlan
from cordboard.egress import Egress, EgressPolicy
from cordboard.flow_apps.address import AppAddress
from cordboard.flow_apps.answers import AnswerReader
from cordboard.flow_apps.events import EventWriter
from cordboard.ports import Direction, NewCall
from cordboard.wiring.flow_apps import OwnVoice
from tests.flow_apps.app import TOKEN

CALL_ID = "5f5c9c1c-0000-4000-8000-000000000001"
E = TypeVar("E", bound=Event)


class Noted:
    """Collects what a line posts to its call."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._changed = asyncio.Event()

    def post(self, event: Event) -> None:
        """Take one event."""
        self.events.append(event)
        self._changed.set()

    def of(self, kind: type[E]) -> list[E]:
        """Return all events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    async def wait_for(self, kind: type[E], count: int = 1, wait_s: float = 10.0) -> E:
        """Wait until there are so many; return the newest."""
        async with asyncio.timeout(wait_s):
            while len(self.of(kind)) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.of(kind)[-1]


def new_call(plan: FlowPlan, direction: Direction = Direction.INBOUND) -> NewCall:
    """Return a call with a flow."""
    return NewCall(
        call_id=CALL_ID,
        leg_id="l1",
        organisation_id="acme",
        direction=direction,
        from_number="+4917000001",
        to_number="+4930555010",
        carrier="sip",
        trunk_id=None,
        carrier_handle="",
        dialog={},
        plan=CallPlan(organisation_id="acme", flow=plan),
        at=datetime(2026, 1, 1, tzinfo=UTC),
    )


@asynccontextmanager
async def gate(*, closed: bool = False) -> AsyncIterator[Egress]:
    """A gate that lets loopback through, unless it is closed."""
    networks = () if closed else (ip_network("127.0.0.0/8"),)
    egress = Egress(EgressPolicy(open_networks=networks), reuse=True)
    try:
        yield egress
    finally:
        await egress.close()


def address(egress: Egress, url: str, noted: Noted, **plan: Any) -> AppAddress:
    """Return how a call reaches its app."""
    flow = FlowPlan(flow_id="f1", url=url, **plan)

    async def token() -> str | None:
        return TOKEN

    return AppAddress(
        plan=flow,
        gate=egress,
        token=token,
        writer=EventWriter(new_call(flow), flow),
        reader=AnswerReader(CALL_ID, {CALL_ID}.__contains__, OwnVoice()),
        post=noted.post,
    )
