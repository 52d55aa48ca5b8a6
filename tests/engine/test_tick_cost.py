"""What one call costs per media tick; ``python -m tests.engine.test_tick_cost`` prints the
table.
"""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import replace

from cordboard.call.commands import Command, Speak
from cordboard.call.events import Event, LegAnswered
from cordboard.clock import VirtualClock, run_virtual
from cordboard.engine.parts import CallParts, EngineParts
from cordboard.engine.runner import Runner
from cordboard.media.codec import G722_WIDE, PCMU, Codec
from cordboard.ports import TranscriberStream, VoiceActivity
from tests.engine.rig import Rig, ScriptedBrain, tone
from tests.engine.test_teardown import busy

BUDGET_US = 60


class AheadClock(VirtualClock):
    """A clock that the benchmark moves on."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def now_ms(self) -> int:
        return super().now_ms() + self.ahead_ms


class Wax:
    """A transcriber that takes everything and says nothing."""

    def codecs(self, plan: object) -> tuple[Codec, ...]:
        return (PCMU, G722_WIDE)

    async def open(self, *_: object) -> TranscriberStream:
        return self

    def feed(self, payload: bytes) -> None: ...

    def speech_started(self) -> None: ...

    def speech_stopped(self) -> None: ...

    def expect(self, expectation: object) -> None: ...

    async def close(self) -> None: ...


class Paper:
    """A recording that goes nowhere."""

    async def open(self, *_: object) -> Paper:
        return self

    def caller(self, payload: bytes) -> None: ...

    def agent(self, payload: bytes) -> None: ...

    async def close(self) -> bool:
        return True


def cost_us(
    codec: Codec, calls: int, *, caller: bool, agent: bool, activity: VoiceActivity | None = None
) -> float:
    """Return microseconds of processor time per call and tick, the least of several seconds."""

    def react(event: Event, brain: ScriptedBrain) -> list[Command]:
        if isinstance(event, LegAnswered):
            return [Speak("u1", "word " * 60, "en")] if agent else []
        return busy(event, brain) if not brain.of(LegAnswered) else []

    async def main() -> float:
        clock = AheadClock()
        rig = Rig(clock=clock, codec=codec, transcribers={"tone": Wax()}).with_plan(record=True)
        engine: EngineParts = replace(rig.engine(), recordings=Paper(), voice_activity=activity)
        if activity is not None:
            rig.media_clock.set_batch(activity.run)
        async with asyncio.TaskGroup() as group:
            tasks = []
            for number in range(calls):
                leg = rig.leg(f"leg{number}")
                if caller:
                    leg.far_end.play(tone("word " * 60, codec))
                call = rig.new_call(f"c{number}", f"leg{number}")
                runner = Runner(CallParts(engine, call, leg, ScriptedBrain(react)))
                tasks.append(group.create_task(runner.run()))
            await asyncio.sleep(0.1)
            due_ms = clock.now_ms()
            rounds: list[int] = []
            for _ in range(6):
                begun = time.process_time_ns()
                for _ in range(50):
                    clock.ahead_ms += 20
                    due_ms = rig.media_clock.catch_up(due_ms)
                rounds.append(time.process_time_ns() - begun)
                await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
        return min(rounds) / 1000 / 50 / calls

    return run_virtual(main())


def test_within_budget() -> None:
    """A tick of a call with recording, energy gate, playout and loopback leg costs little."""
    assert cost_us(PCMU, 20, caller=True, agent=True) < BUDGET_US


if __name__ == "__main__":
    for caller, agent in ((False, False), (True, False), (False, True), (True, True)):
        for codec in (PCMU, G722_WIDE):
            figure = cost_us(codec, 50, caller=caller, agent=agent)
            sys.stdout.write(f"{codec.encoding} {caller=} {agent=}: {figure:.1f} us\n")
