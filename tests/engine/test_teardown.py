"""One teardown path: whatever ends a call, in whatever state, the far end is free at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import pytest

from cordboard.call.actions import ActionCall, ActionKind, ActionPlan
from cordboard.call.commands import (
    AnswerLeg,
    CloseCall,
    Command,
    EndLeg,
    KeepFact,
    Message,
    RefuseLeg,
    RunAction,
    Speak,
    StartReply,
)
from cordboard.call.events import (
    DigitPressed,
    EndReason,
    EndRequested,
    Event,
    LegAnswered,
    LegEnded,
    LegEndedBy,
    LegOffered,
    OperatorInput,
)
from cordboard.call.expectation import ANYTHING
from cordboard.clock import run_virtual
from cordboard.engine.parts import CallParts, EngineParts
from cordboard.engine.runner import Runner
from cordboard.media.codec import Codec
from cordboard.ports import CallEnding, LegFailed
from cordboard.telephony.loopback import LoopbackLeg
from tests.engine.rig import Rig, ScriptedBrain
from tests.engine.test_speaking import slow


class Recordings:
    """A recording sink that counts what it opened and closed."""

    def __init__(self) -> None:
        self.open_count = 0
        self.frames = 0

    async def open(self, call_id: str, organisation_id: str, codec: Codec) -> Recordings:
        await asyncio.sleep(0.05)
        self.open_count += 1
        return self

    def caller(self, payload: bytes) -> None:
        self.frames += 1

    def agent(self, payload: bytes) -> None:
        self.frames -= 1

    async def close(self) -> bool:
        self.open_count -= 1
        return True


def busy(event: Event, brain: ScriptedBrain) -> list[Command]:
    """Answer and keep every part of the engine busy; end on request, or when the leg ends."""
    match event:
        case LegOffered(leg_id=leg_id):
            return [AnswerLeg(leg_id)]
        case LegAnswered():
            plan = ActionPlan(action_id="a", kind=ActionKind.EXTERNAL, function_name="book")
            return [
                KeepFact("answered"),
                Speak("u1", "A long sentence that is still going on. " * 5, "en"),
                Speak("u2", "And another one.", "en"),
                StartReply("r1", (Message("caller", "hello"),), ANYTHING),
                RunAction(ActionCall("x1", "book", {}), plan),
            ]
        case EndRequested(reason=reason):
            brain.reason = reason
            return [EndLeg("leg1")]
        case OperatorInput(kind="refuse"):
            brain.reason = EndReason.REFUSED
            return [RefuseLeg("leg1", 486)]
        case OperatorInput(kind="close"):
            brain.ended = True
            return [CloseCall(EndReason.LONGEST_CALL)]
        case DigitPressed():
            raise RuntimeError("a mistake of ours")
        case LegEnded(by=by):
            brain.ended = True
            theirs = EndReason.CALLER_HUNG_UP if by is LegEndedBy.FAR_END else brain.reason
            return [CloseCall(theirs)]
    return []


class SlowLeg(LoopbackLeg):
    """A leg whose answer takes a second, so that calls can end while it is under way."""

    async def answer(self) -> None:
        await asyncio.sleep(1)
        await super().answer()


@dataclass
class Scene:
    """One running call that is about to end."""

    rig: Rig
    runner: Runner
    leg: LoopbackLeg
    task: asyncio.Task[CallEnding]


async def by_far_end(scene: Scene) -> None:
    """The far end hangs up."""
    scene.leg.far_end.hang_up()


async def by_request(scene: Scene) -> None:
    """The API ends the call."""
    scene.runner.post(EndRequested(EndReason.API_ENDED))


async def by_two_requests(scene: Scene) -> None:
    """Everybody ends it at once."""
    scene.runner.post(EndRequested(EndReason.API_ENDED))
    scene.runner.post(EndRequested(EndReason.API_ENDED))
    scene.leg.far_end.hang_up()


async def by_machine_alone(scene: Scene) -> None:
    """The machine closes without a word to the leg."""
    scene.runner.post(OperatorInput("close", {}))


async def by_refusal(scene: Scene) -> None:
    """The machine refuses the leg, whatever its state."""
    scene.runner.post(OperatorInput("refuse", {}))


async def by_mistake_in_the_machine(scene: Scene) -> None:
    """The machine raises."""
    scene.runner.post(DigitPressed("1"))


async def by_flood(scene: Scene) -> None:
    """More events come than can be taken."""
    for _ in range(2000):
        scene.runner.post(OperatorInput("noise", {}))


async def by_cancellation(scene: Scene) -> None:
    """The process lets go of the call."""
    scene.task.cancel()


CAUSES: dict[Callable[[Scene], Awaitable[None]], set[EndReason]] = {
    by_far_end: {EndReason.CALLER_HUNG_UP},
    by_request: {EndReason.API_ENDED},
    by_two_requests: {EndReason.API_ENDED, EndReason.CALLER_HUNG_UP},
    by_machine_alone: {EndReason.LONGEST_CALL},
    by_refusal: {EndReason.REFUSED},
    by_mistake_in_the_machine: {EndReason.INTERNAL_ERROR},
    by_flood: {EndReason.INTERNAL_ERROR},
    by_cancellation: {EndReason.INTERRUPTED},
}
STATES_MS = {"offered": 0, "row": 20, "answering": 500, "answered": 1061, "talking": 3000}


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.__name__)
@pytest.mark.parametrize("state", STATES_MS)
def test_every_cause_in_every_state(cause: Callable[[Scene], Awaitable[None]], state: str) -> None:
    """The far end is free within 300 ms, nothing is left running, the row is finished once."""

    async def main() -> None:
        rig = Rig(synthesizers={"tone": slow(200)}).with_plan(record=True)
        rig.store.create_delay_s = 0.04
        recordings = Recordings()
        leg = SlowLeg("leg1", rig.media_clock, rig.randomness())
        brain = ScriptedBrain(busy)
        engine = replace(rig.engine(), recordings=recordings)
        runner = Runner(CallParts(engine, rig.new_call(), leg, brain))

        async def end() -> None:
            async with asyncio.TaskGroup() as group:
                task = group.create_task(runner.run())
                await asyncio.sleep(STATES_MS[state] / 1000)
                decided_ms = rig.clock.now_ms()
                await cause(Scene(rig, runner, leg, task))
                while leg.far_end.ended_by is None:  # noqa: ASYNC110
                    await asyncio.sleep(0.001)
                assert rig.clock.now_ms() - decided_ms <= 300
                await asyncio.wait([task])
                assert rig.clock.now_ms() - decided_ms <= 1000

        await rig.with_clock(end())
        (ending,) = rig.store.endings["c1"]
        assert ending.reason in CAUSES[cause]
        assert recordings.open_count == recordings.frames == 0
        assert len(asyncio.all_tasks()) == 1
        mistakes = 1 if cause is by_mistake_in_the_machine else 0
        assert len(rig.reports) == mistakes
        assert not rig.media_clock.is_busy

    run_virtual(main())


def ended_with(rig: Rig, leg: LoopbackLeg, engine: EngineParts | None = None) -> CallEnding:
    """Run a busy call that ends by itself."""

    async def main() -> CallEnding:
        runner = Runner(CallParts(engine or rig.engine(), rig.new_call(), leg, ScriptedBrain(busy)))
        ending = await rig.with_clock(runner.run())
        assert leg.far_end.ended_by is not None
        assert len(asyncio.all_tasks()) == 1
        assert rig.store.endings["c1"] == [ending]
        return ending

    return run_virtual(main())


def test_row_that_cannot_be_written() -> None:
    """Without a row the call is not answered and ends as our mistake, which is reported."""
    rig = Rig()
    rig.store.create_fails = True
    leg = rig.leg()
    assert ended_with(rig, leg).reason is EndReason.INTERNAL_ERROR
    assert not leg.far_end.answered
    assert [type(error) for _, error in rig.reports] == [OSError]


def test_answer_that_fails() -> None:
    """A far end that goes away while we answer is an ended leg."""

    class Failing(LoopbackLeg):
        async def answer(self) -> None:
            self.vanish("cancelled")
            raise LegFailed("cancelled")

    rig = Rig()
    leg = Failing("leg1", rig.media_clock, rig.randomness())
    assert ended_with(rig, leg).reason is EndReason.CALLER_HUNG_UP


def test_leg_that_cannot_be_ended() -> None:
    """A leg whose release hangs or raises delays the record by seconds at most; it is reported."""

    class Stuck(LoopbackLeg):
        tries = 0

        async def end(self) -> None:
            self.tries += 1
            if self.tries == 1:
                await asyncio.sleep(3600)
            await super().end()
            raise RuntimeError("too late")

    async def main() -> None:
        rig = Rig()
        leg = Stuck("leg1", rig.media_clock, rig.randomness())
        runner = Runner(CallParts(rig.engine(), rig.new_call(), leg, ScriptedBrain(busy)))
        runner.post(EndRequested(EndReason.API_ENDED))
        begun_ms = rig.clock.now_ms()
        ending = await rig.with_clock(runner.run())
        assert rig.clock.now_ms() - begun_ms < 5000
        assert rig.store.endings["c1"] == [ending]
        assert {type(error) for _, error in rig.reports} == {TimeoutError, RuntimeError}

    run_virtual(main())


def test_mistake_in_the_path_of_sound() -> None:
    """Our own exception under a media tick ends that call; the media clock goes on."""

    class Deaf:
        """A voice activity whose stream breaks."""

        def open(self, rate_hz: int) -> Deaf:
            return self

        def push(self, pcm: bytes) -> None:
            raise RuntimeError("mine")

        def take(self) -> float | None:
            return None

        def reset(self) -> None:
            return None

        def close(self) -> None:
            return None

        def run(self) -> None:
            return None

    async def main() -> None:
        rig = Rig()
        leg = rig.leg()
        leg.far_end.play(b"\x00\x80" * 8000)
        engine = replace(rig.engine(), voice_activity=Deaf())
        runner = Runner(CallParts(engine, rig.new_call(), leg, ScriptedBrain(busy)))
        ending = await rig.with_clock(runner.run())
        assert (ending.reason, ending.detail) == (EndReason.INTERNAL_ERROR, "path of sound")
        assert len(rig.reports) == 1
        assert leg.far_end.ended_by is LegEndedBy.LOCAL

    run_virtual(main())
