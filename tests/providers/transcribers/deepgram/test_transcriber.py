"""The transcriber against the fake, and the fake against the vendor's own client."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cordboard.call.expectation import ANYTHING
from cordboard.call.plan import TranscriberPlan
from cordboard.media.codec import G722_WIDE, L16_16K, PCMA, PCMU, Codec
from cordboard.ports import ProviderError, TranscriberFailed, TranscriberWords
from cordboard.providers.transcribers.deepgram import transcriber as module
from cordboard.providers.transcribers.deepgram.transcriber import (
    DeepgramOptions,
    DeepgramStream,
    DeepgramTranscriber,
)
from tests.fakes.chaos import Chaos
from tests.fakes.listen import FakeListen
from tests.fakes.serving import Faults

_PLAN = TranscriberPlan()
Reported = TranscriberWords | TranscriberFailed


@pytest.fixture
async def fake() -> AsyncIterator[FakeListen]:
    """A fake vendor that runs."""
    async with FakeListen().running() as running:
        yield running


class _Call:
    """A stream and what it has reported."""

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self.reported: list[Reported] = []
        self.news = asyncio.Event()
        self.stream: DeepgramStream

    def report(self, result: Reported) -> None:
        self.reported.append(result)
        self.news.set()

    def speak(self, frames: int) -> None:
        for _ in range(frames):
            self.stream.feed(b"\x31" * self.codec.frame_bytes)

    def pause(self, frames: int) -> None:
        for _ in range(frames):
            self.stream.feed(self.codec.silence_frame)

    async def until(self, done: Callable[[Reported], bool]) -> Reported:
        """Wait until something like this is reported, and return it."""
        async with asyncio.timeout(5):
            while True:
                for result in self.reported:
                    if done(result):
                        return result
                self.news.clear()
                await self.news.wait()


@asynccontextmanager
async def _calling(
    fake: FakeListen, codec: Codec = PCMU, url: str | None = None
) -> AsyncIterator[_Call]:
    options = DeepgramOptions(api_key=fake.key, base_url=url or fake.url)
    async with DeepgramTranscriber(options) as transcriber:
        call = _Call(codec)
        call.stream = await transcriber.open(_PLAN, codec, "en", call.report)
        yield call
        await call.stream.close()


def _is_final(result: Reported) -> bool:
    return isinstance(result, TranscriberWords) and result.final


def _has_failed(result: Reported) -> bool:
    return isinstance(result, TranscriberFailed)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_the_vendors_own_client(fake: FakeListen) -> None:
    """The fake is trusted because the vendor's own client hears words and their ends from it."""
    from deepgram import AsyncDeepgramClient
    from deepgram.environment import DeepgramClientEnvironment

    ws = fake.url.replace("http", "ws")
    where = DeepgramClientEnvironment(base=fake.url, production=ws, agent=ws, agent_rest=fake.url)
    client = AsyncDeepgramClient(api_key=fake.key, environment=where)
    asked: dict[str, Any] = {
        "model": "nova-3",
        "encoding": "mulaw",
        "sample_rate": 8000,
        "interim_results": "true",
        "endpointing": "300",
        "utterance_end_ms": "1000",
    }
    heard: list[Any] = []
    async with client.listen.v1.connect(**asked) as connection:
        await connection.send_keep_alive()
        for _ in range(3):
            await connection.send_media(b"\x31" * 2000)
        await connection.send_media(b"\xff" * 4000)
        await connection.send_media(b"\xff" * 8000)
        await connection.send_finalize()
        await connection.send_close_stream()
        async for message in connection:
            heard.append(message)  # noqa: PERF401 -- the socket closes under it
    kinds = [message.type for message in heard]
    assert kinds == [*["Results"] * 3, "UtteranceEnd", "Results", "Metadata"]
    assert [message.is_final for message in heard[:3]] == [False, False, True]
    assert heard[2].channel.alternatives[0].transcript == "book a table for two"
    assert heard[2].speech_final is True
    assert heard[4].from_finalize is True
    assert fake.controls == ["KeepAlive", "Finalize", "CloseStream"]


async def test_silence_goes_in_larger_pieces(fake: FakeListen) -> None:
    """After 1.5 s without speech five frames go at a time; when speech begins, at once again."""
    async with _calling(fake) as call:
        call.pause(75)
        call.pause(5)
        call.pause(3)
        call.stream.speech_started()
        call.speak(2)
        call.stream.speech_stopped()
        call.pause(1)
        async with asyncio.timeout(5):
            while len(fake.sound) < 86 * 160:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    assert fake.sizes == [*[160] * 75, 800, 480, 160, 160, 160]


