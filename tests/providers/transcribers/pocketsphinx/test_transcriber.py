"""The recogniser in its worker process, on synthetic speech."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest

from cordboard.call.expectation import Expectation, ExpectationKind
from cordboard.call.plan import TranscriberPlan, VoicePlan
from cordboard.media.codec import G722_WIDE, L16_16K, PCMU, Codec
from cordboard.ports import ProviderError, TranscriberFailed, TranscriberWords
from cordboard.providers.child import ChildLimits
from cordboard.providers.synthesizers.espeak.synthesizer import EspeakSynthesizer
from cordboard.providers.transcribers.pocketsphinx.transcriber import (
    PocketsphinxStream,
    PocketsphinxTranscriber,
)

LENGTHS = Expectation(ExpectationKind.CHOICE, ("half an hour", "one hour"))
QUICK = ChildLimits(first_wait_s=0.01, longest_wait_s=0.02)


class Ear:
    """One stream and what it reported."""

    def __init__(self) -> None:
        self.got: list[TranscriberWords] = []
        self.finals: asyncio.Queue[TranscriberWords] = asyncio.Queue()
        self.stream: PocketsphinxStream

    def report(self, words: TranscriberWords | TranscriberFailed) -> None:
        """Keep a report."""
        assert isinstance(words, TranscriberWords)
        self.got.append(words)
        if words.final:
            self.finals.put_nowait(words)

    async def final(self) -> TranscriberWords:
        """Wait for the next final."""
        async with asyncio.timeout(20):
            return await self.finals.get()


@pytest.fixture
async def voice() -> AsyncIterator[EspeakSynthesizer]:
    """A voice that runs."""
    async with EspeakSynthesizer() as running:
        yield running


@pytest.fixture
async def transcriber() -> AsyncIterator[PocketsphinxTranscriber]:
    """A transcriber with one worker."""
    async with PocketsphinxTranscriber(1, QUICK) as running:
        yield running


async def open_ear(transcriber: PocketsphinxTranscriber, codec: Codec) -> Ear:
    """Open a stream."""
    ear = Ear()
    ear.stream = await transcriber.open(TranscriberPlan(), codec, "en", ear.report)
    return ear


async def say(text: str, ear: Ear, voice: EspeakSynthesizer, codec: Codec) -> None:
    """Speak into a stream, with silence and the start hint before."""
    speech = voice.speak(text, VoicePlan(), "en", codec)
    sound = b"".join([chunk.payload async for chunk in speech])
    for _ in range(15):
        ear.stream.feed(codec.silence_frame)
    ear.stream.speech_started()
    for start in range(0, len(sound), codec.frame_bytes):
        ear.stream.feed(sound[start : start + codec.frame_bytes])
        if start % (codec.frame_bytes * 10) == 0:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("codec", [G722_WIDE, L16_16K])
async def test_answers_are_heard(
    voice: EspeakSynthesizer, transcriber: PocketsphinxTranscriber, codec: Codec
) -> None:
    """Each question's grammar holds from the next utterance on; partials come before finals."""
    ear = await open_ear(transcriber, codec)
    for expectation, text in (
        (LENGTHS, "half an hour please"),
        (Expectation(ExpectationKind.TIME), "no eleven thirty"),
        (Expectation(ExpectationKind.YES_NO), "yes please"),
    ):
        ear.stream.expect(expectation)
        await say(text, ear, voice, codec)
        ear.stream.speech_stopped()
        final = await ear.final()
        assert final.text == text
        assert final.confidence is not None
        assert final.confidence > 0.5
    assert any(not words.final for words in ear.got)
    await ear.stream.close()


async def test_words_beside_the_grammar_are_an_empty_final(
    voice: EspeakSynthesizer, transcriber: PocketsphinxTranscriber
) -> None:
    """Out-of-grammar speech is heard as nothing rather than as a wrong answer."""
    ear = await open_ear(transcriber, L16_16K)
    ear.stream.expect(LENGTHS)
    await say("half an hour please", ear, voice, L16_16K)
    ear.stream.speech_stopped()
    await ear.final()
    await say("my dog ate the homework yesterday", ear, voice, L16_16K)
    ear.stream.speech_stopped()
    final = await ear.final()
    assert (final.text, final.confidence) == ("", 0.0)
    await ear.stream.close()


async def test_streams_at_once_do_not_mix(
    voice: EspeakSynthesizer, transcriber: PocketsphinxTranscriber
) -> None:
    """More utterances at once than there are decoders: those that wait are heard too."""
    ears = [await open_ear(transcriber, L16_16K) for _ in range(6)]
    texts = ["half an hour please", "one hour please"] * 3
    for ear in ears:
        ear.stream.expect(LENGTHS)
    await asyncio.gather(
        *(say(text, ear, voice, L16_16K) for text, ear in zip(texts, ears, strict=True))
    )
    for ear in ears:
        ear.stream.speech_stopped()
    assert [(await ear.final()).text for ear in ears] == texts
    for ear in ears:
        await ear.stream.close()


async def test_a_dead_worker_loses_the_utterance_not_the_stream(
    voice: EspeakSynthesizer, transcriber: PocketsphinxTranscriber
) -> None:
    """A crash gives an empty final; the stream hears the next utterance."""
    ear = await open_ear(transcriber, L16_16K)
    ear.stream.expect(LENGTHS)
    await say("one hour please", ear, voice, L16_16K)
    [pid] = transcriber.pids
    os.kill(pid, signal.SIGKILL)
    assert (await ear.final()).text == ""
    ear.stream.speech_stopped()
    async with asyncio.timeout(20):
        while not transcriber.pids:  # noqa: ASYNC110  (no event for it: wiring never waits)
            await asyncio.sleep(0.01)
    await say("one hour please", ear, voice, L16_16K)
    ear.stream.speech_stopped()
    assert (await ear.final()).text == "one hour please"
    await ear.stream.close()


async def test_phone_band_gets_a_final(
    voice: EspeakSynthesizer, transcriber: PocketsphinxTranscriber
) -> None:
    """Mu-law is upsampled; every utterance ends in one final."""
    ear = await open_ear(transcriber, PCMU)
    ear.stream.expect(LENGTHS)
    await say("one hour please", ear, voice, PCMU)
    ear.stream.speech_stopped()
    await ear.final()
    assert sum(words.final for words in ear.got) == 1
    await ear.stream.close()


async def test_closed_streams_report_nothing(
    voice: EspeakSynthesizer, transcriber: PocketsphinxTranscriber
) -> None:
    """Closing in the middle of an utterance drops it."""
    ear = await open_ear(transcriber, L16_16K)
    await say("one hour", ear, voice, L16_16K)
    await ear.stream.close()
    count = len(ear.got)
    await asyncio.sleep(0.2)
    assert len(ear.got) == count


async def test_other_languages_are_refused(transcriber: PocketsphinxTranscriber) -> None:
    """The acoustic model is English: anything else is a plain refusal."""
    with pytest.raises(ProviderError, match="rejected"):
        await transcriber.open(TranscriberPlan(), PCMU, "de", lambda words: None)
