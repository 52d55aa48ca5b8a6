"""One whole call of a flow from a seed: a caller, a bad line, bad vendors, a bad app."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cordboard.call.barge_in import BargeInRule, BargeInStrategy
from cordboard.call.commands import Command, KeepFact
from cordboard.call.events import EndReason, Event, LegAnswered, LegEndedBy
from cordboard.call.flow.operator import FlowOperator
from cordboard.call.flow.plan import FlowPlan, Waiting
from cordboard.call.machine import Call
from cordboard.clock import run_virtual
from cordboard.engine.parts import CallParts
from cordboard.engine.runner import Runner
from cordboard.ids import Randomness
from cordboard.media.codec import FRAME_MS, PCMU
from cordboard.ports import (
    CallEnding,
    DialFailed,
    FlowApps,
    HandedOver,
    Leg,
    NewCall,
    OutgoingLeg,
    TransferWish,
)
from cordboard.telephony.loopback import FarEnd
from tests.engine.rig import Rig
from tests.simulation.flow_answers import TARGET, FlowAnswers
from tests.simulation.flow_apps import SeededApps
from tests.simulation.flow_rules import Step, judge_steps
from tests.simulation.flow_timing import SILENT_MAX_MS
from tests.simulation.invariants import Violated, Watched
from tests.simulation.outgoing import Behaviour, OutgoingLoopbackLeg
from tests.simulation.transfers import REFUSALS
from tests.simulation.vendors import Faults, SeededEars, SeededVoice, sentence
from tests.simulation.world import CALL_MAX_S, Outcome, behave, conditions, judge_hearing

LONGEST_CALL_MS = 90_000
GIVEN_UP = ("caller_gone", "timeout")


def simulate(seed: int) -> Outcome:
    """Run the flow's call of this seed. Raises ``Violated`` with the command that replays it."""
    try:
        return run_virtual(FlowWorld(seed).play())
    except Violated as violated:
        raise Violated(f"seed {seed}: {violated}\nreplay: {replay(seed)}") from violated


def replay(seed: int) -> str:
    """Return the command that runs one seed again."""
    return f".venv/bin/python -m tests.simulation flows {seed}"


class WatchedFlow(Watched):
    """Keeps every step, for the rules that are judged once the call is over."""

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self.kept: list[Step] = []

    def receive(self, event: Event, now_ms: int) -> list[Command]:
        commands = super().receive(event, now_ms)
        self._forgive(commands)
        self.kept.append(Step(now_ms, event, tuple(commands)))
        return commands

    def handle_deadline(self, now_ms: int) -> list[Command]:
        commands = super().handle_deadline(now_ms)
        self._forgive(commands)
        self.kept.append(Step(now_ms, None, tuple(commands)))
        return commands

    def _forgive(self, commands: list[Command]) -> None:
        """A transfer whose caller is gone owes no outcome."""
        for command in commands:
            if isinstance(command, KeepFact) and command.content.get("outcome_class") in GIVEN_UP:
                self.forget_actions()


@dataclass
class SeededTexts:
    """``ports.TextSender`` that fails now and then."""

    draw: Randomness

    async def send(self, call: NewCall, number: str, text: str) -> str | None:
        await asyncio.sleep(self.draw.uniform(0, 4))
        return "refused" if self.draw.uniform(0, 1) < 0.4 else None


class SeededTargets:
    """``ports.TransferDesk``: whom the caller is handed over to does what it likes."""

    def __init__(self, rig: Rig, draw: Randomness) -> None:
        self.legs: list[OutgoingLoopbackLeg] = []
        self._rig = rig
        self._draw = draw

    async def leg(self, call: NewCall, leg: Leg, wish: TransferWish) -> OutgoingLeg | HandedOver:
        assert wish.number
        draw = self._draw
        if draw.uniform(0, 1) < 0.08:
            raise DialFailed("no port is left", LegEndedBy.LOCAL, EndReason.CARRIER_FAILED)
        if draw.uniform(0, 1) < 0.08:
            return HandedOver(lets_go=True)
        refusals = list(REFUSALS)
        refused = draw.uniform(0, 1) < 0.6
        made = OutgoingLoopbackLeg(
            f"target{len(self.legs)}", self._rig.media_clock, self._rig.randomness(), leg.codec
        )
        made.behaviour = Behaviour(
            connect_ms=round(draw.uniform(0, 500)),
            ring_ms=round(draw.uniform(0, 45_000 if draw.uniform(0, 1) < 0.3 else 4_000)),
            refusal=refusals[int(draw.uniform(0, len(refusals) - 0.01))] if refused else None,
        )
        if draw.uniform(0, 1) < 0.6:
            loop, leaves_s = asyncio.get_running_loop(), draw.uniform(1, 60)
            loop.call_later(leaves_s, made.far_end.hang_up)
        self.legs.append(made)
        return made


