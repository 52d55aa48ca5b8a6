"""One whole call from a seed: a scripted caller, a bad line, bad vendors, somebody who checks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from cordboard.call.agent import AgentOperator
from cordboard.call.commands import StoredPhrase
from cordboard.call.events import EndReason, EndRequested
from cordboard.call.machine import Call
from cordboard.clock import run_virtual
from cordboard.engine.parts import CallParts, EngineParts
from cordboard.engine.runner import Runner
from cordboard.ids import Randomness
from cordboard.media.codec import PCMU, new_encoder
from cordboard.media.tones import noise
from cordboard.ports import CallEnding
from cordboard.telephony.loopback import Conditions, FarEnd
from tests.engine.rig import Rig, tone, words_in
from tests.simulation.invariants import Violated, Watched
from tests.simulation.vendors import (
    ACTIONS,
    Faults,
    SeededActions,
    SeededEars,
    SeededModel,
    SeededVoice,
    sentence,
)

CALL_MAX_S = 150
DEAD_AIR_MS = 3_000
_BREAKS_SILENCE = frozenset(
    ("playout_started", "speech_started", "overlap", "digit", "leg_held", "ended", "leg_ended")
)


@dataclass
class Outcome:
    """How a simulated call went."""

    seed: int
    ending: CallEnding
    trace: str
    steps: int


def simulate(seed: int) -> Outcome:
    """Run the call of this seed. Raises ``Violated`` with the command that replays it."""
    try:
        return run_virtual(_call(seed))
    except Violated as violated:
        raise Violated(f"seed {seed}: {violated}\nreplay: {replay(seed)}") from violated


def replay(seed: int) -> str:
    """Return the command that runs one seed again."""
    return f".venv/bin/python -m tests.simulation {seed}"


async def _call(seed: int) -> Outcome:
    root = Randomness.seeded(f"call-{seed}")
    draw = root.fork("world")
    calm = draw.uniform(0, 1) < 0.25
    faults = 0.0 if calm else draw.uniform(0, 0.25)
    rig = Rig(conditions=conditions(draw, calm), seed=seed)
    rig.with_plan(
        actions=ACTIONS,
        initial_message=sentence(draw) if draw.uniform(0, 1) < 0.8 else None,
        turn=replace(
            rig.plan.turn,
            interrupt_sensitivity="high" if draw.uniform(0, 1) < 0.4 else "low",
            endpointing_sensitivity=("auto", "relaxed", "sensitive")[seed % 3],
            ask_if_human_present_on_idle=draw.uniform(0, 1) < 0.3,
        ),
        longest_call_ms=90_000,
    )
    rig.transcribers["tone"] = SeededEars(Faults(faults, root.fork("ears")))
    rig.synthesizers["tone"] = SeededVoice(Faults(faults, root.fork("voice")))
    rig.language_models["echo"] = SeededModel(Faults(faults, root.fork("model")))
    actions = SeededActions(Faults(faults, root.fork("actions")))
    ahead = draw.uniform(0, 1) < 0.5
    watched = Watched(Call("c1", rig.plan, AgentOperator(), thinks_ahead=ahead))
    engine = replace(rig.engine(), action_runner=actions)
    ending, far = await _run(rig, engine, watched, draw)
    await asyncio.sleep(1)
    if watched.closed is None:
        raise Violated(
            f"the call was never closed: {ending.reason.value} {ending.detail}, {rig.reports}"
        )
    _judge(rig, watched, far, actions, calm)
    return Outcome(seed, ending, watched.trace, watched.steps)


async def _run(
    rig: Rig, engine: EngineParts, watched: Watched, draw: Randomness
) -> tuple[CallEnding, FarEnd]:
    leg = rig.leg()
    runner = Runner(CallParts(engine, rig.new_call(), leg, watched))
    async with asyncio.TaskGroup() as group:
        behaving = group.create_task(behave(leg.far_end, runner, draw))
        try:
            async with asyncio.timeout(CALL_MAX_S):
                ending = await rig.with_clock(runner.run())
        except TimeoutError:
            raise Violated("the call does not end") from None
        finally:
            behaving.cancel()
    return ending, leg.far_end


async def behave(
    far: FarEnd,
    runner: Runner,
    draw: Randomness,
    words: Callable[[Randomness], str] = sentence,
) -> None:
    """Speak, cough, talk over, press keys, hold, hang up; now and then somebody else ends it."""
    if draw.uniform(0, 1) < 0.05:
        await asyncio.sleep(draw.uniform(0, 0.3))
        far.hang_up("cancelled")
        return
    for _ in range(3 + int(draw.uniform(0, 6))):
        await asyncio.sleep(draw.uniform(0.2, 6))
        way = draw.uniform(0, 1)
        if way < 0.6:
            far.play(tone(words(draw).rstrip("."), far.codec))
        elif way < 0.75:
            burst = noise(int(draw.uniform(80, 400)), far.codec.rate_hz, -14.0)
            far.play(new_encoder(far.codec).from_pcm(burst))
        elif way < 0.85:
            for digit in "19#"[: 1 + int(draw.uniform(0, 3))]:
                far.press(digit)
                await asyncio.sleep(0.2)
        elif way < 0.92:
            far.hold(True)
            await asyncio.sleep(draw.uniform(0.5, 3))
            far.hold(False)
        elif way < 0.95:
            runner.post(EndRequested(EndReason.API_ENDED))
        elif way < 0.97:
            runner.post(EndRequested(EndReason.DRAINED))
    await asyncio.sleep(draw.uniform(2, 20))
    if draw.uniform(0, 1) < 0.85:
        far.hang_up("hang-up")


def conditions(draw: Randomness, calm: bool) -> Conditions:
    """Return how bad the line is."""
    if calm:
        return Conditions()
    return Conditions(
        loss=draw.uniform(0, 0.05),
        jitter_ms=int(draw.uniform(0, 80)),
        mark_delay_ms=int(draw.uniform(0, 300)),
        answer_fails=draw.uniform(0, 1) < 0.02,
        hangup_after_ms=int(draw.uniform(0, 40_000)) if draw.uniform(0, 1) < 0.1 else None,
    )


def _judge(rig: Rig, watched: Watched, far: FarEnd, actions: SeededActions, calm: bool) -> None:
    watched.judge_end()
    if rig.reports:
        raise Violated(f"something of ours broke: {rig.reports}")
    if len(rig.store.endings.get("c1", [])) != 1:
        raise Violated("the row was not finished exactly once")
    if far.ended_by is None:
        raise Violated("the far end was not released")
    if len(actions.sent) != len(set(actions.sent)):
        raise Violated("an action was sent twice")
    tasks = [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    if tasks:
        raise Violated(f"tasks outlive the call: {tasks}")
    facts = rig.store.facts.get("c1", [])
    if [fact.sequence for fact in facts] != list(range(1, len(facts) + 1)):
        raise Violated("the timeline has holes")
    if sum(fact.kind == "ended" for fact in facts) > 1:
        raise Violated("the call ended twice on its timeline")
    _judge_dead_air(rig)
    if calm:
        judge_hearing(rig, far)


def _judge_dead_air(rig: Rig) -> None:
    """After a turn of the caller something is heard within 3 s, unless the caller goes on.

    The silence counts from the end of what still sounded, and not while the far end holds us.
    """
    waiting_ms: int | None = None
    held = False
    for fact in rig.store.facts.get("c1", []):
        if fact.at_ms is None:
            continue
        if fact.kind in _BREAKS_SILENCE and waiting_ms is not None:
            if fact.at_ms - waiting_ms > DEAD_AIR_MS and not held:
                raise Violated(f"silent from {waiting_ms} to {fact.at_ms} ms")
            waiting_ms = None
        held = fact.kind == "leg_held" or (held and fact.kind != "leg_resumed")
        moved = fact.kind in ("heard", "leg_resumed") and waiting_ms is not None
        if moved or fact.kind == "turn_ended":
            waiting_ms = fact.at_ms


def judge_hearing(rig: Rig, far: FarEnd) -> None:
    """On a good line the far end heard what the record says, every word once and in order."""
    said = [
        str(fact.content.get("text", ""))
        for fact in rig.store.facts.get("c1", [])
        if fact.kind == "heard"
    ]
    # Stored phrases have no word times: how much of one was heard is an estimate.
    stored = {phrase.value for phrase in StoredPhrase}
    wanted = [word for word in " ".join(said).split() if word not in stored]
    heard = [word for word in words_in(far.heard, PCMU) if word not in stored]
    if heard != wanted:
        raise Violated(f"the record says {wanted}, the far end heard {heard}")
