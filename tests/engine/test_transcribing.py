"""The transcriber's stream: opened early, replaced when it dies, never the wrong words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence

from cordboard.call.events import (
    Event,
    ProviderFailed,
    ProviderKind,
    ProviderRecovered,
    WordsHeard,
)
from cordboard.call.expectation import Expectation, ExpectationKind
from cordboard.call.plan import TranscriberPlan
from cordboard.clock import run_virtual
from cordboard.engine.breaker import Breakers
from cordboard.engine.facts import FactLog
from cordboard.engine.timeline import Timeline
from cordboard.engine.transcribing import DEAF, Transcribing, TranscribingParts
from cordboard.media.codec import L16_16K, PCMU, Codec
from cordboard.ports import (
    ProviderError,
    Transcriber,
    TranscriberFailed,
    TranscriberWords,
)
from tests.engine.rig import Rig

FRAME = b"\x12" * 160
Report = Callable[[TranscriberWords | TranscriberFailed], None]


class Ear:
    """A transcriber whose openings follow a script: None works, a number of seconds stalls."""

    def __init__(self, *openings: float | ProviderError | None, codec: Codec = PCMU) -> None:
        self._openings = list(openings)
        self._codec = codec
        self.streams: list[EarStream] = []
        self.opened_count = 0

    def codecs(self, plan: TranscriberPlan) -> Sequence[Codec]:
        return (self._codec,)

    async def open(
        self, plan: TranscriberPlan, codec: Codec, language: str, report: Report
    ) -> EarStream:
        self.opened_count += 1
        opening = self._openings.pop(0) if self._openings else None
        if isinstance(opening, ProviderError):
            raise opening
        if opening is not None:
            await asyncio.sleep(opening)
        self.streams.append(EarStream(report))
        return self.streams[-1]


class EarStream:
    """A stream that remembers."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.fed: list[bytes] = []
        self.hints: list[str] = []
        self.expectations: list[Expectation] = []
        self.closed = False

    def feed(self, payload: bytes) -> None:
        self.fed.append(payload)

    def speech_started(self) -> None:
        self.hints.append("started")

    def speech_stopped(self) -> None:
        self.hints.append("stopped")

    def expect(self, expectation: Expectation) -> None:
        self.expectations.append(expectation)

    async def close(self) -> None:
        self.closed = True


def listen(
    script: Callable[[Transcribing], Coroutine[None, None, None]],
    *transcribers: Transcriber,
) -> list[Event]:
    """Run a transcribing while ``script`` runs; return its events."""
    events: list[Event] = []

    async def main() -> None:
        rig = Rig()
        parts = TranscribingParts(
            leg=rig.leg(),
            by_name=lambda _: [],
            transcribers=transcribers,
            plan=TranscriberPlan(),
            language="en",
            facts=FactLog(rig.new_call(), rig.store, rig.clock, Timeline(rig.clock)),
            report=rig.report,
            breaker=Breakers().of("org", rig.clock.now_ms),
            post=events.append,
        )
        transcribing = Transcribing(parts)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(transcribing.run())
            await script(transcribing)
            task.cancel()
        assert rig.reports == []

    run_virtual(main())
    return events


def test_sound_waits_for_the_stream() -> None:
    """What was said while the stream was being opened is fed first; hints and wishes pass on."""
    ear = Ear(1.0)
    wish = Expectation(ExpectationKind.DATE)

    async def script(transcribing: Transcribing) -> None:
        transcribing.expect(wish)
        for number in range(200):
            transcribing.feed(bytes([number]) * 160)
        await asyncio.sleep(1.1)
        transcribing.feed(FRAME)
        transcribing.speech_started()
        ear.streams[0].report(TranscriberWords("hello", final=True, confidence=0.5))

    events = listen(script, ear)
    (stream,) = ear.streams
    assert [payload[0] for payload in stream.fed] == [*range(50, 200), FRAME[0]]
    assert stream.hints == ["started"]
    assert stream.expectations == [wish]
    assert stream.closed
    assert events == [WordsHeard("hello", True, False, 0.5)]


def test_conversion_to_what_is_wanted() -> None:
    """A transcriber that wants 16 kHz gets it from a mu-law leg, sample for sample."""
    ear = Ear(codec=L16_16K)

    async def script(transcribing: Transcribing) -> None:
        await asyncio.sleep(0.1)
        for _ in range(10):
            transcribing.feed(FRAME)

    listen(script, ear)
    size = sum(len(payload) for payload in ear.streams[0].fed)
    assert abs(size - 10 * 640) <= 64


