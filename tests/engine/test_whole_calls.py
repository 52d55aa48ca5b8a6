"""Seeded whole calls with the real machine: whatever happens, each call ends once and whole.

A failing seed is replayed with ``pytest "tests/engine/test_whole_calls.py::test_seed[SEED]"``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from cordboard.call.actions import ActionPlan
from cordboard.call.agent import AgentOperator
from cordboard.call.events import EndReason, EndRequested
from cordboard.call.expectation import Expectation
from cordboard.call.machine import Call
from cordboard.call.plan import VoicePlan
from cordboard.clock import run_virtual
from cordboard.engine.parts import CallParts
from cordboard.engine.runner import Runner
from cordboard.ids import Randomness
from cordboard.media.codec import G722_WIDE, L16_16K, PCMA, PCMU, Codec
from cordboard.ports import (
    CallEnding,
    ModelAction,
    ModelExpects,
    ModelText,
    ProviderError,
    ReplyRequest,
    SpeechChunk,
)
from cordboard.providers.synthesizers.tone.synthesizer import ToneDelays, ToneSynthesizer
from cordboard.providers.transcribers.tone.transcriber import HearingDelays, ToneTranscriber
from cordboard.telephony.loopback import Conditions, LoopbackLeg
from tests.counts import count
from tests.engine.rig import Rig, tone

LONGEST_MS = 60_000
SAYINGS = ("yes", "no thank you", "I want a table for two", "what?", "hm", "goodbye")


class Moody:
    """A model and a voice that answer, stall, stream slowly, or fail, as the seed has it."""

    def __init__(self, chance: Randomness) -> None:
        self._chance = chance
        delays = ToneDelays(
            first_sound_ms=chance.choice([0, 50, 400]), word_ms=chance.choice([0, 0, 30])
        )
        self._voice = ToneSynthesizer(delays)
        self._trouble = chance.choice([0.0, 0.0, 0.2, 1.0])

    async def _mood(self) -> None:
        if self._chance.random() >= self._trouble:
            await asyncio.sleep(self._chance.uniform(0, 0.3))
            return
        if self._chance.random() < 0.5:
            await asyncio.sleep(self._chance.uniform(1, 20))
        raise ProviderError("unavailable", retryable=self._chance.random() < 0.5)

    async def reply(
        self, request: ReplyRequest
    ) -> AsyncIterator[ModelText | ModelAction | ModelExpects]:
        for word in ["Well, ", "that ", "is ", "fine. ", "And ", "now? "]:
            await self._mood()
            yield ModelText(word)

    def expectation(self, actions: Sequence[ActionPlan]) -> Expectation | None:
        return None

    def codecs(self, voice: VoicePlan) -> Sequence[Codec]:
        return (PCMU, L16_16K)

    async def speak(
        self, text: str, voice: VoicePlan, language: str, codec: Codec
    ) -> AsyncIterator[SpeechChunk]:
        await self._mood()
        async for chunk in self._voice.speak(text, voice, language, codec):
            yield chunk


async def caller(leg: LoopbackLeg, runner: Runner, chance: Randomness) -> None:
    """Do things a caller (or the API) does, at odd times."""
    far = leg.far_end
    for _ in range(chance.integer(0, 12)):
        await asyncio.sleep(chance.choice([0.02, 0.3, 1.0, 3.0]) * chance.random())
        if not far.answered or far.ended_by is not None:
            continue
        match chance.integer(0, 9):
            case 0:
                far.press(chance.choice("0123456789*#"))
            case 1:
                far.hold(True)
                await asyncio.sleep(chance.uniform(0, 2))
                far.hold(False)
            case 2:
                leg.change_codec(chance.choice([PCMU, PCMA, G722_WIDE, L16_16K]))
            case _:
                far.play(tone(chance.choice(SAYINGS), far.codec))
    match chance.integer(0, 3):
        case 0:
            far.hang_up()
        case 1:
            runner.post(EndRequested(EndReason.API_ENDED))
        case _:
            pass


async def one_call(seed: int) -> tuple[Rig, LoopbackLeg, CallEnding]:
    """Run the call of a seed."""
    chance = Randomness.seeded(seed)
    conditions = Conditions(
        loss=chance.choice([0.0, 0.0, 0.02, 0.3]),
        jitter_ms=chance.choice([0, 0, 60]),
        mark_delay_ms=chance.choice([0, 0, 300]),
        answer_fails=chance.random() < 0.03,
        hangup_after_ms=chance.choice([None, None, chance.integer(0, 20_000)]),
    )
    moody = Moody(chance.fork("vendors"))
    rig = Rig(
        conditions=conditions,
        codec=chance.choice([PCMU, PCMA, G722_WIDE, L16_16K]),
        seed=seed,
        synthesizers={"tone": moody},
        language_models={"echo": moody},
        transcribers={"tone": ToneTranscriber(HearingDelays(final_ms=chance.choice([0, 200])))},
    ).with_plan(
        initial_message=chance.choice([None, "Hello, how can I help?"]),
        longest_call_ms=LONGEST_MS,
        content_free=chance.random() < 0.1,
    )
    leg = rig.leg()
    new = rig.new_call()
    brain = Call(new.call_id, new.plan, AgentOperator())
    runner = Runner(CallParts(rig.engine(), new, leg, brain))

    async def whole() -> CallEnding:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(runner.run())
            acting = group.create_task(caller(leg, runner, chance.fork("caller")))
            ending = await running
            acting.cancel()
        return ending

    async with asyncio.timeout(LONGEST_MS / 1000 + 60):
        return rig, leg, await rig.with_clock(whole())


@pytest.mark.parametrize("seed", range(count(60, 3000)))
def test_seed(seed: int) -> None:
    """Ended once, nobody left on the line, no mistake of ours, no task, no hole in the record."""

    async def main() -> tuple[Rig, LoopbackLeg, CallEnding]:
        result = await one_call(seed)
        assert len(asyncio.all_tasks()) == 1
        return result

    rig, leg, ending = run_virtual(main(), seed)
    assert rig.reports == []
    assert ending.reason is not EndReason.INTERNAL_ERROR
    assert rig.store.endings == {"c1": [ending]}
    assert leg.far_end.ended_by is not None
    assert not rig.media_clock.is_busy
    facts = rig.store.facts["c1"]
    assert [fact.sequence for fact in facts] == list(range(1, len(facts) + 1))
    if rig.plan.content_free:
        assert (ending.transcript, rig.store.transcripts) == ("", {})
        assert all(not fact.content for fact in facts)
        return
    begun = [fact.content["utterance_id"] for fact in facts if fact.kind == "playout_started"]
    assert len(begun) == len(set(begun))


def test_same_seed_same_record() -> None:
    """A call repeats itself to the last fact."""
    records = []
    for _ in range(2):
        rig, _, ending = run_virtual(one_call(7), 7)
        records.append((rig.store.facts, ending))
    assert records[0] == records[1]
