"""The tone transcriber."""

from __future__ import annotations

import asyncio

from cordboard.call.plan import TranscriberPlan, VoicePlan
from cordboard.clock import VirtualClock, run_virtual
from cordboard.media.codec import G722_WIDE, PCMU, Codec
from cordboard.ports import TranscriberFailed, TranscriberWords
from cordboard.providers.synthesizers.tone.synthesizer import ToneSynthesizer
from cordboard.providers.transcribers.tone.transcriber import (
    HearingDelays,
    ToneStream,
    ToneTranscriber,
)

Report = tuple[str, bool, int]


async def listen(text: str, codec: Codec, delays: HearingDelays, stop: bool) -> list[Report]:
    """Feed a text at real pace and return what was reported, with the time since the stop."""
    clock = VirtualClock()
    got: list[Report] = []
    stopped_ms = 0

    def report(words: TranscriberWords | TranscriberFailed) -> None:
        assert isinstance(words, TranscriberWords)
        got.append((words.text, words.final, clock.now_ms() - stopped_ms))

    stream = await ToneTranscriber(delays).open(TranscriberPlan(), codec, "en", report)
    speech = ToneSynthesizer().speak(text, VoicePlan(), "en", codec)
    sound = b"".join([chunk.payload async for chunk in speech])
    stream.speech_started()
    await feed(stream, sound + codec.silence_frame * 10, codec)
    if stop:
        stopped_ms = clock.now_ms()
        stream.speech_stopped()
    await feed(stream, codec.silence_frame * 100, codec)
    await stream.close()
    return got


async def feed(stream: ToneStream, sound: bytes, codec: Codec) -> None:
    """Feed frames, one each 20 ms."""
    for start in range(0, len(sound), codec.frame_bytes):
        stream.feed(sound[start : start + codec.frame_bytes])
        await asyncio.sleep(0.02)


def test_partials_grow_and_the_final_follows_the_stop() -> None:
    """A partial a word; the final at once after speech_stopped."""
    got = run_virtual(listen("nine thirty please", PCMU, HearingDelays(), stop=True))
    assert [(text, final) for text, final, _ in got] == [
        ("nine", False),
        ("nine thirty", False),
        ("nine thirty please", False),
        ("nine thirty please", True),
    ]
    assert got[-1][2] <= 20


def test_final_may_be_late() -> None:
    """The final comes as late as it is told."""
    got = run_virtual(listen("yes", G722_WIDE, HearingDelays(final_ms=250), stop=True))
    assert got[-1] == ("yes", True, 250)


def test_words_become_final_without_a_hint() -> None:
    """After 1.5 s without a word what was heard is final, once."""
    got = run_virtual(listen("yes", PCMU, HearingDelays(), stop=False))
    assert [text for text, final, _ in got if final] == ["yes"]


def test_nothing_heard_is_an_empty_final() -> None:
    """Speech without a whole word still gets its final."""
    got = run_virtual(listen("", PCMU, HearingDelays(), stop=True))
    assert [(text, final) for text, final, _ in got] == [("", True)]


def test_nothing_is_reported_after_close() -> None:
    """A final that was still to come is dropped."""

    async def run() -> list[object]:
        got: list[object] = []
        transcriber = ToneTranscriber(HearingDelays(final_ms=50))
        stream = await transcriber.open(TranscriberPlan(), PCMU, "en", got.append)
        stream.speech_stopped()
        await stream.close()
        await asyncio.sleep(1)
        return got

    assert run_virtual(run()) == []
