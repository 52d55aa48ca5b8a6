"""The voice in its child process."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from cordboard.call.plan import VoicePlan
from cordboard.media import g711
from cordboard.media.codec import G722_WIDE, L16_8K, L16_16K, PCMA, PCMU, Codec, new_decoder
from cordboard.ports import ProviderError, WordTime
from cordboard.providers.child import ChildLimits
from cordboard.providers.synthesizers.espeak.synthesizer import EspeakSynthesizer
from tests.counts import count

TEXT = "Hello there. We could meet at nine thirty, if you like."
QUICK = ChildLimits(first_wait_s=0.01, longest_wait_s=0.02, most_deaths=3)


@pytest.fixture
async def voice() -> AsyncIterator[EspeakSynthesizer]:
    """A voice that runs."""
    async with EspeakSynthesizer(QUICK) as running:
        yield running


async def sound_of(voice: EspeakSynthesizer, text: str, codec: Codec = L16_8K) -> bytes:
    """Return all sound of a text."""
    chunks = voice.speak(text, VoicePlan(), "en", codec)
    return b"".join([chunk.payload async for chunk in chunks])


@pytest.mark.parametrize("codec", [PCMU, PCMA, G722_WIDE, L16_8K, L16_16K])
async def test_sound_is_whole_frames_and_loud(voice: EspeakSynthesizer, codec: Codec) -> None:
    """In every codec a sentence lasts about as long as it takes to say, in whole frames."""
    sound = await sound_of(voice, TEXT, codec)
    assert len(sound) % codec.frame_bytes == 0
    assert 2000 < codec.duration_ms(sound) < 6000
    assert g711.rms(new_decoder(codec).to_pcm(sound)) > 1000


async def test_words_lie_in_order_in_text_and_sound(voice: EspeakSynthesizer) -> None:
    """Word positions refer to the whole utterance, over all its sentences."""
    size = 0
    words: list[WordTime] = []
    async for chunk in voice.speak(TEXT, VoicePlan(), "en", L16_8K):
        size += len(chunk.payload)
        words += chunk.words
    spoken = [TEXT[word.text_start : word.text_end] for word in words]
    assert spoken == [
        "Hello", "there", "We", "could", "meet", "at", "nine", "thirty", "if", "you", "like",
    ]  # fmt: skip
    times = [ms for word in words for ms in (word.start_ms, word.end_ms)]
    assert times == sorted(times)
    assert times[-1] <= L16_8K.duration_ms(bytes(size))


async def test_utterances_at_once_do_not_mix(voice: EspeakSynthesizer) -> None:
    """Each of many utterances at once is as long as it is alone."""
    texts = [f"Sentence number {number}. " * (1 + number % 3) for number in range(count(8, 120))]
    alone = [len(await sound_of(voice, text)) for text in texts]
    together = await asyncio.gather(*(sound_of(voice, text) for text in texts))
    # The library draws on chance for its breath, so lengths may differ by a frame or two.
    for one, other in zip(alone, together, strict=True):
        assert abs(one - len(other)) <= 6 * L16_8K.frame_bytes


async def test_closing_the_stream_cancels(voice: EspeakSynthesizer) -> None:
    """After a barge-in the voice goes on with other utterances."""
    chunks = voice.speak(TEXT * 40, VoicePlan(), "en", L16_8K)
    await anext(aiter(chunks))
    await chunks.aclose()  # type: ignore[attr-defined]
    assert await sound_of(voice, "Yes.")


async def test_death_fails_what_is_in_flight_and_the_next_works(voice: EspeakSynthesizer) -> None:
    """A crash is a retryable failure; the child is started again."""
    chunks = voice.speak(TEXT * 60, VoicePlan(), "en", L16_8K)
    await anext(aiter(chunks))
    assert voice.pid is not None
    os.kill(voice.pid, signal.SIGKILL)
    with pytest.raises(ProviderError) as failed:
        async for _ in chunks:
            pass
    assert failed.value.retryable
    async with asyncio.timeout(10):
        while True:
            try:
                assert await sound_of(voice, "Yes.")
                return
            except ProviderError as problem:
                assert problem.retryable  # noqa: PT017
                await asyncio.sleep(0.02)


async def test_a_child_that_keeps_dying_is_given_up(voice: EspeakSynthesizer) -> None:
    """After so many deaths in a row the failure is no longer retryable."""
    async with asyncio.timeout(20):
        while True:
            if voice.pid is not None:
                os.kill(voice.pid, signal.SIGKILL)
            try:
                await sound_of(voice, "Yes.")
            except ProviderError as problem:
                if not problem.retryable:
                    return
            await asyncio.sleep(0.01)


async def test_other_languages_and_unknown_voices_speak(voice: EspeakSynthesizer) -> None:
    """A voice that does not exist is passed over; a language has its own sound."""
    german = [
        chunk async for chunk in voice.speak("Guten Tag", VoicePlan(voice="joe"), "de-AT", L16_8K)
    ]
    assert german


async def test_nothing_to_say_is_no_sound(voice: EspeakSynthesizer) -> None:
    """Text without letters or digits gives nothing."""
    assert await sound_of(voice, " ... \n!") == b""


def test_server_process_never_loads_the_library() -> None:
    """The GPL library is loaded by the child alone: importing the provider does not bring it in."""
    code = (
        "import sys, cordboard.providers.synthesizers.espeak.synthesizer as s;"
        "bad = [m for m in sys.modules if 'espeakng' in m or m.endswith('espeak.library')];"
        "sys.exit(bool(bad))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def test_every_language_of_flows_has_a_woman_and_a_man(voice: EspeakSynthesizer) -> None:
    """Languages differ from one another and from American English, and so do the sexes."""
    heard: list[bytes] = []
    for language in ("de-DE", "en-US", "en-GB", "fr-FR", "es-ES", "it-IT", "nl-NL", "pt-BR"):
        for gender in ("female", "male"):
            plan = VoicePlan(settings={"gender": gender})
            chunks = voice.speak("Ada 12", plan, language, L16_8K)
            heard.append(b"".join([chunk.payload async for chunk in chunks]))
    for language in ("pl-PL", "tr-TR"):
        chunks = voice.speak("Ada 12", VoicePlan(), language, L16_8K)
        heard.append(b"".join([chunk.payload async for chunk in chunks]))
    assert all(heard)
    assert len(set(heard)) == len(heard)
