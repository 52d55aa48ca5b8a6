"""Voice activity: the neural model behind the gate, energy alone, stalls of the transcriber."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from cordboard.call.commands import Command, Speak
from cordboard.call.events import Event, LegAnswered, SpeechStarted, SpeechStopped, ToneHeard
from cordboard.clock import run_virtual
from cordboard.engine.parts import CallParts
from cordboard.engine.runner import Runner
from cordboard.media import g711
from cordboard.media.codec import PCMU
from cordboard.media.tones import sine
from cordboard.telephony.loopback import LoopbackLeg
from tests.engine.rig import Rig, ScriptedBrain, tone
from tests.engine.test_dispatch import patient
from tests.engine.test_transcribing import Ear

SILENCE = PCMU.silence_frame


class Model:
    """A shared model that says "speech" for windows of 256 samples with any loud sample, and for so
    many windows after them; before, it has to have heard as many.
    """

    def __init__(self, lag: int = 0) -> None:
        self.streams: list[ModelStream] = []
        self._lag = lag

    def open(self, rate_hz: int) -> ModelStream:
        self.streams.append(ModelStream(self._lag))
        return self.streams[-1]

    def run(self) -> None:
        for stream in self.streams:
            stream.judge()


class ModelStream:
    """One leg's windows."""

    def __init__(self, lag: int) -> None:
        self._loud = [False] * lag
        self.pushed_bytes = 0
        self.resets = 0
        self.closed = False
        self.speech = 0.9
        self._pcm = b""
        self._result: float | None = None

    def push(self, pcm: bytes) -> None:
        self.pushed_bytes += len(pcm)
        self._pcm += pcm

    def take(self) -> float | None:
        result, self._result = self._result, None
        return result

    def reset(self) -> None:
        self.resets += 1
        self._pcm = b""
        self._result = None

    def close(self) -> None:
        self.closed = True

    def judge(self) -> None:
        while len(self._pcm) >= 512:
            window, self._pcm = self._pcm[:512], self._pcm[512:]
            self._loud.append(g711.peak(window) > 1000)
            self._result = self.speech if self._loud.pop(0) else 0.1


async def listen(
    rig: Rig,
    sound: bytes,
    model: Model | None = None,
    seconds: float = 6,
    leg: LoopbackLeg | None = None,
) -> ScriptedBrain:
    """Let the far end play ``sound`` from the answer on, then hang up."""
    brain = ScriptedBrain(patient)
    leg = leg or rig.leg()
    leg.far_end.play(sound)
    if model is not None:
        rig.media_clock.set_batch(model.run)
    runner = Runner(CallParts(rig.engine(model), rig.new_call(), leg, brain))

    async def whole() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(runner.run())
            await asyncio.sleep(seconds)
            leg.far_end.hang_up()

    await rig.with_clock(whole())
    assert rig.reports == []
    return brain


