"""The voice against the fake, and the fake against the vendor's own client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cordboard.call.plan import VoicePlan
from cordboard.engine.breaker import Breakers
from cordboard.engine.stream import Stream
from cordboard.engine.synthesis import Synthesis
from cordboard.engine.utterance import Utterance
from cordboard.media.codec import G722_WIDE, L16_16K, PCMA, PCMU, Codec
from cordboard.ports import ProviderError, SpeechChunk
from cordboard.providers.synthesizers.elevenlabs.spares import MOST_EACH
from cordboard.providers.synthesizers.elevenlabs.synthesizer import (
    ElevenLabsOptions,
    ElevenLabsSynthesizer,
)
from tests.fakes.chaos import Chaos
from tests.fakes.serving import Faults
from tests.fakes.speech import CHARACTER_MS, FakeSpeech, sound_of

_TEXT = "Good morning, how are you?"
_VOICE = VoicePlan(voice="anna")


@pytest.fixture
async def fake() -> AsyncIterator[FakeSpeech]:
    """A fake vendor that runs."""
    async with FakeSpeech().running() as running:
        yield running


def _options(fake: FakeSpeech, url: str | None = None) -> ElevenLabsOptions:
    return ElevenLabsOptions(api_key=fake.key, base_url=url or fake.url, voice="ours")


async def _spoken(
    synthesizer: ElevenLabsSynthesizer,
    text: str = _TEXT,
    voice: VoicePlan = _VOICE,
    codec: Codec = PCMU,
) -> list[SpeechChunk]:
    return [chunk async for chunk in synthesizer.speak(text, voice, "en", codec)]


async def _failure(fake: FakeSpeech, url: str | None = None) -> tuple[str, bool]:
    async with ElevenLabsSynthesizer(_options(fake, url)) as synthesizer:
        with pytest.raises(ProviderError) as caught:
            await _spoken(synthesizer)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value.failure, caught.value.retryable


def _sound(chunks: list[SpeechChunk]) -> bytes:
    return b"".join(chunk.payload for chunk in chunks)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_the_vendors_own_client(fake: FakeSpeech) -> None:
    """The fake is trusted because the vendor's own client gets its sound from it."""
    from elevenlabs.client import ElevenLabs
    from elevenlabs.core.api_error import ApiError

    client = ElevenLabs(base_url=fake.url, api_key=fake.key)
    # It insists on TLS for sockets, whatever the base URL says.
    client.text_to_speech._ws_base_url = fake.url.replace("http", "ws")

    def speak() -> bytes:
        texts = iter(["Good ", "morning."])
        asked: dict[str, Any] = {"model_id": "eleven_flash_v2_5", "output_format": "ulaw_8000"}
        return b"".join(client.text_to_speech.convert_realtime("anna", text=texts, **asked))

    said = await asyncio.to_thread(speak)
    assert said == sound_of("Good morning.", "ulaw_8000")
    assert fake.messages[0]["text"] == " "
    assert fake.messages[-1]["text"] == ""
    fake.error = "quota_exceeded"
    with pytest.raises(ApiError) as caught:
        await asyncio.to_thread(speak)
    assert caught.value.body["error"] == "quota_exceeded"


@pytest.mark.parametrize(
    ("codec", "form"), [(PCMU, "ulaw_8000"), (PCMA, "alaw_8000"), (L16_16K, "pcm_16000")]
)
async def test_sound_and_words(fake: FakeSpeech, codec: Codec, form: str) -> None:
    """The vendor's bytes come as they are, with each word's place in text and sound."""
    async with ElevenLabsSynthesizer(_options(fake)) as synthesizer:
        assert codec in synthesizer.codecs(_VOICE)
        chunks = await _spoken(synthesizer, codec=codec)
    assert _sound(chunks) == sound_of(_TEXT, form)
    words = [word for chunk in chunks for word in chunk.words]
    assert [_TEXT[word.text_start : word.text_end] for word in words] == _TEXT.split()
    for word in words:
        assert word.start_ms == word.text_start * CHARACTER_MS
        assert word.end_ms == word.text_end * CHARACTER_MS


async def test_what_is_asked(fake: FakeSpeech) -> None:
    """Voice, model and settings are the plan's where it names them, else ours."""
    settings = {"stability": 0.4, "similarity_boost": 0.8, "model_id": "m", "type": ""}
    async with ElevenLabsSynthesizer(_options(fake)) as synthesizer:
        await _spoken(synthesizer, voice=VoicePlan(voice="a/b", settings=settings))
        await _spoken(synthesizer, voice=VoicePlan())
        other = VoicePlan(voice="joe", settings={"type": "voice_vocode"})
        await _spoken(synthesizer, voice=other)
        assert await _spoken(synthesizer, "  ") == []
    assert fake.voices[0] == "a/b"
    assert set(fake.voices[1:]) >= {"ours"}
    assert "joe" not in fake.voices
    assert fake.queries[0]["model_id"] == "m"
    assert fake.messages[:3] == [
        {"text": " ", "voice_settings": {"stability": 0.4, "similarity_boost": 0.8}},
        {"text": f"{_TEXT} "},
        {"text": ""},
    ]


