"""A call whose agent hands its caller over to a second far end in memory, from a seed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

from cordboard.call.actions import ActionKind, ActionPlan
from cordboard.call.agent import AgentOperator
from cordboard.call.events import EndReason, EndRequested, LegEndedBy
from cordboard.call.expectation import Expectation
from cordboard.call.machine import Call
from cordboard.engine.parts import CallParts
from cordboard.engine.runner import Runner
from cordboard.ids import Randomness
from cordboard.ports import (
    DialFailed,
    HandedOver,
    Leg,
    ModelAction,
    ModelExpects,
    ModelText,
    NewCall,
    OutgoingLeg,
    ReplyRequest,
    TransferWish,
)
from cordboard.telephony.loopback import FarEnd
from tests.engine.rig import Rig, tone
from tests.simulation.invariants import Watched
from tests.simulation.outgoing import Behaviour, OutgoingLoopbackLeg

TARGET = "11234567890"
TRANSFER = ActionPlan(
    action_id="1",
    kind=ActionKind.TRANSFER_CALL,
    function_name="transfer",
    config={"phone_number": TARGET},
)
REFUSALS = {
    EndReason.BUSY: "busy",
    EndReason.NO_ANSWER: "no_answer",
    EndReason.REJECTED: "rejected",
    EndReason.DIAL_REFUSED: "refused",
    EndReason.CARRIER_FAILED: "unreachable",
}
CALLER_SAYS = "lima mike"
TARGET_SAYS = "oscar papa"


@dataclass(frozen=True, slots=True)
class Script:
    """What happens once the caller has asked to be put through; seconds, None for never."""

    behaviour: Behaviour
    no_leg: bool = False
    taken: bool = False
    caller_leaves_s: float | None = None
    target_leaves_s: float | None = None
    ended_s: float | None = None
    killed_s: float | None = None


@dataclass
class Played:
    """How it went. ``caller`` and ``target`` are the far ends, ``reason`` None after a kill."""

    rig: Rig
    watched: Watched
    caller: FarEnd
    targets: list[OutgoingLoopbackLeg]
    reason: EndReason | None
    requests: list[ReplyRequest]


def drawn(seed: int) -> Script:
    """Return the script of a seed."""
    draw = Randomness.seeded(f"transfer-{seed}")

    def perhaps(share: float, longest_s: float) -> float | None:
        return draw.uniform(0, longest_s) if draw.uniform(0, 1) < share else None

    refusals = list(REFUSALS)
    refused = draw.uniform(0, 1) < 0.4
    behaviour = Behaviour(
        connect_ms=round(draw.uniform(0, 500)),
        ring_ms=round(draw.uniform(0, 9_000)) if draw.uniform(0, 1) < 0.9 else 0,
        refusal=refusals[int(draw.uniform(0, len(refusals) - 0.01))] if refused else None,
    )
    return Script(
        behaviour,
        no_leg=draw.uniform(0, 1) < 0.05,
        taken=draw.uniform(0, 1) < 0.05,
        caller_leaves_s=perhaps(0.3, 14),
        target_leaves_s=perhaps(0.4, 8),
        ended_s=perhaps(0.1, 14),
        killed_s=perhaps(0.1, 14),
    )


class Desk:
    """``ports.TransferDesk``: every leg behaves as the script says."""

    def __init__(self, rig: Rig, script: Script) -> None:
        self.legs: list[OutgoingLoopbackLeg] = []
        self._rig = rig
        self._script = script

    async def leg(self, call: NewCall, leg: Leg, wish: TransferWish) -> OutgoingLeg | HandedOver:
        assert wish.number == TARGET
        if self._script.no_leg:
            raise DialFailed("no port is left", LegEndedBy.LOCAL, EndReason.CARRIER_FAILED)
        if self._script.taken:
            return HandedOver(lets_go=True)
        rig = self._rig
        made = OutgoingLoopbackLeg("leg2", rig.media_clock, rig.randomness(), rig.codec)
        made.behaviour = self._script.behaviour
        self.legs.append(made)
        return made


class PutsThrough:
    """Asks for the transfer when asked to, and says back everything else."""

    def __init__(self) -> None:
        self.requests: list[ReplyRequest] = []

    async def reply(
        self, request: ReplyRequest
    ) -> AsyncIterator[ModelText | ModelAction | ModelExpects]:
        self.requests.append(request)
        last = request.messages[-1]
        if last.role == "action":
            yield ModelText("nobody is there")
        elif last.text == "transfer":
            yield ModelAction("transfer", "{}")
        else:
            yield ModelText(f"You said {last.text}")

    def expectation(self, actions: Sequence[ActionPlan]) -> Expectation | None:
        return None


async def play(script: Script, seed: int = 1, transfer: ActionPlan = TRANSFER) -> Played:
    """Play a script; what was still to come when it is over does not come."""
    rig = Rig(seed=seed).with_plan(actions=(transfer,), longest_call_ms=40_000)
    model = PutsThrough()
    rig.language_models["echo"] = model
    desk = Desk(rig, script)
    leg = rig.leg()
    watched = Watched(Call("c1", rig.plan, AgentOperator()))
    engine = replace(rig.engine(), transfers=desk)
    runner = Runner(CallParts(engine, rig.new_call(), leg, watched))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(rig.with_clock(runner.run()))
        acting = [
            group.create_task(_ask(leg.far_end)),
            group.create_task(_hold_talk(rig, leg.far_end, desk, script)),
            group.create_task(_leave(leg.far_end, script.caller_leaves_s)),
            group.create_task(_end(runner, script.ended_s)),
            group.create_task(_kill(running, script.killed_s)),
        ]
        await asyncio.wait([running])
        for task in acting:
            task.cancel()
    await asyncio.sleep(1)
    reason = None if running.cancelled() else running.result().reason
    return Played(rig, watched, leg.far_end, desk.legs, reason, model.requests)


async def _ask(caller: FarEnd) -> None:
    await asyncio.sleep(0.5)
    caller.play(tone("transfer", caller.codec))


async def _leave(caller: FarEnd, after_s: float | None) -> None:
    if after_s is not None:
        await asyncio.sleep(2.5 + after_s)
        caller.hang_up()


async def _end(runner: Runner, after_s: float | None) -> None:
    if after_s is not None:
        await asyncio.sleep(2.5 + after_s)
        runner.post(EndRequested(EndReason.API_ENDED))


async def _kill(running: asyncio.Task[object], after_s: float | None) -> None:
    if after_s is not None:
        await asyncio.sleep(2.5 + after_s)
        running.cancel()


async def _hold_talk(rig: Rig, caller: FarEnd, desk: Desk, script: Script) -> None:
    """Let both speak once they are connected, and the target leave; or the caller talk on with the
    agent when nobody came.
    """
    while "action_finished" not in rig.store.kinds():  # noqa: ASYNC110  (kept facts tell nobody)
        await asyncio.sleep(0.02)
    if not desk.legs or not desk.legs[-1].far_end.answered:
        await asyncio.sleep(4)
        caller.play(tone("seven", caller.codec))
        return
    target = desk.legs[-1].far_end
    caller.play(tone(CALLER_SAYS, caller.codec))
    await asyncio.sleep(2)
    target.play(tone(TARGET_SAYS, target.codec))
    if script.target_leaves_s is not None:
        await asyncio.sleep(script.target_leaves_s)
        target.hang_up()
