"""Follows a script on one call and tells how it went."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from rapidfuzz import fuzz

from cordboard.call.backchannel import plain
from cordboard.call.expectation import Expectation, ExpectationKind
from cordboard.call.plan import TranscriberPlan, VoicePlan
from cordboard.media.codec import Codec, new_encoder
from cordboard.media.tones import noise
from cordboard.ports import Clock, Randomness, Synthesizer, Transcriber
from cordboard.softphone.ear import Ear
from cordboard.softphone.phone import Dialling, NotAnswered, Phone
from cordboard.softphone.script import Script, Step, Verb
from cordboard.telephony.sip.stream import PhasedTicker

HEAR_WAIT_MS = 25_000
ENDED_WAIT_MS = 20_000
SILENCE_MS = 900
"""So long the far end must have been silent before its turn counts as over."""

PATIENCE_MS = 5_000
"""Silence after which the caller says its last words again."""

REPEATS_MAX = 2
LAST_WORDS_TRIES = 20
"""Tenths of a second that words may come after the sound has ended."""

SAME_WORDS = 88.0
"""How alike heard and expected words must be, of 100."""

DECOYS = (
    "the weather is nice today",
    "your parcel has been delivered",
    "please enter your customer number",
    "this number is not in service",
    "all our lines are busy now",
)


@dataclass(frozen=True, slots=True)
class Speech:
    """How the caller hears and speaks. ``voice`` is passed to the synthesizer."""

    synthesizer: Synthesizer
    transcriber: Transcriber
    voice: VoicePlan = field(default_factory=VoicePlan)
    language: str = "en"


@dataclass(slots=True)
class Report:
    """How a script went. ``failures`` is empty when everything was as written."""

    lines: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    loud_ms: int = 0
    how_it_ended: str = ""
    caller_sound: bytearray = field(default_factory=bytearray)
    far_sound: bytearray = field(default_factory=bytearray)


class Caller:
    """One scripted caller on one call."""

    def __init__(
        self,
        script: Script,
        speech: Speech,
        dialling: Dialling,
        clock: Clock,
        ticker: PhasedTicker,
        randomness: Randomness,
        tell: Callable[[str], None],
    ) -> None:
        self.report = Report()
        self._script = script
        self._speech = speech
        self._ear: Ear | None = None
        self._phone = Phone(dialling, clock, ticker, randomness, self._frame)
        self._taken = 0
        self._last_said = ""
        self._said_ms = 0
        self._tell_line = tell

    async def run(self) -> Report:
        """Call, follow the script, hang up. Never raises for what the far end does."""
        try:
            await self._phone.dial()
        except NotAnswered as reason:
            self._fail(f"not answered: {reason}")
        else:
            codec = self._phone.codec
            self._ear = Ear(codec, self.report.far_sound.extend)
            stream = await self._speech.transcriber.open(
                TranscriberPlan(), codec, self._speech.language, self._ear.report
            )
            choices = (*dict.fromkeys(self._script.expected), *DECOYS)
            stream.expect(Expectation(ExpectationKind.CHOICE, choices, format="exact"))
            self._ear.connect(stream)
            self._tell("answered")
            for step in self._script.steps:
                if not await self._step(step):
                    break
            await stream.close()
        await self._phone.hang_up()
        self.report.how_it_ended = self._phone.how_it_ended or "we hung up"
        if self._ear is not None:
            self.report.heard = list(self._ear.heard.words)
            self.report.loud_ms = self._ear.heard.loud_ms
        return self.report

    @property
    def codec(self) -> Codec | None:
        """The encoding of the call, None if it was never answered."""
        return None if self._ear is None else self._phone.codec

    def _frame(self, payload: bytes) -> None:
        if self._ear is not None:
            self._ear.frame(payload)

    async def _step(self, step: Step) -> bool:
        match step.verb:
            case Verb.HEAR:
                return await self._hear(step.text)
            case Verb.TURN:
                await self._let_speak()
            case Verb.SAY:
                await self._say(step.text)
            case Verb.PRESS:
                self._tell(f"press {step.text}")
                self._phone.press(step.text)
            case Verb.WAIT:
                await asyncio.sleep(step.ms / 1_000)
            case Verb.COUGH:
                self._tell(f"cough {step.ms}")
                codec = self._phone.codec
                burst = noise(step.ms, codec.rate_hz, -14.0)
                self._phone.play(new_encoder(codec).from_pcm(burst))
            case Verb.OVER:
                return await self._talk_over(step)
            case Verb.HANGUP:
                self._tell("hang up")
                await self._phone.hang_up()
                return False
            case Verb.ENDED:
                return await self._ended()
        return True

    async def _hear(self, expected: str) -> bool:
        ear = self._ear
        assert ear is not None
        until_ms = ear.position_ms + HEAR_WAIT_MS
        since_ms = ear.position_ms
        repeats = 0
        while ear.position_ms < until_ms and not self._phone.ended.is_set():
            await asyncio.sleep(0.05)
            quiet_ms = ear.position_ms - max(ear.heard.stopped_ms, since_ms)
            if ear.heard.speaking or quiet_ms < SILENCE_MS:
                continue
            if self._was_said(expected):
                return True
            if quiet_ms >= PATIENCE_MS and self._last_said and repeats < REPEATS_MAX:
                # Not understood, or asked something else: people say it again.
                repeats += 1
                self._taken = len(ear.heard.words)
                await self._say(self._last_said)
                since_ms = ear.position_ms
                until_ms = since_ms + HEAR_WAIT_MS
        ear.finish()
        for _ in range(LAST_WORDS_TRIES):
            if self._was_said(expected):
                return True
            await asyncio.sleep(0.1)
        said = " ".join(ear.heard.words[self._taken :])
        self._fail(f"expected to hear {expected!r}, heard {said!r}")
        return False

    async def _let_speak(self) -> None:
        """Wait until the far end has said something since our last words, or since it was waited
        for before, and has finished.
        """
        ear = self._ear
        assert ear is not None
        until_ms = ear.position_ms + HEAR_WAIT_MS
        while ear.position_ms < until_ms and not self._phone.ended.is_set():
            quiet_ms = ear.position_ms - ear.heard.stopped_ms
            has_spoken = ear.heard.started_ms >= self._said_ms and not ear.heard.speaking
            if has_spoken and quiet_ms >= SILENCE_MS:
                break
            await asyncio.sleep(0.05)
        self._said_ms = ear.position_ms

    def _was_said(self, expected: str) -> bool:
        """Tell whether the words were among what came since the last step; takes it all if so."""
        assert self._ear is not None
        said = " ".join(self._ear.heard.words[self._taken :])
        if not said or not _includes(said, expected):
            return False
        self._taken = len(self._ear.heard.words)
        self._tell(f"heard: {said}")
        return True

    async def _say(self, text: str) -> None:
        self._tell(f"say: {text}")
        self._last_said = text
        speech, codec = self._speech, self._phone.codec
        sounds = speech.synthesizer.speak(text, speech.voice, speech.language, self._speakable())
        async with aclosing(sounds) as chunks:  # type: ignore[type-var]
            async for chunk in chunks:
                self.report.caller_sound += chunk.payload
                self._phone.play(chunk.payload)
        self._phone.play(codec.silence_frame * 2)
        while not self._phone.is_silent and not self._phone.ended.is_set():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        if self._ear is not None:
            self._said_ms = self._ear.position_ms

    def _speakable(self) -> Codec:
        codec = self._phone.codec
        offered = self._speech.synthesizer.codecs(self._speech.voice)
        assert codec in offered, f"the caller's voice cannot speak {codec}"
        return codec

    async def _talk_over(self, step: Step) -> bool:
        ear = self._ear
        assert ear is not None
        before_ms = ear.heard.started_ms
        until_ms = ear.position_ms + HEAR_WAIT_MS
        while ear.heard.started_ms == before_ms and not ear.heard.speaking:
            if ear.position_ms > until_ms or self._phone.ended.is_set():
                self._fail(f"nothing to talk over with {step.text!r}")
                return False
            await asyncio.sleep(0.02)
        await asyncio.sleep(step.ms / 1_000)
        await self._say(step.text)
        self._taken = len(ear.heard.words)
        return True

    async def _ended(self) -> bool:
        try:
            async with asyncio.timeout(ENDED_WAIT_MS / 1_000):
                await self._phone.ended.wait()
        except TimeoutError:
            self._fail("the far end did not hang up")
        else:
            self._tell("the far end hung up")
        return False

    def _tell(self, line: str) -> None:
        self.report.lines.append(line)
        self._tell_line(line)

    def _fail(self, line: str) -> None:
        self.report.failures.append(line)
        self._tell(f"FAILED: {line}")


def _includes(said: str, expected: str) -> bool:
    return fuzz.partial_ratio(plain(expected), plain(said)) >= SAME_WORDS and len(
        plain(said)
    ) >= 0.6 * len(plain(expected))
