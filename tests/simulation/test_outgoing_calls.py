"""Calls that we place, from seeds: a far end that does what it likes, somebody who gives up."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from cordboard.call.agent import AgentOperator
from cordboard.call.events import EndReason, EndRequested
from cordboard.call.machine import Call
from cordboard.clock import run_virtual
from cordboard.engine.parts import CallParts
from cordboard.engine.runner import Runner
from cordboard.ids import Randomness
from cordboard.ports import Direction
from tests.counts import count
from tests.engine.rig import Rig, words_in
from tests.simulation.invariants import Violated, Watched
from tests.simulation.outgoing import Behaviour, OutgoingLoopbackLeg

CHUNKS = 4
GREETING = "hello there this is the agent"
REFUSALS = (
    *(EndReason.BUSY, EndReason.REJECTED, EndReason.NO_ANSWER),
    *(EndReason.UNREACHABLE, EndReason.CARRIER_FAILED, EndReason.DIAL_REFUSED),
)


async def _call(seed: int) -> str:
    draw = Randomness.seeded(f"outgoing-{seed}")
    refusal = None
    if draw.uniform(0, 1) < 0.5:
        refusal = REFUSALS[int(draw.uniform(0, len(REFUSALS)))]
    behaviour = Behaviour(
        connect_ms=round(draw.uniform(0, 500)),
        ring_ms=round(draw.uniform(0, 4_000)) if draw.uniform(0, 1) < 0.8 else 0,
        early_sound=draw.uniform(0, 1) < 0.3,
        refusal=refusal,
    )
    give_up_s = draw.uniform(0, 12) if draw.uniform(0, 1) < 0.5 else 20.0
    rig = Rig(seed=seed).with_plan(initial_message=GREETING, longest_call_ms=15_000)
    rig.store.create_delay_s = draw.uniform(0, 0.3)
    leg = OutgoingLoopbackLeg("leg1", rig.media_clock, rig.randomness(), rig.codec, rig.conditions)
    leg.behaviour = behaviour
    watched = Watched(Call("c1", rig.plan, AgentOperator()))
    call = replace(rig.new_call(), direction=Direction.OUTBOUND)
    runner = Runner(CallParts(rig.engine(), call, leg, watched))
    async with asyncio.TaskGroup() as group:
        ending = group.create_task(_end_later(runner, give_up_s))
        async with asyncio.timeout(60):
            result = await rig.with_clock(runner.run())
        ending.cancel()
    watched.judge_end()
    _judge(rig, leg, behaviour, result.reason, give_up_s)
    return f"{result.reason} {watched.trace}"


async def _end_later(runner: Runner, after_s: float) -> None:
    await asyncio.sleep(after_s)
    runner.post(EndRequested(EndReason.API_ENDED))


def _judge(
    rig: Rig, leg: OutgoingLoopbackLeg, behaviour: Behaviour, reason: EndReason, give_up_s: float
) -> None:
    if rig.reports:
        raise Violated(f"something of ours broke: {rig.reports}")
    if leg.dials > 1:
        raise Violated("dialled more than once")
    if len(rig.store.endings["c1"]) != 1:
        raise Violated("the row was not finished exactly once")
    if leg.dials and leg.far_end.ended_by is None:
        raise Violated("the far end was not released")
    allowed = {EndReason.API_ENDED, behaviour.refusal or EndReason.LONGEST_CALL}
    if reason not in allowed:
        raise Violated(f"ended for {reason}, not {allowed}")
    if not leg.far_end.answered and "leg_answered" in rig.store.kinds():
        raise Violated("begun without an answer")
    if reason is EndReason.LONGEST_CALL and GREETING not in " ".join(words_in(leg.far_end.heard)):
        raise Violated("the greeting was not heard")
    if give_up_s > 19 and behaviour.refusal and reason is not behaviour.refusal:
        raise Violated("the outcome of the far end was lost")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_seeds(chunk: int) -> None:
    """Every call is dialled once at most, comes to its one end, and lets its far end go."""
    seeds = count(100, 4_000) // CHUNKS
    for seed in range(chunk * seeds, (chunk + 1) * seeds):
        try:
            run_virtual(_call(seed))
        except Violated as violated:
            raise Violated(f"seed {seed}: {violated}") from violated


def test_same_seed_same_call() -> None:
    """A seed replays."""
    for seed in range(count(5, 50)):
        assert run_virtual(_call(seed)) == run_virtual(_call(seed))