def test_model_decides_behind_the_gate() -> None:
    """Only audible stretches and their lead-in reach the model; its word is what counts."""

    async def main() -> None:
        model = Model()
        brain = await listen(Rig(), SILENCE * 50 + tone("some words"), model)
        (stream,) = model.streams
        (started,) = brain.of(SpeechStarted)
        (stopped,) = brain.of(SpeechStopped)
        assert abs(started.at_ms - 1000) <= 60
        assert abs(stopped.at_ms - 1000 - len(tone("some words")) // 8) <= 60
        assert stream.pushed_bytes <= 2 * (len(tone("some words")) + 20 * 160)
        assert (stream.resets, stream.closed) == (1, True)

    run_virtual(main())


def test_edges_lie_where_the_sound_does() -> None:
    """A model that is 100 ms late delays the news, not the times."""

    async def main() -> None:
        brain = await listen(Rig(), SILENCE * 50 + tone("some words"), Model(lag=3))
        (started,) = brain.of(SpeechStarted)
        (stopped,) = brain.of(SpeechStopped)
        assert started.at_ms == 1000
        assert abs(stopped.at_ms - 1000 - len(tone("some words")) // 8) <= 20

    run_virtual(main())


def test_loud_noise_is_not_speech_for_the_model() -> None:
    """What is loud, but no speech by the model, starts nothing."""

    async def main() -> None:
        model = Model()

        async def deafen() -> None:
            await asyncio.sleep(0.5)
            model.streams[0].speech = 0.2

        async with asyncio.TaskGroup() as group:
            group.create_task(deafen())
            brain = await listen(Rig(), SILENCE * 50 + tone("some words"), model)
        assert not brain.of(SpeechStarted)

    run_virtual(main())


@pytest.mark.parametrize("lead_ms", [0, 7, 13])
def test_onset_is_noticed_early(lead_ms: int) -> None:
    """Speech is reported within 100 ms of its first sample, wherever that lies in a frame."""

    async def main() -> None:
        rig = Rig()
        begun_ms = rig.clock.now_ms()
        sound = SILENCE * 100 + b"\xff" * 8 * lead_ms + tone("some words")
        brain = await listen(rig, sound)
        at_ms = next(
            now_ms
            for now_ms, event in zip(brain.times, brain.events, strict=True)
            if isinstance(event, SpeechStarted)
        )
        assert at_ms - begun_ms - 2000 - lead_ms <= 100 + 20

    run_virtual(main())


def test_echo_starts_nothing() -> None:
    """A far end that sends our own sound back 20 dB down, 100 ms late, is not speaking."""

    def greeting(event: Event, brain: ScriptedBrain) -> list[Command]:
        if isinstance(event, LegAnswered):
            return [Speak("u1", "This is our own voice and it comes back.", "en")]
        return patient(event, brain)

    async def main() -> None:
        rig = Rig()
        leg = rig.leg()
        far = leg.far_end
        far.play(SILENCE * 5)
        far.on_frame = lambda frame: far.play(
            g711.pcm_to_mulaw(g711.scale(g711.mulaw_to_pcm(frame), 0.1))
        )
        brain = ScriptedBrain(greeting)
        runner = Runner(CallParts(rig.engine(), rig.new_call(), leg, brain))

        async def whole() -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(runner.run())
                await asyncio.sleep(8)
                far.hang_up()

        await rig.with_clock(whole())
        assert not brain.of(SpeechStarted)

    run_virtual(main())


def test_times_stay_true_over_a_gap() -> None:
    """A leg that delivered nothing for a second does not shift the timeline, nor the recording."""

    class Gappy(LoopbackLeg):
        ticks = 0

        def _tick(self, due_ms: int) -> None:
            self.ticks += 1
            if not 50 < self.ticks <= 100:
                super()._tick(due_ms)

    async def main() -> None:
        rig = Rig()
        leg = Gappy("leg1", rig.media_clock, rig.randomness())
        # Fifty frames of silence before the gap, fifty after it: speech begins at three seconds.
        brain = await listen(rig, SILENCE * 100 + tone("some words"), leg=leg)
        (started,) = brain.of(SpeechStarted)
        assert abs(started.at_ms - 3000) <= 20

    run_virtual(main())


def test_transcriber_that_hears_nothing_is_replaced() -> None:
    """Eight seconds after a second of speech without a word, another stream is opened."""

    async def main() -> None:
        ear = Ear()
        rig = Rig(transcribers={"tone": ear})
        await listen(rig, tone("many words that nobody hears at all"), seconds=15)
        assert ear.opened_count == 2
        assert ear.streams[0].hints == ["started", "stopped"]
        assert "transcriber_reopened" in rig.store.kinds()

    run_virtual(main())


@pytest.mark.parametrize(("wanted", "by_carrier"), [("hangup", False), ("", False), ("x", True)])
def test_tones_are_told_where_somebody_wants_to_know(wanted: str, by_carrier: bool) -> None:
    """A machine's beep in the first half minute is told once, unless the carrier judges."""

    async def main() -> None:
        rig = Rig()
        rig.plan = replace(rig.plan, on_no_human=wanted, carrier_detects_human=by_carrier)
        beep = g711.pcm_to_mulaw(sine(1000, 400, 8000))
        brain = await listen(rig, SILENCE * 50 + tone("after") + beep + SILENCE * 100)
        told = [event for event in brain.events if isinstance(event, ToneHeard)]
        assert len(told) == (wanted == "hangup")

    run_virtual(main())


def test_late_tones_are_not_looked_for() -> None:
    """After half a minute nobody picks up any more."""

    async def main() -> None:
        rig = Rig()
        rig.plan = replace(rig.plan, on_no_human="continue")
        beep = g711.pcm_to_mulaw(sine(1000, 400, 8000))
        brain = await listen(rig, SILENCE * 1600 + beep + SILENCE * 100, seconds=36)
        assert not any(isinstance(event, ToneHeard) for event in brain.events)

    run_virtual(main())