def test_dead_stream_is_replaced() -> None:
    """A failed stream is closed and reopened with the wish of the hour; its echo is not heard."""
    ear = Ear()
    wish = Expectation(ExpectationKind.YES_NO)

    async def script(transcribing: Transcribing) -> None:
        await asyncio.sleep(0.1)
        transcribing.expect(wish)
        ear.streams[0].report(TranscriberFailed("unavailable"))
        ear.streams[0].report(TranscriberWords("ghost", final=True))
        await asyncio.sleep(0.1)
        ear.streams[0].report(TranscriberWords("ghost", final=True))
        ear.streams[1].report(TranscriberWords("alive", final=True))

    events = listen(script, ear)
    assert ear.streams[0].closed
    assert ear.streams[1].expectations == [wish]
    assert events[-1] == WordsHeard("alive", True)
    assert not [event for event in events if isinstance(event, ProviderFailed)]


def test_deadline_retry_fallback() -> None:
    """A stalled opening is tried twice for 3 s each, then the next transcriber is asked."""
    stuck, other = Ear(60.0, 60.0), Ear()

    async def script(transcribing: Transcribing) -> None:
        await asyncio.sleep(5.9)
        assert (stuck.opened_count, other.opened_count) == (2, 0)
        await asyncio.sleep(0.2)
        assert other.opened_count == 1

    assert listen(script, stuck, other) == []


def test_outage_is_told_once_and_recovers() -> None:
    """Nobody answers: one ``ProviderFailed``; the next opening that works says so. After three
    failures that is tried only 10 s later.
    """
    error = ProviderError("bad_credentials")
    ear = Ear(error, error, error)

    async def script(transcribing: Transcribing) -> None:
        await asyncio.sleep(13.9)
        assert ear.opened_count == 3
        await asyncio.sleep(1)

    assert listen(script, ear) == [
        ProviderFailed(ProviderKind.TRANSCRIBER, "bad_credentials"),
        ProviderRecovered(ProviderKind.TRANSCRIBER),
    ]
    assert ear.opened_count == 4


def test_deafness_is_an_outage_until_words_come() -> None:
    """Two streams that are spoken to and hear nothing are an outage, which no opening ends: only
    words do. A fallback is asked before the deaf one is again.
    """
    ear = Ear()

    async def script(transcribing: Transcribing) -> None:
        for number in range(3):
            await asyncio.sleep(1)
            assert ear.opened_count == number + 1
            transcribing.speech_started()
            transcribing.speech_stopped(1_000 * number)
            assert transcribing.owed_since_ms == 1_000 * number
            transcribing.break_off("timeout")
        # The breaker lets the next opening through only after 10 s.
        await asyncio.sleep(15)
        assert ear.opened_count == 4
        transcribing.speech_started()
        ear.streams[3].report(TranscriberWords("at last", final=True))

    deaf = ProviderFailed(ProviderKind.TRANSCRIBER, DEAF)
    back = ProviderRecovered(ProviderKind.TRANSCRIBER)
    assert listen(script, ear) == [deaf, back, WordsHeard("at last", True)]


def test_a_fallback_hears_what_the_first_does_not() -> None:
    """After one deaf stream another transcriber is asked, and there is no outage."""
    deaf, other = Ear(), Ear()

    async def script(transcribing: Transcribing) -> None:
        await asyncio.sleep(1)
        transcribing.speech_started()
        transcribing.break_off("timeout")
        await asyncio.sleep(1)
        transcribing.speech_started()
        other.streams[0].report(TranscriberWords("here", final=True))

    assert listen(script, deaf, other) == [WordsHeard("here", True)]


def test_silence_is_no_deafness() -> None:
    """Streams that die while nobody speaks are replaced, and no outage is told."""
    ear = Ear()

    async def script(transcribing: Transcribing) -> None:
        for _ in range(4):
            await asyncio.sleep(16)
            ear.streams[-1].report(TranscriberFailed("unavailable"))
        await asyncio.sleep(1)

    assert listen(script, ear) == []
    assert ear.opened_count == 5


def test_words_settle_what_is_owed() -> None:
    """The first speech without an answer counts, until any result comes."""
    ear = Ear()
    owed: list[int | None] = []

    async def script(transcribing: Transcribing) -> None:
        await asyncio.sleep(1)
        for at_ms in (None, 500, 900):
            transcribing.speech_stopped(at_ms)
            owed.append(transcribing.owed_since_ms)
        ear.streams[0].report(TranscriberWords("", final=True))
        owed.append(transcribing.owed_since_ms)

    listen(script, ear)
    assert owed == [None, 500, 500, None]


def test_reopening_is_bounded() -> None:
    """A transcriber that dies at once each time is given up after ten reopenings."""

    class Dying(Ear):
        async def open(
            self, plan: TranscriberPlan, codec: Codec, language: str, report: Report
        ) -> EarStream:
            stream = await super().open(plan, codec, language, report)
            asyncio.get_running_loop().call_later(0.1, report, TranscriberFailed("rejected"))
            return stream

    ear = Dying()

    async def script(transcribing: Transcribing) -> None:
        await asyncio.sleep(600)

    events = listen(script, ear)
    assert events == [ProviderFailed(ProviderKind.TRANSCRIBER, "rejected")]
    assert ear.opened_count == 11
    assert all(stream.closed for stream in ear.streams)
