"""One call's transcriber: opened early, fed every frame, replaced when it fails."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from cordboard.call.commands import ConfigureTranscriber
from cordboard.call.events import Event, ProviderFailed, ProviderKind, ProviderRecovered, WordsHeard
from cordboard.call.expectation import Expectation
from cordboard.call.plan import TranscriberPlan
from cordboard.engine.breaker import Breaker
from cordboard.engine.conversion import Converter, best_codec
from cordboard.engine.facts import FactLog
from cordboard.engine.guard import Guard, ProviderGuard, Report
from cordboard.media.codec import FRAMES_PER_SECOND, Codec
from cordboard.ports import (
    Leg,
    ProviderError,
    Transcriber,
    TranscriberFailed,
    TranscriberStream,
    TranscriberWords,
)

OPEN_S = 3.0
CLOSE_S = 1.0
RETRY_S = 2.0
MOST_REOPENINGS = 10
RECONFIGURED = "reconfigured"
DEAF = "deaf"
"""The class of failure of a transcriber that can be opened and has no words for what is said."""

UNHEARD_MAX = 2
"""So many streams in a row that were spoken to and heard nothing are an outage."""

_KEPT_FRAMES = 3 * FRAMES_PER_SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscribingParts:
    """What a transcriber's stream needs of its call; ``transcribers`` are in the order of
    fallback.
    """

    leg: Leg
    transcribers: Sequence[Transcriber]
    by_name: Callable[[str], Sequence[Transcriber]]
    plan: TranscriberPlan
    language: str
    facts: FactLog
    report: Report
    breaker: Breaker
    post: Callable[[Event], None]


@dataclass(slots=True)
class _Use:
    """The stream that was opened last: by whom, and how it has done so far."""

    transcriber: Transcriber | None = None
    was_spoken_to: bool = False
    has_heard: bool = False
    owed_since_ms: int | None = None


@dataclass(slots=True)
class _Health:
    """How listening has gone over all streams: ``down`` is what the call has been told."""

    failure: str = ""
    down: bool = False
    unheard_count: int = 0


@dataclass(frozen=True, slots=True)
class _How:
    """How the next stream is opened, and by whom."""

    plan: TranscriberPlan
    language: str
    transcribers: Sequence[Transcriber]
    expectation: Expectation | None = None


class Transcribing:
    """Feeds one stream at a time; up to 3 s of sound wait while there is none (the oldest is
    dropped).
    """

    def __init__(self, parts: TranscribingParts) -> None:
        self._parts = parts
        self._stream: TranscriberStream | None = None
        self._converter: Converter | None = None
        self._stream_codec = parts.leg.codec
        self._waiting: deque[bytes] = deque(maxlen=_KEPT_FRAMES)
        self._broken = asyncio.Event()
        self._health = _Health()
        self._serial = 0
        self._use = _Use()
        self._how = _How(parts.plan, parts.language, parts.transcribers)

    async def run(self) -> None:
        """Keep a stream open until cancelled; give up for good after ten reopenings.

        An opening ends an outage, except where the streams before it were deaf: then words do.
        """
        health, reopenings = self._health, 0
        try:
            while reopenings <= MOST_REOPENINGS:
                reopenings += health.failure != RECONFIGURED
                failure = await self._open()
                if failure is not None:
                    self._went_down(failure)
                    await asyncio.sleep(RETRY_S)
                    continue
                if not health.unheard_count:
                    self._came_back()
                await self._broken.wait()
                self._parts.facts.keep("transcriber_reopened", {"failure": health.failure})
                await self._close()
                if health.unheard_count >= UNHEARD_MAX:
                    self._went_down(DEAF)
            self._went_down(health.failure)
        finally:
            await self._close()

    def feed(self, payload: bytes) -> None:
        """Take the next frame in the leg's codec."""
        stream = self._stream
        if stream is None:
            self._waiting.append(payload)
        elif self._converter is None:
            stream.feed(payload)
        else:
            stream.feed(self._converter.convert(payload))

    def codec_changed(self) -> None:
        """Follow the leg's codec; the stream keeps the one it was opened with."""
        codec = self._parts.leg.codec
        same = codec == self._stream_codec
        self._converter = None if same else Converter(codec, self._stream_codec)
        self._waiting.clear()

    def speech_started(self) -> None:
        """Pass the hint on."""
        self._use.was_spoken_to = True
        if self._stream is not None:
            self._stream.speech_started()

    def speech_stopped(self, owed_since_ms: int | None) -> None:
        """Pass the hint on: final words are wanted. Speech that surely had some is owed them from
        then on.
        """
        if self._use.owed_since_ms is None:
            self._use.owed_since_ms = owed_since_ms
        if self._stream is not None:
            self._stream.speech_stopped()

    @property
    def owed_since_ms(self) -> int | None:
        """Since which position of the call words have been owed for speech; None where none are."""
        return self._use.owed_since_ms

    def break_off(self, failure: str) -> None:
        """Give this stream up; another is opened."""
        use, health = self._use, self._health
        use.owed_since_ms = None
        if use.was_spoken_to and not (use.has_heard or self._broken.is_set()):
            health.unheard_count += 1
        self._parts.breaker.failed(use.transcriber, ProviderError(failure))
        health.failure = failure
        self._broken.set()

    def expect(self, expectation: Expectation) -> None:
        """Set what kind of answer comes next, for this stream and those after it."""
        self._how = replace(self._how, expectation=expectation)
        if self._stream is not None:
            self._stream.expect(expectation)

    def configure(self, command: ConfigureTranscriber) -> None:
        """Listen in another way from now on, by a new stream; a provider that is not there changes
        nothing.
        """
        how = self._how
        if command.provider is not None:
            others = self._parts.by_name(command.provider)
            if others:
                plan = replace(how.plan, provider=command.provider)
                how = replace(how, plan=plan, transcribers=others)
            else:
                self._parts.facts.keep("warning", {"warning": "transcriber_not_configured"})
        if command.languages is not None:
            how = replace(how, language=(*command.languages, self._parts.language)[0])
        if command.vocabulary is not None:
            keywords = dict.fromkeys(command.vocabulary, 1.0)
            how = replace(how, plan=replace(how.plan, keywords=keywords))
        self._how, self._use = how, _Use()
        self._health.failure, self._health.unheard_count = RECONFIGURED, 0
        self._broken.set()

    def _went_down(self, failure: str) -> None:
        """Tell of an outage, once."""
        if not self._health.down:
            self._health.down = True
            self._parts.post(ProviderFailed(ProviderKind.TRANSCRIBER, failure))

    def _came_back(self) -> None:
        if self._health.down:
            self._health.down = False
            self._parts.post(ProviderRecovered(ProviderKind.TRANSCRIBER))

    async def _open(self) -> str | None:
        failure = "unavailable"
        candidates, breaker = self._in_turn(), self._parts.breaker
        rejected: Transcriber | None = None
        for transcriber in [*candidates[:1], *candidates]:
            if transcriber is rejected or not breaker.allows(transcriber):
                continue
            try:
                with ProviderGuard("transcriber", self._parts.report):
                    await self._open_one(transcriber)
            except ProviderError as error:
                failure = error.failure
                breaker.failed(transcriber, error)
                rejected = None if error.retryable else transcriber
            else:
                breaker.opened(transcriber)
                self._use = _Use(transcriber)
                return None
        return failure

    def _in_turn(self) -> Sequence[Transcriber]:
        """Return who is to be asked, in order: one whose last stream was deaf comes last."""
        deaf = None if self._use.has_heard else self._use.transcriber
        candidates = self._how.transcribers
        return sorted(candidates, key=lambda transcriber: transcriber is deaf)

    async def _open_one(self, transcriber: Transcriber) -> None:
        parts = self._parts
        codec = best_codec(transcriber.codecs(self._how.plan), parts.leg.codec)
        self._broken.clear()
        self._serial += 1
        report = self._reporter(self._serial)
        try:
            async with asyncio.timeout(OPEN_S):
                stream = await transcriber.open(self._how.plan, codec, self._how.language, report)
        except TimeoutError:
            raise ProviderError("timeout", retryable=True) from None
        self._attach(stream, codec)

    def _attach(self, stream: TranscriberStream, codec: Codec) -> None:
        self._stream_codec = codec
        own = self._parts.leg.codec
        self._converter = None if codec == own else Converter(own, codec)
        if self._how.expectation is not None:
            stream.expect(self._how.expectation)
        self._stream = stream
        waiting = list(self._waiting)
        self._waiting.clear()
        for payload in waiting:
            self.feed(payload)

    def _reporter(self, serial: int) -> Callable[[TranscriberWords | TranscriberFailed], None]:
        def report(result: TranscriberWords | TranscriberFailed) -> None:
            if serial != self._serial:
                return
            if isinstance(result, TranscriberFailed):
                self.break_off(result.failure)
                return
            self._use.owed_since_ms = None
            if result.text and not self._use.has_heard:
                self._use.has_heard = True
                self._health.unheard_count = 0
                self._parts.breaker.worked(self._use.transcriber)
                self._came_back()
            self._parts.post(
                WordsHeard(result.text, result.final, result.ends_turn, result.confidence)
            )

        return report

    async def _close(self) -> None:
        self._serial += 1
        stream, self._stream = self._stream, None
        if stream is None:
            return
        with Guard("closing a transcriber", self._parts.report):
            async with asyncio.timeout(CLOSE_S):
                await stream.close()
