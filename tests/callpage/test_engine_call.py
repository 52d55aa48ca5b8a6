"""What the engine notes of a call is what its recording shows."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from cordboard.call.agent import AgentOperator
from cordboard.call.machine import Call
from cordboard.callpage.measure import timings
from cordboard.callpage.sound import read
from cordboard.callpage.turns import conversation
from cordboard.clock import run_virtual
from cordboard.media.codec import PCMU, Codec
from cordboard.ports import Fact
from cordboard.storage.wave_file import header, interleave
from cordboard.telephony.loopback import FarEnd
from tests.engine.rig import Rig, tone


class MemoryRecording:
    """Keeps both sides in memory; sink and recording at once."""

    def __init__(self) -> None:
        self.left, self.right = bytearray(), bytearray()

    async def open(self, call_id: str, organisation_id: str, codec: Codec) -> MemoryRecording:
        return self

    def caller(self, payload: bytes) -> None:
        self.left += payload

    def agent(self, payload: bytes) -> None:
        self.right += payload

    async def close(self) -> bool:
        return True

    def wave(self) -> bytes:
        """Return the recording as a file."""
        size = min(len(self.left), len(self.right))
        woven = interleave(bytes(self.left[:size]), bytes(self.right[:size]), 1)
        return header(PCMU, len(woven)) + woven


def two_answers(far: FarEnd) -> None:
    """Speak twice, with time for the agent between, then hang on."""
    silence = far.codec.silence_frame
    far.play(silence * 200 + tone("Lee speaking", far.codec))
    far.play(silence * 330 + tone("I want to book a table for two.", far.codec) + silence * 600)


def run_call() -> tuple[list[Fact], bytes]:
    """Run a call of 20 virtual seconds; return its facts and its recording."""
    recording = MemoryRecording()
    kept: list[Fact] = []

    async def main() -> None:
        rig = Rig().with_plan(record=True, initial_message="Hello, who is calling?")
        engine = replace(rig.engine(), recordings=recording)
        brain = Call("c1", rig.plan, AgentOperator(None))
        try:
            async with asyncio.timeout(20):
                await rig.call(brain, two_answers, engine)  # type: ignore[arg-type]
        except TimeoutError:
            pass
        kept.extend(rig.store.facts["c1"])

    run_virtual(main())
    return kept, recording.wave()


def test_timeline_and_recording_agree() -> None:
    """Caller's stops and agent's starts lie within 20 ms of where the sound has them."""
    facts, wave = run_call()
    timed = timings(conversation(facts), read(wave))
    assert [one.exchange.caller.text if one.exchange.caller else "" for one in timed] == [
        "",
        "Lee speaking",
        "I want to book a table for two.",
    ]
    for one in timed:
        assert one.playout.difference_ms is not None
        assert not one.playout.is_off
    for one in timed[1:]:
        assert one.stopped.difference_ms is not None
        assert not one.stopped.is_off
        assert not one.delay.is_off
