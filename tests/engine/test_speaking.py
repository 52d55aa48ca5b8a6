"""Utterances: in order, whole, paused and resumed without losing or repeating a word."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence

import pytest

from cordboard.call.commands import (
    AnswerLeg,
    CloseCall,
    Command,
    EndLeg,
    PauseSpeaking,
    PlayStored,
    ResumeSpeaking,
    Speak,
    StartSpeaking,
    StopSpeaking,
    StoredPhrase,
)
from cordboard.call.events import (
    EndReason,
    Event,
    LegAnswered,
    LegEnded,
    LegOffered,
    OperatorInput,
    PlayoutFailed,
    PlayoutFinished,
    PlayoutPaused,
    PlayoutStarted,
    PlayoutStopped,
    ProviderFailed,
    ProviderRecovered,
)
from cordboard.call.plan import VoicePlan
from cordboard.clock import run_virtual
from cordboard.engine.parts import CallParts
from cordboard.engine.runner import Runner
from cordboard.ids import Randomness
from cordboard.media.codec import G722_WIDE, L16_8K, L16_16K, PCMA, PCMU, Codec, new_decoder
from cordboard.media.tone_code import ToneDecoder
from cordboard.ports import ProviderError, SpeechChunk, Synthesizer
from cordboard.providers.synthesizers.tone.synthesizer import ToneDelays, ToneSynthesizer
from cordboard.telephony.loopback import Conditions, FarEnd
from tests.counts import count
from tests.engine.rig import Rig, ScriptedBrain, words_in

TEXT = "One two three four five six. Seven eight nine ten, eleven twelve."
WORDS = TEXT.split()


def obeying(event: Event, brain: ScriptedBrain) -> list[Command]:
    """Answer at once; carry out what the test puts into operator inputs."""
    match event:
        case LegOffered(leg_id=leg_id):
            return [AnswerLeg(leg_id)]
        case OperatorInput(content=content):
            command = content["command"]
            return [command]  # type: ignore[list-item]
        case LegEnded():
            brain.ended = True
            return [CloseCall(EndReason.AGENT_ENDED)]
    return []


class Conversation:
    """A running call whose commands come from the test."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.brain = ScriptedBrain(obeying)
        self.leg = rig.leg()
        self.runner = Runner(CallParts(rig.engine(), rig.new_call(), self.leg, self.brain))

    @property
    def far(self) -> FarEnd:
        return self.leg.far_end

    def do(self, *commands: Command) -> None:
        for command in commands:
            self.runner.post(OperatorInput("test", {"command": command}))

    async def until(self, kind: type[object], number: int = 1) -> None:
        """Wait for the n-th event of a kind."""
        for _ in range(10_000):
            if len(self.brain.of(kind)) >= number:
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"no {kind}: {self.brain.events}")

    async def run(self, script: Callable[[Conversation], Coroutine[None, None, None]]) -> None:
        async def whole() -> None:
            async with asyncio.TaskGroup() as group:
                running = group.create_task(self.runner.run())
                await self.until(LegAnswered)
                await script(self)
                self.do(EndLeg("leg1"))
                await running

        await self.rig.with_clock(whole())
        assert self.rig.reports == []


def converse(
    script: Callable[[Conversation], Coroutine[None, None, None]], rig: Callable[[], Rig] = Rig
) -> None:
    """Run a conversation in virtual time."""

    async def main() -> None:
        await Conversation(rig()).run(script)

    run_virtual(main())


