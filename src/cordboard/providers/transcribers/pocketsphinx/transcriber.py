"""The transcriber port over worker processes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from cordboard.call.expectation import ANYTHING, Expectation
from cordboard.call.plan import TranscriberPlan
from cordboard.media.codec import (
    FRAME_MS,
    G722_WIDE,
    L16_8K,
    L16_16K,
    PCMA,
    PCMU,
    Codec,
    new_decoder,
)
from cordboard.ports import ProviderError, TranscriberFailed, TranscriberWords
from cordboard.providers.child import USUAL, Child, ChildLimits
from cordboard.providers.transcribers.pocketsphinx.grammar import Grammar, grammar_for
from cordboard.providers.transcribers.pocketsphinx.wire import (
    Begin,
    End,
    Heard,
    Learn,
    More,
    Request,
    read_answer,
    write,
)

_MODULE = "cordboard.providers.transcribers.pocketsphinx.process"
_CODECS = (G722_WIDE, L16_16K, PCMU, PCMA, L16_8K)
_PRE_ROLL_MS = 400
_WIDE_HZ = 16_000
_MOST_STREAMS = 1000

Report = Callable[[TranscriberWords | TranscriberFailed], None]


class PocketsphinxTranscriber:
    """Recognises English answers with ``worker_count`` processes.

    Used as ``async with PocketsphinxTranscriber() as transcriber``, entered and left by the same
    task. A stream stays with one worker; when that dies, the utterance under way is lost (an empty
    final) and the stream goes on.
    """

    def __init__(self, worker_count: int = 1, limits: ChildLimits = USUAL) -> None:
        self._workers = [Worker(limits) for _ in range(worker_count)]
        self._stack = AsyncExitStack()
        self._stream_count = 0

    async def __aenter__(self) -> Self:
        """Start the workers. Raises ``OSError``."""
        async with AsyncExitStack() as stack:
            for worker in self._workers:
                await stack.enter_async_context(worker.child)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the workers; utterances under way get an empty final."""
        await self._stack.__aexit__(kind, error, trace)
        for worker in self._workers:
            worker.died()

    @property
    def pids(self) -> list[int]:
        """The process ids of the workers that run."""
        return [worker.child.pid for worker in self._workers if worker.child.pid is not None]

    def codecs(self, plan: TranscriberPlan) -> Sequence[Codec]:
        """Return wide band first: the acoustic model is made for 16 kHz."""
        return _CODECS

    async def open(
        self, plan: TranscriberPlan, codec: Codec, language: str, report: Report
    ) -> PocketsphinxStream:
        """Open a stream with the worker that has the fewest.

        Raises ``ProviderError``: ``"rejected"`` for a language other than English, ``"over_quota"``
        beyond 1,000 streams a worker, ``"unavailable"`` when no worker lives.
        """
        if language.lower().split("-")[0] != "en":
            raise ProviderError("rejected")
        living = [worker for worker in self._workers if not worker.child.given_up]
        if not living:
            raise ProviderError("unavailable")
        worker = min(living, key=lambda each: each.stream_count)
        if worker.stream_count >= _MOST_STREAMS:
            raise ProviderError("over_quota", retryable=True)
        self._stream_count += 1
        return PocketsphinxStream(worker, self._stream_count, codec, report)


