"""Admission, the registry of running calls, drain, and what a crash left."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from cordboard.call.commands import AnswerLeg, CloseCall, Command, EndLeg
from cordboard.call.events import EndReason, EndRequested, Event, LegEnded, LegEndedBy, LegOffered
from cordboard.clock import run_virtual
from cordboard.engine.dispatch import Dispatch, DispatchParts
from cordboard.ports import NewCall, OpenCall
from cordboard.telephony.loopback import LoopbackLeg
from tests.engine.rig import Rig, ScriptedBrain


def patient(event: Event, brain: ScriptedBrain) -> list[Command]:
    """Answer, and end when asked to."""
    match event:
        case LegOffered(leg_id=leg_id):
            return [AnswerLeg(leg_id)]
        case EndRequested(reason=reason):
            brain.reason = reason
            return [EndLeg("")]
        case LegEnded(by=by):
            brain.ended = True
            theirs = EndReason.CALLER_HUNG_UP if by is LegEndedBy.FAR_END else brain.reason
            return [CloseCall(theirs)]
    return []


def stubborn(event: Event, brain: ScriptedBrain) -> list[Command]:
    """Answer, and never end."""
    return [AnswerLeg(event.leg_id)] if isinstance(event, LegOffered) else []


@dataclass
class House:
    """A dispatch with its rig."""

    rig: Rig
    dispatch: Dispatch

    def offer(self, name: str) -> LoopbackLeg | None:
        """Let a far end ring, as a carrier does; None when it is refused."""
        admission = self.dispatch.admit()
        if not admission.admitted:
            return None
        leg = self.rig.leg(f"leg {name}")
        self.dispatch.start(admission, self.rig.new_call(name, leg.leg_id), leg)
        return leg


def house(most_calls: int = 10, *, will_end: bool = True) -> House:
    """Build a house that is ready."""
    rig = Rig()

    def brains(call: NewCall) -> ScriptedBrain:
        return ScriptedBrain(patient if will_end else stubborn)

    dispatch = Dispatch(DispatchParts(rig.engine(), brains, most_calls))
    dispatch.ready = True
    return House(rig, dispatch)


def test_admission() -> None:
    """Reserved and running calls count; giving back and ending make room."""

    async def main() -> None:
        home = house(2)
        async with home.dispatch as dispatch:
            dispatch.ready = False
            assert dispatch.admit().refusal == "not_ready"
            dispatch.ready = True
            first, second = dispatch.admit(), dispatch.admit()
            assert (first.admitted, dispatch.admit().refusal) == (True, "full")
            first.give_back()
            first.give_back()
            leg = home.offer("c1")
            assert leg is not None
            assert home.offer("c2") is None
            second.give_back()
            leg.far_end.hang_up()
            await asyncio.sleep(0.1)
            assert dispatch.running_count == 0
            with pytest.raises(AssertionError):
                dispatch.start(first, home.rig.new_call(), home.rig.leg())

    run_virtual(main())


def test_end_call() -> None:
    """A running call is ended by its id, with the reason given; an unknown one is not here."""

    async def main() -> None:
        home = house()
        async with home.dispatch as dispatch:
            home.offer("c1")
            home.offer("c2")
            await asyncio.sleep(1)
            assert not dispatch.end_call("c3")
            assert dispatch.end_call("c1")
            await asyncio.sleep(0.3)
            assert dispatch.running_count == 1
            assert [ending.reason for ending in home.rig.store.endings["c1"]] == [
                EndReason.API_ENDED
            ]
            assert dispatch.end_call("c2")

    run_virtual(main())


def test_drain_waits_then_ends() -> None:
    """Draining refuses new calls at once, lets running ones go on, and ends them at its
    deadline.
    """

    async def main() -> None:
        home = house()
        async with home.dispatch as dispatch, asyncio.TaskGroup() as group:
            home.offer("c1")
            leg = home.offer("c2")
            assert leg is not None
            await asyncio.sleep(1)
            group.create_task(dispatch.drain(10))
            await asyncio.sleep(1)
            assert dispatch.admit().refusal == "draining"
            leg.far_end.hang_up()
            await asyncio.sleep(1)
            assert dispatch.running_count == 1
            await asyncio.sleep(8.3)
            assert dispatch.running_count == 0
        endings = home.rig.store.endings
        assert endings["c1"][0].reason is EndReason.DRAINED
        assert endings["c2"][0].reason is EndReason.CALLER_HUNG_UP

    run_virtual(main())


def test_drain_cuts_off_in_the_end() -> None:
    """A call that does not end when asked to is cut off, its far end freed and its row closed."""

    async def main() -> None:
        home = house(will_end=False)
        async with home.dispatch as dispatch:
            leg = home.offer("c1")
            assert leg is not None
            await asyncio.sleep(1)
            await dispatch.drain(0)
            assert leg.far_end.ended_by is LegEndedBy.LOCAL
        assert home.rig.store.endings["c1"][0].reason is EndReason.INTERRUPTED

    run_virtual(main())


def test_recovery() -> None:
    """What a dead engine left open is released and finished, with its recording if there is one; a
    stuck release stops nobody.
    """

    async def main() -> None:
        home = house()
        home.rig.store.left_open = [
            OpenCall(f"c{number}", f"leg{number}", "org", "loopback") for number in range(50)
        ]
        released: list[str] = []

        async def release(call: OpenCall) -> None:
            if call.call_id == "c7":
                await asyncio.sleep(3600)
            if call.call_id == "c8":
                raise OSError("unreachable")
            released.append(call.call_id)

        begun_ms = home.rig.clock.now_ms()
        recover = home.dispatch.recover
        assert await recover("engine", release, lambda call: call.call_id == "c3") == 50
        assert home.rig.clock.now_ms() - begun_ms <= 5100
        assert len(released) == 48
        reasons = {
            ending.reason for endings in home.rig.store.endings.values() for ending in endings
        }
        assert reasons == {EndReason.INTERRUPTED}
        assert len(home.rig.store.endings) == 50
        for call_id, endings in home.rig.store.endings.items():
            assert [ending.recording_available for ending in endings] == [call_id == "c3"]

    run_virtual(main())


def test_nothing_is_kept_per_ended_call() -> None:
    """A hundred calls later the registry is empty and no task is left."""

    async def main() -> None:
        home = house(1)
        async with home.dispatch as dispatch:
            for number in range(100):
                leg = home.offer(f"c{number}")
                assert leg is not None
                await asyncio.sleep(0.05)
                leg.far_end.hang_up()
                await asyncio.sleep(0.1)
            assert dispatch.running_count == 0
            assert len(asyncio.all_tasks()) == 1
            assert not home.rig.media_clock.is_busy

    run_virtual(main())