@pytest.mark.parametrize("codec", [PCMU, PCMA, G722_WIDE, L16_16K])
def test_pause_and_resume_hold_every_word(codec: Codec) -> None:
    """Paused anywhere, any number of times: the far end hears every word whole, once, in order."""

    async def script(call: Conversation) -> None:
        call.do(Speak("u1", TEXT[:29], "en"), Speak("u2", TEXT[29:], "en"))
        chance = Randomness.seeded(f"pauses {codec} {call.rig.seed}")
        pauses = 0
        while len(call.brain.of(PlayoutFinished)) < 2:
            await asyncio.sleep(chance.uniform(0.2, 1.0))
            call.do(PauseSpeaking())
            await asyncio.sleep(chance.uniform(0.05, 0.5))
            heard = len(call.far.heard)
            pauses += 1
            assert call.far.heard[heard - codec.frame_bytes :] == codec.silence_frame
            call.do(ResumeSpeaking())
        assert pauses > 1
        assert words_in(call.far.heard, codec) == WORDS
        paused = call.brain.of(PlayoutPaused)
        assert paused
        for event in paused:
            text = TEXT[:29] if event.utterance_id == "u1" else TEXT[29:]
            heard_text = text[: event.heard_characters]
            assert heard_text.split() == text.split()[: len(heard_text.split())]
        assert len(call.brain.of(PlayoutStarted)) == 2

    for seed in range(count(4, 200)):
        converse(script, lambda: Rig(codec=codec, seed=seed))  # noqa: B023  (runs at once)


def test_pause_reports_what_was_heard() -> None:
    """The words that the far end decoded before a pause are those that ``PlayoutPaused`` counts."""

    async def script(call: Conversation) -> None:
        for number in range(6):
            call.do(Speak(f"u{number}", TEXT, "en"))
            await asyncio.sleep(0.3 + 0.37 * number)
            call.do(PauseSpeaking())
            await call.until(PlayoutPaused, number + 1)
            event = call.brain.of(PlayoutPaused)[-1]
            heard = words_in(call.far.heard)
            assert " ".join(heard) == TEXT[: event.heard_characters]
            call.do(StopSpeaking())
            await call.until(PlayoutStopped, number + 1)
            stopped = call.brain.of(PlayoutStopped)[-1]
            assert stopped.heard_characters == event.heard_characters
            call.far.heard.clear()

    converse(script)


def test_stop_drops_everything() -> None:
    """Each utterance dropped is reported once, those not begun with nothing heard."""

    async def script(call: Conversation) -> None:
        call.do(*(Speak(f"u{number}", TEXT, "en") for number in range(3)))
        await call.until(PlayoutStarted)
        call.do(StopSpeaking())
        await call.until(PlayoutStopped, 3)
        before = bytes(call.far.heard).rstrip(b"\xff")
        await asyncio.sleep(1)
        assert bytes(call.far.heard).rstrip(b"\xff") == before
        stopped = call.brain.of(PlayoutStopped)
        assert [event.utterance_id for event in stopped] == ["u0", "u1", "u2"]
        assert [event.heard_characters for event in stopped][1:] == [0, 0]
        call.do(Speak("u9", "After all.", "en"))
        await call.until(PlayoutFinished)
        assert words_in(call.far.heard)[-2:] == ["After", "all."]

    converse(script)


def test_codec_changes_hold_every_word() -> None:
    """Whatever the leg's codec changes to, and when: every word is heard whole, once, in order."""

    async def script(call: Conversation) -> None:
        decoder = ToneDecoder(8000)
        heard: list[str] = []

        def decode(frame: bytes) -> None:
            pcm = new_decoder(call.far.codec).to_pcm(frame)
            heard.extend(word.word for word in decoder.push(pcm))

        call.far.on_frame = decode
        call.do(Speak("u1", TEXT, "en"), Speak("u2", TEXT, "en"))
        for codec in [PCMA, L16_8K, PCMU] * 3:
            await asyncio.sleep(0.37)
            call.leg.change_codec(codec)
        await call.until(PlayoutFinished, 2)
        assert heard == WORDS + WORDS

    converse(script)


def test_prepared_waits() -> None:
    """A prepared utterance is silent until it is started, and its first sound then comes at
    once.
    """

    async def script(call: Conversation) -> None:
        call.do(Speak("u1", "Hello there.", "en", prepare=True))
        await asyncio.sleep(5)
        assert not words_in(call.far.heard)
        asked_at = len(call.far.heard) // 160
        call.do(StartSpeaking("u1"))
        await call.until(PlayoutFinished)
        (started,) = call.brain.of(PlayoutStarted)
        assert started.at_ms // 20 - asked_at <= 1

    converse(script, lambda: Rig(synthesizers={"tone": slow(1500)}))


