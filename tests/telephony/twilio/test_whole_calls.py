"""Whole calls: the engine and the real machine behind a real WebSocket, tone code both ways."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

from cordboard.call.agent import AgentOperator
from cordboard.call.events import EndReason, EndRequested
from cordboard.call.machine import Call
from cordboard.clock import SystemClock
from cordboard.engine.clock import MediaClock
from cordboard.engine.guard import Report
from cordboard.engine.parts import CallParts, Choice, EngineParts
from cordboard.engine.runner import Runner
from cordboard.media import g711
from cordboard.media.tones import noise
from cordboard.ports import CallEnding
from cordboard.providers.synthesizers.tone.synthesizer import ToneSynthesizer
from cordboard.providers.transcribers.tone.transcriber import ToneTranscriber
from cordboard.telephony.twilio.leg import TwilioLeg
from tests.calls import new_call
from tests.engine.rig import PLAN, EchoModel, MemoryStore, NoActions, TonePhrases, tone, words_in
from tests.fakes.twilio_media import FakeStream
from tests.telephony.twilio.door import CALL_SID, TOKEN, Control, Door, open_door

GREETING = "Hello and welcome to the test of the line"
LONG = "one two three four five six seven eight nine ten"
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
        return words_in(self.phone.ear.heard)

    async def end(self) -> CallEnding:
        async with asyncio.timeout(WAIT_S):
            await self.streaming
            return await self.calling


def _contains(words: list[str], wanted: list[str]) -> bool:
    size = len(wanted)
    return any(words[at : at + size] == wanted for at in range(len(words) - size + 1))


def _engine(clock: SystemClock, report: Report) -> EngineParts:
    return EngineParts(
        clock=clock,
        media_clock=MediaClock(clock, report),
        store=MemoryStore(),
        transcribers=Choice({"tone": ToneTranscriber()}, "tone"),
        synthesizers=Choice({"tone": ToneSynthesizer()}, "tone"),
        language_models=Choice({"echo": EchoModel()}, "echo"),
        action_runner=NoActions(),
        phrases=TonePhrases(),
        report=report,
    )


def _runner(engine: EngineParts, leg: TwilioLeg, greeting: str) -> Runner:
    plan = replace(PLAN, initial_message=greeting)
    new = new_call(
        plan,
        leg_id=leg.leg_id,
        organisation_id="org",
        carrier="test",
        carrier_handle=CALL_SID,
        at=engine.clock.wall(),
    )
    return Runner(CallParts(engine, new, leg, Call("c1", plan, AgentOperator())))


@contextlib.asynccontextmanager
async def live_call(lag_s: float = 0.0, greeting: str = GREETING) -> AsyncIterator[Live]:
    """Run a call from the offer on; the agent greets, then says back what it hears."""
    reports: list[tuple[str, BaseException]] = []
    engine = _engine(SystemClock(), lambda where, error: reports.append((where, error)))
    store = engine.store
    assert isinstance(store, MemoryStore)
    control = Control()
    async with open_door() as door, asyncio.TaskGroup() as group:
        ticking = group.create_task(engine.media_clock.run())
        leg = door.leg(engine.media_clock, control)
        runner = _runner(engine, leg, greeting)
        calling = group.create_task(runner.run())
        assert await leg.progress.decision() == 0
        phone = FakeStream(door.port, TOKEN, CALL_SID, lag_s)

        async def resume() -> str | None:
            ended = leg.progress.ended is not None
            return None if ended else door.sockets.expect(leg, TOKEN)

        streaming = group.create_task(phone.run(door.sockets.expect(leg, TOKEN), resume))
        try:
            yield Live(door, phone, leg, runner, control, store, calling, streaming)
        finally:
            for task in (ticking, streaming, calling):
                task.cancel()
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


async def test_talking_over_the_agent_clears_what_is_buffered() -> None:
    """The caller's words silence the agent within 300 ms of their beginning, and are answered."""
    async with live_call(lag_s=0.03, greeting="Hello") as live:
        await _ask_for_a_long_answer(live)
        began = time.monotonic()
        live.phone.say(tone("stop I want something else"))
        await live.until(lambda: bool(live.phone.seen.clear_times), "clear")
        assert live.phone.seen.clear_times[0] - began < 0.3
        await live.until_heard("You said, stop I want something else")
        live.phone.hang_up()
        ending = await live.end()
    assert "seven" not in live.heard()
    assert f"BOT: {LONG}" not in ending.transcript


async def test_a_false_alarm_loses_no_word() -> None:
    """A noise silences the agent at once; it goes on from the start of the word that was cut."""
    async with live_call(lag_s=0.03, greeting="Hello") as live:
        await _ask_for_a_long_answer(live)
        live.phone.say(g711.pcm_to_mulaw(noise(200, 8000, -20.0)))
        await live.until(lambda: bool(live.phone.seen.clear_times), "clear")
        await live.until(lambda: "ten" in live.heard(), "the last word")
        live.phone.hang_up()
        ending = await live.end()
    assert _in_order(live.heard(), ["Hello", "You", "said,", *LONG.split()])
    assert f"BOT: {LONG}" in ending.transcript


async def test_a_dropped_socket_is_followed_by_another_and_no_word_is_lost() -> None:
    """The call outlives its socket; what was not heard is said on the next one."""
    async with live_call() as live:
        await live.until_heard("Hello and")
        live.phone.drop()
        await live.until_heard("of the line")
        live.phone.say(tone("still here"))
        await live.until_heard("You said, still here")
        live.phone.hang_up()
        ending = await live.end()
    assert live.phone.seen.streams == 2
    assert _in_order(live.heard(), GREETING.split())
    assert ending.reason is EndReason.CALLER_HUNG_UP


async def test_keys_and_the_end_from_our_side() -> None:
    """Keys reach the machine; ending the call closes the socket and asks the API to hang up."""
    async with live_call(greeting="Hello") as live:
        await live.until_heard("Hello")
        live.phone.press("5")
        await live.until(lambda: "digit" in " ".join(live.store.kinds()), "the key")
        asked = time.monotonic()
        live.runner.post(EndRequested(EndReason.API_ENDED))
        ending = await live.end()
        assert time.monotonic() - asked < 2.0
    assert ending.reason is EndReason.API_ENDED
    assert live.control.hung_up == [CALL_SID]
    assert live.phone.seen.closed_by_server


async def test_the_phone_is_gone_for_good() -> None:
    """A socket that is not followed by another ends the call, released and cleaned up."""
    async with live_call(greeting="Hello") as live:
        await live.until_heard("Hello")
        live.phone.habits.come_back = False
        live.phone.drop()
        await live.streaming
        live.leg.call_status("completed")
        async with asyncio.timeout(5):
            ending = await live.calling
    assert ending.reason is EndReason.CALLER_HUNG_UP


async def _ask_for_a_long_answer(live: Live) -> None:
    """Bring the agent to say a long sentence, and return in its midst."""
    await live.until_heard("Hello")
    live.phone.say(tone(LONG))
    await live.until_heard("You said, one two")


def _in_order(words: list[str], wanted: list[str]) -> bool:
    """Tell whether all wanted words were heard in their order, whatever was repeated."""
    heard = iter(words)
    return all(word in heard for word in wanted)