async def test_partial_and_final_words(fake: FakeListen) -> None:
    """Partials grow, the final has all words and, at the vendor's own end, ends the turn."""
    async with _calling(fake) as call:
        call.speak(50)
        call.pause(20)
        final = await call.until(_is_final)
    assert final == TranscriberWords("book a table for two", True, ends_turn=True, confidence=0.9)
    partials = [result for result in call.reported if not _is_final(result)]
    assert len(partials) >= 3
    assert partials[0] == TranscriberWords("book", False, confidence=0.9)


@pytest.mark.parametrize("codec", [PCMU, PCMA, L16_16K])
async def test_bytes_pass_through(fake: FakeListen, codec: Codec) -> None:
    """What the leg has is what the vendor gets, byte for byte, in order."""
    async with _calling(fake, codec) as call:
        sent = b"".join(bytes((number,)) * codec.frame_bytes for number in range(1, 60))
        for at in range(0, len(sent), codec.frame_bytes):
            call.stream.feed(sent[at : at + codec.frame_bytes])
        call.stream.speech_stopped()
        await call.until(_is_final)
    assert bytes(fake.sound) == sent


async def test_finalize_at_the_end_of_speech(fake: FakeListen) -> None:
    """Our own voice activity asks for final words; that is not the vendor's end of the turn."""
    async with _calling(fake) as call:
        call.stream.speech_started()
        call.stream.expect(ANYTHING)
        call.speak(30)
        call.stream.speech_stopped()
        final = await call.until(_is_final)
    assert final == TranscriberWords("book a table for two", True, ends_turn=False, confidence=0.9)
    assert fake.controls == ["Finalize", "CloseStream"]


async def test_a_finalize_that_is_not_answered(fake: FakeListen) -> None:
    """Where nothing was left to finalize, an empty final comes once the vendor is past it."""
    fake.answers_finalize = False
    async with _calling(fake) as call:
        call.stream.speech_stopped()
        call.pause(40)
        assert await call.until(_is_final) == TranscriberWords("", True)


async def test_the_end_of_an_utterance(fake: FakeListen) -> None:
    """Where the words were final before, the vendor's utterance end ends the turn."""
    async with _calling(fake) as call:
        call.speak(30)
        call.stream.speech_stopped()
        await call.until(_is_final)
        call.pause(60)
        end = await call.until(
            lambda result: isinstance(result, TranscriberWords) and result.ends_turn
        )
    assert end == TranscriberWords("", True, ends_turn=True)


async def test_several_turns(fake: FakeListen) -> None:
    """The stream goes on after a turn."""
    fake.utterances = deque(["first words", "second words"])
    async with _calling(fake) as call:
        for _ in range(2):
            call.speak(20)
            call.pause(20)
        await call.until(
            lambda result: (
                isinstance(result, TranscriberWords)
                and result.final
                and result.text == "second words"
            )
        )


