"""Whole calls: the engine and the real machine behind a real WebSocket, tone code both ways."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

from cordboard.call.agent import AgentOperator
from cordboard.call.events import EndReason
from cordboard.call.machine import Call
from cordboard.clock import SystemClock
from cordboard.engine.clock import MediaClock
from cordboard.engine.parts import CallParts, Choice, EngineParts
from cordboard.engine.runner import Runner
from cordboard.ports import CallEnding, Direction, NewCall
from cordboard.providers.synthesizers.tone.synthesizer import ToneSynthesizer
from cordboard.providers.transcribers.tone.transcriber import ToneTranscriber
from cordboard.telephony.twilio.leg import TwilioLeg
from tests.engine.rig import PLAN, EchoModel, MemoryStore, NoActions, TonePhrases, tone, words_in
from tests.fakes.twilio_media import FakeStream
from tests.telephony.twilio.door import CALL_SID, TOKEN, Control, Door, open_door

GREETING = "Hello and welcome to the test of the line"
WAIT_S = 20.0


@dataclass
class Live:
    """A running call."""

    door: Door
    phone: FakeStream
    leg: TwilioLeg
    runner: Runner
    control: Control
    store: MemoryStore
    calling: asyncio.Task[CallEnding]
    streaming: asyncio.Task[None]

    async def until(self, true: Callable[[], bool], what: str) -> None:
        """Wait for something to become true."""
        deadline = time.monotonic() + WAIT_S
        while not true():
            assert time.monotonic() < deadline, f"not in time: {what}; heard {self.heard()}"
            await asyncio.sleep(0.02)

    async def until_heard(self, text: str) -> None:
        """Wait until the phone's ear has heard all words of a text, in this order."""
        wanted = text.split()
        await self.until(lambda: _contains(self.heard(), wanted), f"hearing {text!r}")

    def heard(self) -> list[str]:
        return words_in(self.phone.heard)

    async def end(self) -> CallEnding:
        async with asyncio.timeout(WAIT_S):
            await self.streaming
            return await self.calling


def _contains(words: list[str], wanted: list[str]) -> bool:
    size = len(wanted)
    return any(words[at : at + size] == wanted for at in range(len(words) - size + 1))


@contextlib.asynccontextmanager
async def live_call(lag_s: float = 0.0, greeting: str = GREETING) -> AsyncIterator[Live]:
    """Run a call from the offer on; the agent greets, then says back what it hears."""
    clock = SystemClock()
    reports: list[tuple[str, BaseException]] = []
    media_clock = MediaClock(clock, lambda where, error: reports.append((where, error)))
    store = MemoryStore()
    engine = EngineParts(
        clock=clock,
        media_clock=media_clock,
        store=store,
        transcribers=Choice({"tone": ToneTranscriber()}, "tone"),
        synthesizers=Choice({"tone": ToneSynthesizer()}, "tone"),
        language_models=Choice({"echo": EchoModel()}, "echo"),
        action_runner=NoActions(),
        phrases=TonePhrases(),
        report=lambda where, error: reports.append((where, error)),
    )
    plan = replace(PLAN, initial_message=greeting)
    control = Control()
    async with open_door() as door, asyncio.TaskGroup() as group:
        ticking = group.create_task(media_clock.run())
        leg = door.leg(media_clock, control)
        new = NewCall(
            call_id="c1",
            leg_id=leg.leg_id,
            organisation_id="org",
            direction=Direction.INBOUND,
            from_number="12025550100",
            to_number="12025550101",
            carrier="test",
            trunk_id=None,
            carrier_handle=CALL_SID,
            dialog={},
            plan=plan,
            at=clock.wall(),
        )
        runner = Runner(CallParts(engine, new, leg, Call("c1", plan, AgentOperator())))
        calling = group.create_task(runner.run())
        assert await leg.progress.decision() == 0
        phone = FakeStream(door.port, TOKEN, CALL_SID, lag_s)

        async def resume() -> str | None:
            if leg.progress.ended is not None:
                return None
            return door.sockets.expect(leg, TOKEN)

        streaming = group.create_task(phone.run(door.sockets.expect(leg, TOKEN), resume))
        try:
            yield Live(door, phone, leg, runner, control, store, calling, streaming)
        finally:
            ticking.cancel()
            streaming.cancel()
            calling.cancel()
    assert reports == []


async def test_the_greeting_and_words_both_ways() -> None:
    """The greeting arrives whole; what is said is answered; a stop is the caller's hang-up."""
    async with live_call() as live:
        await live.until_heard(GREETING)
        live.phone.say(tone("one two three"))
        await live.until_heard("You said, one two three")
        live.phone.hang_up()
        ending = await live.end()
    assert ending.reason is EndReason.CALLER_HUNG_UP
    assert live.control.hung_up == []
    assert f"BOT: {GREETING}" in ending.transcript
    assert "one two three" in ending.transcript