class FlowWorld:
    """Everything around one call. ``apps`` may be replaced before it is played."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.root = Randomness.seeded(f"flow-{seed}")
        self.draw = draw = self.root.fork("world")
        self.calm = draw.uniform(0, 1) < 0.3
        share = 0.0 if self.calm else draw.uniform(0, 0.2)
        self.flow = drawn_plan(self.root.fork("plan"))
        self.rig = Rig(conditions=conditions(draw, self.calm), seed=seed)
        self.rig.with_plan(flow=self.flow, longest_call_ms=LONGEST_CALL_MS)
        self.rig.transcribers["tone"] = SeededEars(Faults(share, self.root.fork("ears")))
        self.rig.synthesizers["tone"] = SeededVoice(Faults(share, self.root.fork("voice")))
        app_share = 0.0 if self.calm else draw.uniform(0, 0.4)
        answers = FlowAnswers(self.root.fork("answers"), quiet=self.calm)
        faults = Faults(app_share, self.root.fork("app"))
        self.apps: FlowApps = SeededApps(self.flow, faults, answers)
        self.targets = SeededTargets(self.rig, self.root.fork("targets"))
        self.watched = WatchedFlow(Call("c1", self.rig.plan, FlowOperator(self.flow)))
        self.far: FarEnd | None = None

    async def play(self) -> Outcome:
        """Play the call to its end and judge it."""
        ending = await self._run()
        await asyncio.sleep(1)
        if self.watched.closed is None:
            raise Violated(f"never closed: {ending.reason} {ending.detail} {self.rig.reports}")
        self._judge()
        return Outcome(self.seed, ending, self.watched.trace, self.watched.steps)

    async def _run(self) -> CallEnding:
        texts = SeededTexts(self.root.fork("texts"))
        engine = replace(self.rig.engine(), apps=self.apps, texts=texts, transfers=self.targets)
        leg = self.rig.leg()
        self.far = leg.far_end
        runner = Runner(CallParts(engine, self.rig.new_call(), leg, self.watched))
        async with asyncio.TaskGroup() as group:
            behaving = group.create_task(behave(leg.far_end, runner, self.draw, caller_words))
            try:
                async with asyncio.timeout(CALL_MAX_S):
                    return await self.rig.with_clock(runner.run())
            except TimeoutError:
                raise Violated("the call does not end") from None
            finally:
                behaving.cancel()

    def _judge(self) -> None:
        assert self.far is not None
        self.watched.judge_end()
        if self.rig.reports:
            raise Violated(f"something of ours broke: {self.rig.reports}")
        if len(self.rig.store.endings.get("c1", [])) != 1:
            raise Violated("the row was not finished exactly once")
        ends = [self.far, *(leg.far_end for leg in self.targets.legs if leg.dials)]
        if any(end.ended_by is None for end in ends):
            raise Violated("a far end was not released")
        tasks = _others()
        if tasks:
            raise Violated(f"tasks outlive the call: {tasks}")
        waits = judge_steps(self.watched.kept, self.flow)
        if self.calm and not any(leg.dials for leg in self.targets.legs):
            judge_hearing(self.rig, self.far)
            if self.flow.waiting is not Waiting.NOTHING:
                self._judge_waiting(self.far, waits)

    def _judge_waiting(self, far: FarEnd, waits: Sequence[tuple[int, int]]) -> None:
        """By ear: a caller who waits for the app hears something at least every three seconds."""
        begun = (step.now_ms for step in self.watched.kept if isinstance(step.event, LegAnswered))
        answered_ms = next(begun, 0)
        size = PCMU.frame_bytes
        for since_ms, until_ms in waits:
            first, last = ((ms - answered_ms) // FRAME_MS for ms in (since_ms, until_ms))
            silent = 0
            for at in range(first, last):
                frame = bytes(far.heard[at * size : (at + 1) * size])
                silent = silent + 1 if frame == PCMU.silence_frame else 0
                if silent * FRAME_MS > SILENT_MAX_MS:
                    raise Violated(f"nothing heard until {answered_ms + at * FRAME_MS}")


def caller_words(draw: Randomness) -> str:
    """Return what the caller says: sentences, and now and then no more than a yes."""
    return "yes" if draw.uniform(0, 1) < 0.15 else sentence(draw)


def _others() -> Sequence[str]:
    this = asyncio.current_task()
    return [task.get_name() for task in asyncio.all_tasks() if task is not this]


def drawn_plan(draw: Randomness) -> FlowPlan:
    """Return a flow of its own for each source."""

    def perhaps(share: float) -> bool:
        return draw.uniform(0, 1) < share

    strategies, kinds = list(BargeInStrategy), list(Waiting)
    return FlowPlan(
        flow_id="f1",
        url="http://app",
        answers_each=perhaps(0.5),
        rule=BargeInRule(
            strategy=strategies[int(draw.uniform(0, 3.99))],
            minimum_characters=int(draw.uniform(1, 12)),
            allow_after_ms=int(draw.uniform(0, 2_000)) if perhaps(0.3) else 0,
        ),
        turn_silence_ms=int(draw.uniform(150, 2_000)) if perhaps(0.3) else None,
        answer_within_ms=int(draw.uniform(2_000, 10_000)),
        answer_delay_ms=int(draw.uniform(0, 3_000)) if perhaps(0.2) else 0,
        speaks_at_end=perhaps(0.3),
        waiting=kinds[int(draw.uniform(0, 2.99))],
        fallback_text="please call again" if perhaps(0.4) else "",
        fallback_number=TARGET if perhaps(0.3) else None,
        sends_barge_in=perhaps(0.2),
        sends_transcript=perhaps(0.2),
    )