async def test_silence_is_kept_alive(fake: FakeListen, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the phone rings nothing is fed, and the socket stays open all the same."""
    monkeypatch.setattr(module, "_KEEP_ALIVE_S", 0.02)
    async with _calling(fake) as call:
        await asyncio.sleep(0.1)
        call.speak(1)
    assert fake.controls.count("KeepAlive") >= 2


async def test_nothing_is_reported_after_close(fake: FakeListen) -> None:
    """Closing says goodbye and ends at once; what comes then is nobody's."""
    async with _calling(fake) as call:
        call.speak(30)
        await call.stream.close()
        count = len(call.reported)
        call.speak(30)
        call.stream.speech_stopped()
        await asyncio.sleep(0.05)
        assert len(call.reported) == count
    assert fake.controls == ["CloseStream"]
    assert not any(_has_failed(result) for result in call.reported)


async def test_leaving_closes_streams(fake: FakeListen) -> None:
    """Who leaves the transcriber leaves no reader behind."""
    options = DeepgramOptions(api_key=fake.key, base_url=fake.url)
    async with DeepgramTranscriber(options) as transcriber:
        call = _Call(PCMU)
        call.stream = await transcriber.open(_PLAN, PCMU, "en", call.report)
    with pytest.raises(ProviderError, match="unavailable"):
        await transcriber.open(_PLAN, PCMU, "en", call.report)


@pytest.mark.parametrize("number", range(3))
async def test_cut_at_every_message(fake: FakeListen, number: int) -> None:
    """A connection that ends is reported once, and nothing after it."""
    fake.faults = Faults(cut_at=number)
    async with _calling(fake) as call:
        call.speak(50)
        call.stream.speech_stopped()
        assert await call.until(_has_failed) == TranscriberFailed("unavailable")
        call.speak(5)
    assert [result for result in call.reported if _has_failed(result)] == call.reported[-1:]


@pytest.mark.parametrize("number", range(3))
async def test_garbled_at_every_message(fake: FakeListen, number: int) -> None:
    """A message that is none ends the stream as a bad answer."""
    fake.faults = Faults(garble_at=number)
    async with _calling(fake) as call:
        call.speak(50)
        assert await call.until(_has_failed) == TranscriberFailed("bad_answer")


@pytest.mark.parametrize(
    ("status", "failure", "retryable"),
    [(401, "bad_credentials", False), (402, "over_quota", False), (503, "unavailable", True)],
)
async def test_refusals(fake: FakeListen, status: int, failure: str, retryable: bool) -> None:
    """A refused upgrade is a class of failure, without the vendor's words."""
    fake.faults = Faults(refuse=status)
    with pytest.raises(ProviderError) as caught:
        async with _calling(fake):
            pass
    assert (caught.value.failure, caught.value.retryable) == (failure, retryable)
    assert caught.value.__suppress_context__


async def test_a_wrong_key(fake: FakeListen) -> None:
    """A key that the vendor does not know is told as such."""
    async with DeepgramTranscriber(DeepgramOptions(api_key="no", base_url=fake.url)) as transcriber:
        assert transcriber.codecs(_PLAN)[0] == PCMU
        with pytest.raises(ProviderError, match="bad_credentials"):
            await transcriber.open(_PLAN, PCMU, "en", lambda _: None)
        with pytest.raises(ProviderError, match="rejected"):
            await transcriber.open(_PLAN, G722_WIDE, "en", lambda _: None)


async def test_nobody_there() -> None:
    """A vendor that is not there is a failure that may be tried again."""
    options = DeepgramOptions(api_key="k", base_url="http://127.0.0.1:9")
    async with DeepgramTranscriber(options) as transcriber:
        with pytest.raises(ProviderError) as caught:
            await transcriber.open(_PLAN, PCMU, "en", lambda _: None)
    assert (caught.value.failure, caught.value.retryable) == ("unavailable", True)


def test_secrets_are_not_shown() -> None:
    """Options that are printed by mistake do not show the key."""
    assert "key-1" not in repr(DeepgramOptions(api_key="key-1"))


def _chaos(fake: FakeListen, **what: Any) -> Chaos:
    return Chaos(fake.url.removeprefix("http://"), **what)


@pytest.mark.parametrize(
    "what", [{"latency_ms": 30}, {"slice_bytes": 1}, {"bytes_per_second": 20_000, "slice_bytes": 9}]
)
async def test_slow_networks_change_nothing(fake: FakeListen, what: dict[str, Any]) -> None:
    """Delayed, sliced and slow answers are the same answers (R33)."""
    chaos = _chaos(fake, **what)
    async with chaos.running(), _calling(fake, url=f"http://{chaos.host}") as call:
        call.speak(10)
        call.stream.speech_stopped()
        final = await call.until(_is_final)
    assert isinstance(final, TranscriberWords)
    assert final.text == "book a table for two"


async def test_broken_networks(fake: FakeListen) -> None:
    """A reset before the upgrade is a failed opening, one after it a dead stream (R33)."""
    async with _chaos(fake, reset=True).running() as chaos:
        with pytest.raises(ProviderError, match="unavailable"):
            async with _calling(fake, url=f"http://{chaos.host}"):
                pass
        chaos.reset = False
        async with _calling(fake, url=f"http://{chaos.host}") as call:
            chaos.drop_all()
            assert await call.until(_has_failed) == TranscriberFailed("unavailable")


async def test_an_opening_into_a_black_hole(fake: FakeListen) -> None:
    """A vendor that answers nothing is left at the engine's deadline (R10)."""
    async with _chaos(fake, blackhole=True).running() as chaos:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2), _calling(fake, url=f"http://{chaos.host}"):
                pass


async def test_a_vendor_that_does_not_read(fake: FakeListen) -> None:
    """Feeding never waits; what waits is bounded, and the oldest of it is dropped (R36)."""
    fake.faults = Faults(stall_at=0)
    async with _calling(fake, L16_16K) as call:
        began = asyncio.get_running_loop().time()
        call.stream.feed(b"\x31" * L16_16K.frame_bytes * 12)
        await asyncio.sleep(0.05)
        for _ in range(20):
            call.speak(500)
            await asyncio.sleep(0)
        taken_s = asyncio.get_running_loop().time() - began
        outbox = call.stream._outbox
        assert len(outbox._waiting) == 150
        assert outbox._socket.unsent_bytes < 64 * 1024
        await asyncio.wait_for(call.stream.close(), 1)
    assert taken_s < 2