class Worker:
    """One worker process as streams see it: who waits for which utterance."""

    def __init__(self, limits: ChildLimits) -> None:
        self.child = Child(_MODULE, self._received, self.died, limits)
        self.stream_count = 0
        self._waiting: dict[int, Callable[[Heard], None]] = {}
        self._learnt: set[str] = set()
        self._last = 0

    def begin(
        self, stream: int, grammar: Grammar, rate_hz: int, heard: Callable[[Heard], None]
    ) -> int:
        """Begin an utterance and return its number; its words, or its loss, come to ``heard``."""
        if grammar.name not in self._learnt:
            self._learnt.add(grammar.name)
            self.send(Learn(grammar.name, grammar.jsgf, sorted(grammar.words)))
            if len(self._learnt) > 200:  # fewer than the process keeps
                self._learnt.clear()
        self._last += 1
        self._waiting[self._last] = heard
        self.send(Begin(self._last, stream, grammar.name, rate_hz))
        return self._last

    def send(self, request: Request) -> None:
        """Send to the process; what it cannot take is lost."""
        if not self.child.send(write(request)) and isinstance(request, End):
            self._received(write(Heard(request.utterance, "", final=True)))

    def forget(self, utterance: int) -> None:
        """Want nothing more of an utterance."""
        if self._waiting.pop(utterance, None) is not None:
            self.send(End(utterance, drop=True))

    def died(self) -> None:
        """End every utterance under way: the process that held them is gone."""
        self._learnt.clear()
        waiting, self._waiting = self._waiting, {}
        for utterance, heard in waiting.items():
            heard(Heard(utterance, "", final=True))

    def _received(self, payload: bytes) -> None:
        answer = read_answer(payload)
        heard = self._waiting.get(answer.utterance)
        if answer.final:
            self._waiting.pop(answer.utterance, None)
        if heard is not None:
            heard(answer)


class PocketsphinxStream:
    """One call's stream: sound between ``speech_started`` and ``speech_stopped`` is recognised.

    The last 400 ms before ``speech_started`` belong to the utterance. Every utterance ends in one
    final, which is empty when nothing was understood, the sound was out of the grammar, the workers
    were too busy or theirs died.
    """

    def __init__(self, worker: Worker, number: int, codec: Codec, report: Report) -> None:
        self._worker = worker
        self._number = number
        self._decoder = new_decoder(codec)
        self._report: Report | None = report
        self._expectation = ANYTHING
        self._past: deque[bytes] = deque(maxlen=_PRE_ROLL_MS // FRAME_MS)
        self._utterance: int | None = None
        self._open: set[int] = set()
        self._is_level_known = False
        worker.stream_count += 1

    def feed(self, payload: bytes) -> None:
        """Take the next frame."""
        pcm = self._decoder.to_pcm(payload)
        if self._utterance is None:
            self._past.append(pcm)
        else:
            self._worker.send(More(self._utterance, pcm))

    def speech_started(self) -> None:
        """Begin an utterance, unless one is under way."""
        if self._utterance is not None or self._report is None:
            return
        worker = self._worker
        rate_hz = self._decoder.codec.rate_hz
        refusing = self._is_level_known and rate_hz == _WIDE_HZ
        grammar = grammar_for(self._expectation, refusing)
        self._utterance = worker.begin(self._number, grammar, rate_hz, self._heard)
        self._open.add(self._utterance)
        worker.send(More(self._utterance, b"".join(self._past)))
        self._past.clear()

    def speech_stopped(self) -> None:
        """End the utterance; its final words follow."""
        if self._utterance is not None:
            utterance, self._utterance = self._utterance, None
            self._worker.send(End(utterance))

    def expect(self, expectation: Expectation) -> None:
        """Use this expectation's grammar from the next utterance on."""
        self._expectation = expectation

    async def close(self) -> None:
        """Drop what is under way and report nothing more."""
        if self._report is not None:
            self._report = None
            self._worker.stream_count -= 1
            for utterance in self._open:
                self._worker.forget(utterance)
            self._open.clear()

    def _heard(self, heard: Heard) -> None:
        if heard.final:
            self._open.discard(heard.utterance)
            self._is_level_known |= bool(heard.text)
            if heard.utterance == self._utterance:  # lost while the caller still speaks
                self._utterance = None
        if self._report is not None and (heard.final or heard.text):
            self._report(
                TranscriberWords(
                    heard.text,
                    final=heard.final,
                    confidence=heard.confidence if heard.final else None,
                )
            )
