"""An action and a caller who interrupts, interleaved by seeds: sent once, told once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from cordboard.call.actions import ActionKind, ActionPlan, SpeakBefore
from cordboard.call.agent import AgentOperator
from cordboard.call.expectation import Expectation
from cordboard.call.machine import Call
from cordboard.clock import run_virtual
from cordboard.engine.parts import CallParts
from cordboard.engine.runner import Runner
from cordboard.ids import Randomness
from cordboard.media.codec import new_encoder
from cordboard.media.tones import noise
from cordboard.ports import ModelAction, ModelExpects, ModelText, ReplyRequest
from cordboard.providers.synthesizers.tone.synthesizer import ToneDelays, ToneSynthesizer
from cordboard.telephony.loopback import FarEnd
from tests.counts import count
from tests.engine.rig import Rig, tone
from tests.simulation.invariants import Violated, Watched
from tests.simulation.vendors import Faults, SeededActions, sentence

CHUNKS = 4
LAST_WORDS = "status"


class Books:
    """Asks for the action until its conversation holds a result of it; then it talks."""

    def __init__(self, draw: Randomness, plan: ActionPlan) -> None:
        self.requests: list[ReplyRequest] = []
        self._draw = draw
        self._plan = plan

    async def reply(
        self, request: ReplyRequest
    ) -> AsyncIterator[ModelText | ModelAction | ModelExpects]:
        self.requests.append(request)
        draw = self._draw
        await asyncio.sleep(draw.uniform(0, 0.6))
        asks = not any(message.role.startswith("action") for message in request.messages)
        if not asks or draw.uniform(0, 1) < 0.5:
            for word in sentence(draw).split():
                await asyncio.sleep(draw.uniform(0, 0.05))
                yield ModelText(word + " ")
        if asks:
            arguments: dict[str, object] = {"x": 1}
            if self._plan.speak_before is not SpeakBefore.NEVER:
                arguments["user_message"] = sentence(draw, 4)
            yield ModelAction("book", json.dumps(arguments))

    def expectation(self, actions: Sequence[ActionPlan]) -> Expectation | None:
        return None


async def _call(seed: int) -> tuple[int, bool]:
    """Play one; returns how often the action was sent, and whether it was withdrawn first."""
    draw = Randomness.seeded(f"action-{seed}")
    plan = ActionPlan(
        action_id="1",
        kind=ActionKind.EXTERNAL,
        function_name="book",
        speak_before=SpeakBefore.ALWAYS if draw.uniform(0, 1) < 0.7 else SpeakBefore.NEVER,
        speak_on_receive=draw.uniform(0, 1) < 0.5,
    )
    rig = Rig(seed=seed)
    rig.with_plan(
        actions=(plan,),
        longest_call_ms=60_000,
        turn=replace(
            rig.plan.turn,
            interrupt_sensitivity="high" if draw.uniform(0, 1) < 0.5 else "low",
        ),
    )
    model = Books(draw.fork("model"), plan)
    rig.language_models["echo"] = model
    slow = ToneDelays(first_sound_ms=int(draw.uniform(0, 1_500)))
    rig.synthesizers["tone"] = ToneSynthesizer(slow)
    actions = SeededActions(Faults(0, draw.fork("actions")))
    watched = Watched(Call("c1", rig.plan, AgentOperator(), thinks_ahead=draw.uniform(0, 1) < 0.5))
    leg = rig.leg()
    engine = replace(rig.engine(), action_runner=actions)
    runner = Runner(CallParts(engine, rig.new_call(), leg, watched))
    async with asyncio.TaskGroup() as group, asyncio.timeout(90):
        group.create_task(_interrupt(leg.far_end, draw.fork("caller")))
        await rig.with_clock(runner.run())
    watched.judge_end()
    return _judge(rig, model, actions)


async def _interrupt(far: FarEnd, draw: Randomness) -> None:
    """Ask for it, break in at any time up to its end, and let it rest; then ask what came of it."""
    await asyncio.sleep(0.5)
    far.play(tone("please book", far.codec))
    await asyncio.sleep(1 + draw.uniform(0, 2.5))
    for _ in range(1 + int(draw.uniform(0, 3.99))):
        way = draw.uniform(0, 1)
        if way < 0.6:
            far.play(tone(sentence(draw, 5).rstrip("."), far.codec))
        elif way < 0.8:
            burst = noise(int(draw.uniform(80, 400)), far.codec.rate_hz, -14.0)
            far.play(new_encoder(far.codec).from_pcm(burst))
        else:
            far.hold(True)
            await asyncio.sleep(draw.uniform(0.1, 2))
            far.hold(False)
        await asyncio.sleep(draw.uniform(0.02, 3))
    await asyncio.sleep(15)
    far.play(tone(LAST_WORDS, far.codec))
    await asyncio.sleep(6)
    far.hang_up()


def _judge(rig: Rig, model: Books, actions: SeededActions) -> tuple[int, bool]:
    if rig.reports:
        raise Violated(f"something of ours broke: {rig.reports}")
    if len(actions.sent) > 1:
        raise Violated(f"sent {len(actions.sent)} times")
    messages = model.requests[-1].messages
    if messages[-1].text != LAST_WORDS:
        raise Violated(f"the last words were not answered: {messages[-1]}")
    told = [message for message in messages if message.role == "action"]
    if len(told) != 1:
        raise Violated(f"told {len(told)} times")
    content = told[0].content or {}
    if content["success"] is not bool(actions.sent):
        raise Violated(f"sent {actions.sent}, and told {content}")
    return len(actions.sent), not content["success"]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_sent_once_and_told_once(chunk: int) -> None:
    """1,000 interleavings in ``make torture``: the action is sent once, or withdrawn before; the
    model is told once, and what is true.
    """
    sent = withdrawn = 0
    seeds = count(60, 1_000) // CHUNKS
    for seed in range(chunk * seeds, (chunk + 1) * seeds):
        try:
            went, taken_back = run_virtual(_call(seed))
        except (Violated, TimeoutError) as violated:
            raise Violated(f"seed {seed}: {violated!r}") from violated
        sent += went
        withdrawn += taken_back
    assert sent + withdrawn == seeds
    assert sent
    assert withdrawn