async def test_a_voices_own_key(fake: FakeSpeech) -> None:
    """A voice that has a key of its own is spoken with that, others with ours."""

    async def key_of(voice_id: str) -> str | None:
        return {"v1": fake.key}.get(voice_id)

    # The operator's own address would refuse the connection: the voice's key never gets there.
    options = ElevenLabsOptions(
        api_key="", base_url="http://127.0.0.1:9", voice="ours", account_url=fake.url
    )
    async with ElevenLabsSynthesizer(options, key_of) as synthesizer:
        assert await _spoken(synthesizer, voice=VoicePlan(settings={"id": "v1"}))
        with pytest.raises(ProviderError, match="bad_credentials"):
            await _spoken(synthesizer, voice=VoicePlan(settings={"id": "v2"}))


async def test_sockets_wait_ready(fake: FakeSpeech) -> None:
    """Warmed at the call's beginning and again with each text, no text waits for a connection."""
    async with ElevenLabsSynthesizer(_options(fake)) as synthesizer:
        await synthesizer.warm(_VOICE, "en", PCMU)
        for number in range(3):
            await fake.until_open(1, number + 1)
            await asyncio.sleep(0.05)  # until our end knows that it is open
            assert _sound(await _spoken(synthesizer)) == sound_of(_TEXT, "ulaw_8000")
        await fake.until_open(1, 4)
        assert len(fake.voices) == 4
    await fake.until_open(0)


async def test_spares_are_bounded(fake: FakeSpeech) -> None:
    """However often it is warmed, only so many sockets wait."""
    async with ElevenLabsSynthesizer(_options(fake)) as synthesizer:
        for _ in range(3 * MOST_EACH):
            await synthesizer.warm(_VOICE, "en", PCMU)
        await fake.until_open(MOST_EACH)
        await asyncio.sleep(0.05)
        assert len(fake.voices) == MOST_EACH


async def test_a_spare_that_died(fake: FakeSpeech) -> None:
    """A socket that the vendor closed while it waited costs nothing but a new one."""
    async with Chaos(fake.url.removeprefix("http://")).running() as chaos:
        options = _options(fake, f"http://{chaos.host}")
        async with ElevenLabsSynthesizer(options) as synthesizer:
            await synthesizer.warm(_VOICE, "en", PCMU)
            await fake.until_open(1)
            await asyncio.sleep(0.05)
            chaos.drop_all()
            await fake.until_open(0)
            assert _sound(await _spoken(synthesizer)) == sound_of(_TEXT, "ulaw_8000")


async def test_warming_never_fails_late(fake: FakeSpeech) -> None:
    """A spare that cannot be opened is nobody's failure; the next text tells what is wrong."""
    fake.faults = Faults(refuse=429)
    async with ElevenLabsSynthesizer(_options(fake)) as synthesizer:
        await synthesizer.warm(_VOICE, "en", PCMU)
        await asyncio.sleep(0.05)
        with pytest.raises(ProviderError, match="over_quota"):
            await _spoken(synthesizer)


async def test_closing_cancels(fake: FakeSpeech) -> None:
    """Closing the iterator ends the making of sound at the vendor."""
    fake.faults = Faults(stall_at=2)
    async with ElevenLabsSynthesizer(_options(fake)) as synthesizer:
        stream = synthesizer.speak(_TEXT, _VOICE, "en", PCMU)
        await anext(aiter(stream))
        await fake.until_open(2)
        await stream.aclose()  # type: ignore[attr-defined]
        await fake.until_open(1)


async def test_without_times(fake: FakeSpeech) -> None:
    """Sound without times is sound without words."""
    fake.aligned = False
    async with ElevenLabsSynthesizer(_options(fake)) as synthesizer:
        chunks = await _spoken(synthesizer)
    assert _sound(chunks) == sound_of(_TEXT, "ulaw_8000")
    assert not any(chunk.words for chunk in chunks)


async def test_samples_cut_in_two(fake: FakeSpeech) -> None:
    """A sample that is cut between two messages is put together."""
    fake.odd_bytes = True
    async with ElevenLabsSynthesizer(_options(fake)) as synthesizer:
        chunks = await _spoken(synthesizer, codec=L16_16K)
    assert all(len(chunk.payload) % 2 == 0 for chunk in chunks)
    assert _sound(chunks) == sound_of(_TEXT, "pcm_16000")


async def test_more_sound_than_text(fake: FakeSpeech) -> None:
    """A vendor that goes on and on is stopped as a bad answer (R33)."""
    fake.too_long = True
    assert await _failure(fake) == ("bad_answer", True)


@pytest.mark.parametrize("number", range(5))
async def test_cut_at_every_message(fake: FakeSpeech, number: int) -> None:
    """A connection cut before the last message is a failure that may be tried again."""
    fake.faults = Faults(cut_at=number)
    assert await _failure(fake) == ("unavailable", True)


