"""The synthesizer port over the child process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from types import TracebackType
from typing import Self

from cordboard.call.plan import VoicePlan
from cordboard.media.codec import G722_WIDE, L16_8K, L16_16K, PCMA, PCMU, Codec, new_encoder
from cordboard.ports import ProviderError, SpeechChunk, WordTime
from cordboard.providers.child import USUAL, Child, ChildLimits
from cordboard.providers.synthesizers.espeak.pieces import pieces
from cordboard.providers.synthesizers.espeak.voices import choose
from cordboard.providers.synthesizers.espeak.wire import (
    Answer,
    Cancel,
    Done,
    Say,
    Sound,
    read_answer,
    write,
)

_MODULE = "cordboard.providers.synthesizers.espeak.process"
_CODECS = (PCMU, PCMA, G722_WIDE, L16_8K, L16_16K)
_MOST_UTTERANCES = 512
_MOST_ANSWERS = 4_096
_ANSWER_WAIT_S = 5.0


class EspeakSynthesizer:
    """Speaks through one child process, which is started again when it dies.

    Used as ``async with EspeakSynthesizer() as voice``, entered and left by the same task. An
    utterance in flight when the child dies fails with a retryable ``ProviderError("unavailable")``.
    """

    def __init__(self, limits: ChildLimits = USUAL) -> None:
        self._child = Child(_MODULE, self._received, self._died, limits)
        self._answers: dict[int, asyncio.Queue[Answer]] = {}
        self._last = 0

    @property
    def pid(self) -> int | None:
        """The process id of the child, or None while there is none."""
        return self._child.pid

    async def __aenter__(self) -> Self:
        """Start the child. Raises ``OSError``."""
        await self._child.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the child; utterances in flight fail."""
        try:
            await self._child.__aexit__(kind, error, trace)
        finally:
            self._died()

    def codecs(self, voice: VoicePlan) -> Sequence[Codec]:
        """Return the codecs it delivers: all of ours, the voice is made at any rate."""
        return _CODECS

    async def speak(
        self, text: str, voice: VoicePlan, language: str, codec: Codec
    ) -> AsyncIterator[SpeechChunk]:
        """Stream the sound of ``text`` in blocks of 200 ms; see ``ports.Synthesizer``."""
        choice = choose(voice, language)
        encoder = new_encoder(codec)
        done_bytes = 0
        for start, piece in pieces(text):
            say = Say(
                self._next(),
                piece,
                list(choice.voices),
                choice.rate_wpm,
                choice.pitch,
                codec.rate_hz,
            )
            base_ms = done_bytes * 500 // codec.rate_hz
            sounds = self._sounds(say)
            try:
                async for sound in sounds:
                    done_bytes += len(sound.pcm)
                    words = tuple(
                        WordTime(
                            start + word.text_start,
                            start + word.text_end,
                            base_ms + word.start_ms,
                            base_ms + word.end_ms,
                        )
                        for word in sound.words
                    )
                    yield SpeechChunk(encoder.from_pcm(sound.pcm), words)
            finally:
                await sounds.aclose()

    async def _sounds(self, say: Say) -> AsyncGenerator[Sound]:
        """Ask for one piece and yield its sound; cancels at the child when closed early."""
        if len(self._answers) >= _MOST_UTTERANCES:
            raise ProviderError("over_quota", retryable=True)
        # A piece's sound is far shorter; a child that sends more is broken: the rest is dropped.
        answers: asyncio.Queue[Answer] = asyncio.Queue(_MOST_ANSWERS)
        self._answers[say.utterance] = answers
        finished = False
        try:
            if not self._child.send(write(say)):
                finished = True
                raise ProviderError("unavailable", retryable=not self._child.given_up)
            while True:
                answer = await _next_answer(answers)
                if isinstance(answer, Done):
                    finished = True
                    if answer.failure:
                        raise ProviderError(
                            answer.failure, retryable=answer.failure == "unavailable"
                        )
                    return
                yield answer
        finally:
            del self._answers[say.utterance]
            if not finished:
                self._child.send(write(Cancel(say.utterance)))

    def _next(self) -> int:
        self._last += 1
        return self._last

    def _received(self, payload: bytes) -> None:
        answer = read_answer(payload)
        answers = self._answers.get(answer.utterance)
        if answers is not None and not answers.full():
            answers.put_nowait(answer)

    def _died(self) -> None:
        for utterance, answers in self._answers.items():
            if answers.full():
                answers.get_nowait()
            answers.put_nowait(Done(utterance, "unavailable"))


async def _next_answer(answers: asyncio.Queue[Answer]) -> Answer:
    try:
        async with asyncio.timeout(_ANSWER_WAIT_S):
            return await answers.get()
    except TimeoutError:
        raise ProviderError("timeout", retryable=True) from None