def test_finished_is_where_the_sound_ends() -> None:
    """``at_ms`` of start and finish enclose the sound exactly; the next one follows without a
    gap.
    """

    async def script(call: Conversation) -> None:
        call.do(Speak("u1", "First words.", "en"), Speak("u2", "Second words.", "en"))
        await call.until(PlayoutFinished, 2)
        first, second = call.brain.of(PlayoutStarted)
        end, last = call.brain.of(PlayoutFinished)
        assert end.at_ms == second.at_ms
        heard = bytes(call.far.heard)
        assert heard[first.at_ms * 8 :][:160] != b"\xff" * 160
        assert heard[: first.at_ms * 8].count(b"\xff") == first.at_ms * 8
        assert heard[last.at_ms * 8 :].count(b"\xff") == len(heard) - last.at_ms * 8

    converse(script)


def test_stored_phrase_needs_no_voice() -> None:
    """With every synthesizer dead a stored phrase is still heard."""

    async def script(call: Conversation) -> None:
        call.do(PlayStored("p1", StoredPhrase.ONE_MOMENT, "en"))
        await call.until(PlayoutFinished)
        assert words_in(call.far.heard) == ["one_moment"]

    converse(script, lambda: Rig(synthesizers={"tone": Failing(0)}))


def test_stored_phrase_goes_before_what_has_no_sound() -> None:
    """It is heard while a slow voice is still at work, but never cuts into what is sounding."""

    async def script(call: Conversation) -> None:
        call.do(Speak("u1", "First of all.", "en"), Speak("u2", "Second.", "en"))
        await asyncio.sleep(0.5)
        call.do(PlayStored("p1", StoredPhrase.ONE_MOMENT, "en"))
        await call.until(PlayoutStarted, 2)
        call.do(PlayStored("p2", StoredPhrase.STILL_THERE, "en"))
        await call.until(PlayoutFinished, 4)
        assert words_in(call.far.heard) == [
            *("one_moment", "First", "of", "all.", "still_there", "Second.")
        ]
        texts = [event.text for event in call.brain.of(PlayoutStarted)]
        assert texts == ["one_moment", "", "still_there", ""]

    converse(script, lambda: Rig(synthesizers={"tone": slow(1000)}))


def test_too_many_utterances() -> None:
    """The 33rd utterance that waits fails; the 32 before it do not."""

    async def script(call: Conversation) -> None:
        call.do(*(Speak(f"u{number}", "Hi.", "en") for number in range(33)))
        await call.until(PlayoutFailed)
        (failed,) = call.brain.of(PlayoutFailed)
        assert (failed.utterance_id, failed.failure) == ("u32", "queue_full")
        await call.until(PlayoutFinished, 32)

    converse(script)


def slow(first_sound_ms: int) -> ToneSynthesizer:
    """Return a voice with a delay."""
    return ToneSynthesizer(ToneDelays(first_sound_ms=first_sound_ms))


class Failing:
    """A voice that stalls or fails after so many words, for its first attempts."""

    def __init__(self, words: int, attempts: int = 99, *, stall: bool = False) -> None:
        self._voice = ToneSynthesizer()
        self._words = words
        self._stall = stall
        self.attempts = attempts
        self.texts: list[str] = []

    def codecs(self, voice: VoicePlan) -> Sequence[Codec]:
        return (PCMU,)

    async def speak(
        self, text: str, voice: VoicePlan, language: str, codec: Codec
    ) -> AsyncIterator[SpeechChunk]:
        self.texts.append(text)
        self.attempts -= 1
        number = 0
        async for chunk in self._voice.speak(text, voice, language, codec):
            if self.attempts >= 0 and number >= self._words:
                if self._stall:
                    await asyncio.sleep(3600)
                raise ProviderError("unavailable", retryable=True)
            number += 1
            yield chunk


