"""A line that gives the agent's own sound back."""

from __future__ import annotations

from dataclasses import replace

from cordboard.call.agent import AgentOperator
from cordboard.call.machine import Call
from cordboard.clock import run_virtual
from cordboard.engine.parts import CallParts
from cordboard.engine.runner import Runner
from cordboard.media import g711
from cordboard.media.codec import new_decoder, new_encoder
from cordboard.telephony.loopback import FarEnd
from tests.engine.rig import Rig, tone, words_in

MINUS_20_DB = 0.1


def echo(far: FarEnd) -> None:
    """Have the far end send back what it hears, 20 dB quieter."""
    decode, encode = new_decoder(far.codec).to_pcm, new_encoder(far.codec).from_pcm

    def give_back(frame: bytes) -> None:
        if not far.is_talking:
            far.play(encode(g711.scale(decode(frame), MINUS_20_DB)))

    far.on_frame = give_back


def test_own_sound_is_no_barge_in() -> None:
    """With the agent's sound looped back at -20 dB it says all of its answer, uninterrupted."""
    said = "this is what the caller would like to have said back in full"

    async def main() -> None:
        rig = Rig()
        rig.with_plan(
            initial_message="Hello, who is calling?",
            turn=replace(rig.plan.turn, interrupt_sensitivity="high", idle_ms=4_000),
        )
        leg = rig.leg()
        far = leg.far_end
        brain = Call("c1", rig.plan, AgentOperator())
        far.play(far.codec.silence_frame * 150 + tone(said, far.codec))
        echo(far)
        runner = Runner(CallParts(rig.engine(), rig.new_call(), leg, brain))
        ending = await rig.with_clock(runner.run())
        kinds = rig.store.kinds()
        assert "overlap" not in kinds
        assert "barge_in" not in kinds
        assert kinds.count("turn_ended") == 1
        heard = " ".join(words_in(far.heard))
        assert f"You said, {said}" in heard
        assert f"BOT: {said}" in ending.transcript

    run_virtual(main())
