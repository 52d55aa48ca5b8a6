"""How long a server asks to be left alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.call.plan import TranscriberPlan, VoicePlan
from cordboard.engine.breaker import LONGEST_WAIT_MS, Breakers
from cordboard.media.codec import PCMU
from cordboard.ports import ProviderError
from cordboard.providers.language_models.openai_compatible.model import ChatModel, ChatOptions
from cordboard.providers.retry_after import MOST_S, retry_after_s
from cordboard.providers.synthesizers.elevenlabs.synthesizer import (
    ElevenLabsOptions,
    ElevenLabsSynthesizer,
)
from cordboard.providers.transcribers.deepgram.transcriber import (
    DeepgramOptions,
    DeepgramTranscriber,
)
from tests.fakes.chat import FakeChat
from tests.fakes.listen import FakeListen
from tests.fakes.speech import FakeSpeech
from tests.providers.language_models.openai_compatible.requests import reply_request

DATE = "Sun, 06 Nov 1994 08:49:37 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": "99999999999999"}, MOST_S),
        ({"Retry-After": "Sun, 06 Nov 1994 08:49:47 GMT", "Date": DATE}, 10),
        ({"Retry-After": "Sun, 06 Nov 1994 08:49:07 GMT", "Date": DATE}, 0),
        ({"Retry-After": DATE}, None),
        ({"Retry-After": "-3"}, None),
        ({"Retry-After": "1.5"}, None),
        ({}, None),
        (None, None),
    ],
)
def test_what_is_asked(headers: dict[str, str] | None, seconds: float | None) -> None:
    """Seconds or a date after the answer's own; anything else says nothing."""
    assert retry_after_s(headers) == seconds


@given(st.text(max_size=60), st.text(max_size=60))
def test_nothing_escapes(asked: str, date: str) -> None:
    """Whatever a server writes, it is a bounded number or nothing."""
    seconds = retry_after_s({"Retry-After": asked, "Date": date})
    assert seconds is None or 0 <= seconds <= MOST_S


Ask = Callable[[], Awaitable[object]]


async def _allowed_at_ms(provider: object, asking: Ask, *times_ms: int) -> list[bool]:
    """Ask once, in vain; return whether a call may ask again at these times."""
    now_ms = [0]
    breaker = Breakers().of("o", lambda: now_ms[0])
    with pytest.raises(ProviderError) as caught:
        await asking()
    assert caught.value.failure == "over_quota"
    breaker.failed(provider, caught.value)
    allowed = []
    for time_ms in times_ms:
        now_ms[0] = time_ms
        allowed.append(breaker.allows(provider))
    return allowed


@pytest.mark.parametrize(
    ("asked", "times_ms", "allowed"),
    [
        ("20", (0, 19_999, 20_000), [False, False, True]),
        ("7200", (LONGEST_WAIT_MS - 1, LONGEST_WAIT_MS), [False, True]),
        ("0", (0,), [True]),
        ("soon", (0,), [True]),
    ],
)
async def test_a_model_is_left_alone_as_it_asks(
    asked: str, times_ms: tuple[int, ...], allowed: list[bool]
) -> None:
    """A 429 with ``Retry-After`` keeps calls away for so long, through the adapter: a minute at
    most, whatever is asked.
    """
    fake = FakeChat()
    fake.faults.refuse, fake.faults.retry_after = 429, asked
    async with fake.running(), ChatModel(ChatOptions(base_url=fake.url, api_key=fake.key)) as model:
        asking = partial(anext, aiter(model.reply(reply_request())))
        assert await _allowed_at_ms(model, asking, *times_ms) == allowed


async def test_ears_and_voices_are_left_alone_as_they_ask() -> None:
    """The same when a transcriber's stream or a voice's socket is opened."""
    listen, speech = FakeListen(), FakeSpeech()
    for fake in (listen, speech):
        fake.faults.refuse, fake.faults.retry_after = 429, "20"
    async with listen.running(), speech.running():
        hearing = DeepgramOptions(api_key=listen.key, base_url=listen.url)
        speaking = ElevenLabsOptions(api_key=speech.key, base_url=speech.url, voice="v")
        async with (
            DeepgramTranscriber(hearing) as ears,
            ElevenLabsSynthesizer(speaking) as voice,
        ):
            asking_ears = partial(ears.open, TranscriberPlan(), PCMU, "en", print)
            asking_voice = partial(anext, aiter(voice.speak("Hi.", VoicePlan(), "en", PCMU)))
            for provider, asking in ((ears, asking_ears), (voice, asking_voice)):
                allowed = await _allowed_at_ms(provider, asking, 0, 19_999, 20_000)
                assert allowed == [False, False, True]
