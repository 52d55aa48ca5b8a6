"""Transfers: what is asked for reaches whoever places the leg, and what is not met the record."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from cordboard.call.actions import ActionCall, ActionKind, ActionPlan
from cordboard.call.commands import RunAction
from cordboard.call.events import ActionFinished, EndReason, Event, LegEndedBy
from cordboard.clock import run_virtual
from cordboard.engine.facts import FactLog
from cordboard.engine.line import Line
from cordboard.engine.parts import CallParts
from cordboard.engine.timeline import Timeline
from cordboard.engine.transferring import TRANSFER_SLACK_S, Transferring
from cordboard.ports import DialFailed, HandedOver, Leg, NewCall, OutgoingLeg, TransferWish
from tests.engine.rig import Rig, ScriptedBrain
from tests.simulation.outgoing import Behaviour, OutgoingLoopbackLeg


class Desk:
    """``ports.TransferDesk``: keeps the wish; a leg that rings for ever, where there is one."""

    def __init__(self, leg: OutgoingLeg | None = None) -> None:
        self.wishes: list[TransferWish] = []
        self._leg = leg

    async def leg(self, call: NewCall, leg: Leg, wish: TransferWish) -> OutgoingLeg | HandedOver:
        self.wishes.append(wish)
        wish.noted("not shown")
        if self._leg is None:
            raise DialFailed("busy", LegEndedBy.FAR_END, EndReason.BUSY)
        return self._leg


class Silent:
    """A line on which nothing is heard."""

    def let_ring(self, ringback: object) -> None:
        return None

    def unbridge(self) -> None:
        return None


async def _transfer(rig: Rig, desk: Desk, **config: object) -> list[Event]:
    engine, call = replace(rig.engine(), transfers=desk), rig.new_call()
    parts = CallParts(engine, call, rig.leg(), ScriptedBrain(lambda event, brain: []))
    facts = FactLog(call, engine.store, engine.clock, Timeline(engine.clock))
    events: list[Event] = []
    transferring = Transferring(parts, cast("Line", Silent()), facts, events.append)
    plan = ActionPlan(
        action_id="", kind=ActionKind.TRANSFER_CALL, function_name="transfer", config=config
    )
    await transferring.run(RunAction(ActionCall("a1", "transfer", {}), plan))
    return events


def test_the_wish_is_handed_on() -> None:
    """Name, number and ringing time reach the carrier; what it does not meet is on record."""
    rig, desk = Rig(), Desk()
    asked = {"caller_id_name": "Desk", "caller_id_number": "4930555010", "rings_s": 20}
    run_virtual(_transfer(rig, desk, phone_number="100", **asked))
    run_virtual(_transfer(rig, desk, phone_number="100"))
    shown = [(each.caller_name, each.caller_number, each.rings_s) for each in desk.wishes]
    assert shown == [("Desk", "4930555010", 20), ("", None, None)]
    fact = rig.store.facts["c1"][0]
    assert (fact.kind, fact.content) == ("warning", {"warning": "not shown"})


def test_it_may_ring_as_long_as_was_asked() -> None:
    """A target that never answers is waited for as long as it may ring, and a little longer."""

    async def main() -> tuple[list[Event], int]:
        rig = Rig()
        leg = OutgoingLoopbackLeg("leg2", rig.media_clock, rig.randomness(), rig.codec)
        leg.behaviour = Behaviour(ring_ms=600_000)
        before_ms = rig.clock.now_ms()
        events = await _transfer(rig, Desk(leg), phone_number="100", rings_s=100)
        return events, rig.clock.now_ms() - before_ms

    events, waited_ms = run_virtual(main())
    (finished,) = [event for event in events if isinstance(event, ActionFinished)]
    assert finished.outcome.outcome_class == "no_answer"
    assert 100_000 < waited_ms <= (100 + TRANSFER_SLACK_S + 2) * 1_000