def test_mistake_in_an_adapter_is_a_failure_of_its_provider() -> None:
    """A voice that raises what it must not is reported and tried again; the call goes on."""

    class Buggy(Failing):
        async def speak(
            self, text: str, voice: VoicePlan, language: str, codec: Codec
        ) -> AsyncIterator[SpeechChunk]:
            try:
                async for chunk in super().speak(text, voice, language, codec):
                    yield chunk
            except ProviderError:
                raise KeyError("mine") from None

    async def script(call: Conversation) -> None:
        call.do(Speak("u1", "One two three four.", "en"))
        await call.until(PlayoutFinished)
        assert words_in(call.far.heard) == ["One", "two", "three", "four."]
        assert [type(error) for _, error in call.rig.reports] == [KeyError]
        call.rig.reports.clear()

    converse(script, lambda: Rig(synthesizers={"tone": Buggy(2, 1)}))


@pytest.mark.parametrize("stall", [False, True])
def test_retry_repeats_nothing(stall: bool) -> None:
    """A voice that breaks off after two words goes on with the third one."""
    voice = Failing(2, 1, stall=stall)

    async def script(call: Conversation) -> None:
        call.do(Speak("u1", "One two three four.", "en"))
        await call.until(PlayoutFinished)
        assert words_in(call.far.heard) == ["One", "two", "three", "four."]
        assert voice.texts == ["One two three four.", " three four."]
        assert not call.brain.of(ProviderFailed)

    converse(script, lambda: Rig(synthesizers={"tone": voice}))


def test_fallback_goes_on() -> None:
    """When the retry breaks off too, the fallback voice says the rest."""
    voice = Failing(1)

    async def script(call: Conversation) -> None:
        call.do(Speak("u1", "One two three four.", "en"))
        await call.until(PlayoutFinished)
        assert words_in(call.far.heard) == ["One", "two", "three", "four."]

    rig: dict[str, Synthesizer] = {"tone": voice, "other": ToneSynthesizer()}
    converse(script, lambda: Rig(synthesizers=rig, fallbacks={"tone": ("other",)}))


def test_failure_is_reported_with_what_was_heard() -> None:
    """Without any voice left the utterance fails, the provider is down, and later it recovers."""
    voice = Failing(1, 2)

    async def script(call: Conversation) -> None:
        call.do(Speak("u1", "One two three four.", "en"))
        await call.until(PlayoutFailed)
        (failed,) = call.brain.of(PlayoutFailed)
        assert words_in(call.far.heard) == ["One", "two"]
        assert (failed.heard_characters, failed.failure) == (len("One two"), "unavailable")
        assert [event.failure for event in call.brain.of(ProviderFailed)] == ["unavailable"]
        call.do(Speak("u2", "Back.", "en"))
        await call.until(PlayoutFinished)
        assert len(call.brain.of(ProviderRecovered)) == 1

    converse(script, lambda: Rig(synthesizers={"tone": voice}))


def test_silent_voice_meets_its_deadline() -> None:
    """No first sound within 3 s, twice: failed after 6 s."""

    async def script(call: Conversation) -> None:
        begun = call.rig.clock.now_ms()
        call.do(Speak("u1", "Hello.", "en"))
        await call.until(PlayoutFailed)
        assert 6000 <= call.rig.clock.now_ms() - begun <= 6050

    converse(script, lambda: Rig(synthesizers={"tone": slow(60_000)}))


def test_late_marks_lose_nothing() -> None:
    """Marks that come up to a second late delay reports, not sound."""

    async def script(call: Conversation) -> None:
        call.do(Speak("u1", TEXT, "en"), Speak("u2", TEXT, "en"))
        await call.until(PlayoutFinished, 2)
        assert words_in(call.far.heard) == WORDS + WORDS

    converse(script, lambda: Rig(conditions=Conditions(mark_delay_ms=1000)))