@pytest.mark.parametrize("number", range(5))
async def test_garbled_at_every_message(fake: FakeSpeech, number: int) -> None:
    """A message that is none is a bad answer."""
    fake.faults = Faults(garble_at=number)
    assert await _failure(fake) == ("bad_answer", True)


@pytest.mark.parametrize("number", range(4))
async def test_stalls_are_for_the_engine(fake: FakeSpeech, number: int) -> None:
    """What came before a stall has been handed on; the engine's deadline ends the wait (R33)."""
    fake.faults = Faults(stall_at=number)
    chunks: list[SpeechChunk] = []
    async with (
        ElevenLabsSynthesizer(_options(fake)) as synthesizer,
        Stream(synthesizer.speak(_TEXT, _VOICE, "en", PCMU)) as stream,
    ):
        chunks += [chunk for _ in range(number) if (chunk := await stream.next(2))]
        with pytest.raises(ProviderError, match="timeout"):
            await stream.next(0.2)
    assert len(chunks) == number
    assert sound_of(_TEXT, "ulaw_8000").startswith(_sound(chunks))


@pytest.mark.parametrize("number", [1, 2, 3])
async def test_a_cut_in_the_middle_of_a_sentence(fake: FakeSpeech, number: int) -> None:
    """With the engine's one retry every word is spoken, and none twice (R33)."""
    fake.faults = Faults(cut_at=number)

    def arrived(_: Utterance) -> None:
        fake.faults = Faults()

    async with ElevenLabsSynthesizer(_options(fake)) as synthesizer:
        utterance = Utterance("u1", _TEXT, "en", PCMU)
        mistakes: list[BaseException] = []
        synthesis = Synthesis(
            [synthesizer],
            _VOICE,
            lambda _: [synthesizer],
            arrived,
            lambda _, mistake: mistakes.append(mistake),
            Breakers().of("org", lambda: 0),
        )
        assert await synthesis.fill(utterance) is None
    assert not mistakes
    heard = [_TEXT[word.text_start : word.text_end] for word in utterance.words]
    assert heard == _TEXT.split()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("quota_exceeded", ("over_quota", False)),
        ("system_busy", ("over_quota", True)),
        ("voice_not_found", ("rejected", False)),
    ],
)
async def test_errors(fake: FakeSpeech, error: str, expected: tuple[str, bool]) -> None:
    """An error on the open socket is a class of failure, without the vendor's words."""
    fake.error = error
    assert await _failure(fake) == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [(401, ("bad_credentials", False)), (429, ("over_quota", True)), (503, ("unavailable", True))],
)
async def test_refusals(fake: FakeSpeech, status: int, expected: tuple[str, bool]) -> None:
    """So is a refused upgrade."""
    fake.faults = Faults(refuse=status)
    assert await _failure(fake) == expected


async def test_what_cannot_be_delivered(fake: FakeSpeech) -> None:
    """A codec that the vendor has not is rejected before anything is opened."""
    async with ElevenLabsSynthesizer(_options(fake)) as synthesizer:
        with pytest.raises(ProviderError, match="rejected"):
            await _spoken(synthesizer, codec=G722_WIDE)
    assert not fake.voices


def test_secrets_are_not_shown() -> None:
    """Options that are printed by mistake do not show the key."""
    assert "key-1" not in repr(ElevenLabsOptions(api_key="key-1"))


def _chaos(fake: FakeSpeech, **what: Any) -> Chaos:
    return Chaos(fake.url.removeprefix("http://"), **what)


@pytest.mark.parametrize(
    "what",
    [{"latency_ms": 30}, {"slice_bytes": 50}, {"bytes_per_second": 100_000, "slice_bytes": 999}],
)
async def test_slow_networks_change_nothing(fake: FakeSpeech, what: dict[str, Any]) -> None:
    """Delayed, sliced and slow sound is the same sound (R33)."""
    async with _chaos(fake, **what).running() as chaos:
        options = _options(fake, f"http://{chaos.host}")
        async with ElevenLabsSynthesizer(options) as synthesizer:
            assert _sound(await _spoken(synthesizer)) == sound_of(_TEXT, "ulaw_8000")


async def test_broken_networks(fake: FakeSpeech) -> None:
    """Resets and sound cut short are failures that may be tried again (R33)."""
    for what in ({"reset": True}, {"limit_bytes": 4000}):
        async with _chaos(fake, **what).running() as chaos:
            failure = await _failure(fake, f"http://{chaos.host}")
        assert failure == ("unavailable", True)


async def test_black_holes(fake: FakeSpeech) -> None:
    """A vendor that takes all and answers nothing is left at the engine's deadline (R10)."""
    async with _chaos(fake, blackhole=True).running() as chaos:
        options = _options(fake, f"http://{chaos.host}")
        async with ElevenLabsSynthesizer(options) as synthesizer:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await _spoken(synthesizer)
