"""Text to sound by a synthesizer, with deadlines, one retry and fallbacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from cordboard.call.plan import VoicePlan
from cordboard.engine.breaker import Breaker
from cordboard.engine.conversion import Converter, best_codec
from cordboard.engine.guard import ProviderGuard, Report
from cordboard.engine.stream import Stream
from cordboard.engine.utterance import Utterance
from cordboard.ports import ProviderError, SpeechChunk, Synthesizer, WordTime

FIRST_SOUND_S = 3.0
STALL_S = 2.0
LONGEST_SOUND_MS = 180_000


class Synthesis:
    """Fills utterances with sound. ``arrived`` is called after every piece."""

    def __init__(
        self,
        synthesizers: Sequence[Synthesizer],
        voice: VoicePlan,
        of_voice: Callable[[VoicePlan], Sequence[Synthesizer]],
        arrived: Callable[[Utterance], None],
        report: Report,
        breaker: Breaker,
    ) -> None:
        self._synthesizers = synthesizers
        self._voice = voice
        self._of_voice = of_voice
        self._arrived = arrived
        self._breaker = breaker
        self._guard = ProviderGuard("synthesizer", report)

    async def fill(self, utterance: Utterance) -> str | None:
        """Make all sound of the utterance; return a class of failure if some of it could not be
        made.

        What a failed attempt delivered stays; the next attempt goes on after its last whole word.
        """
        failure = "unavailable"
        rejected: Synthesizer | None = None
        for synthesizer, voice in self._attempts(utterance):
            if synthesizer is rejected or not self._breaker.allows(synthesizer):
                continue
            try:
                with self._guard:
                    await self._attempt(synthesizer, voice, utterance)
            except ProviderError as error:
                failure = error.failure
                self._breaker.failed(synthesizer, error)
                rejected = None if error.retryable else synthesizer
            else:
                self._breaker.worked(synthesizer)
                return None
        return failure

    def _attempts(self, utterance: Utterance) -> Iterator[tuple[Synthesizer, VoicePlan]]:
        """Name who is asked, in order, and with which voice: the utterance's own first."""
        own = None if utterance.manner is None else utterance.manner.voice
        if own is not None:
            for synthesizer in self._of_voice(own)[:1]:
                yield synthesizer, own
        for synthesizer in (*self._synthesizers[:1], *self._synthesizers):
            yield synthesizer, self._voice

    async def _attempt(
        self, synthesizer: Synthesizer, voice: VoicePlan, utterance: Utterance
    ) -> None:
        utterance.drop_cut_word()
        done = utterance.characters_within(utterance.duration_ms)
        text = utterance.text[done:]
        if not text.strip():
            return
        codec = best_codec(synthesizer.codecs(voice), utterance.codec)
        chunks = synthesizer.speak(text, voice, utterance.language, codec)
        offset_ms = utterance.duration_ms
        converter = Converter(codec, utterance.codec)
        async with Stream(chunks) as stream:
            wait_s = FIRST_SOUND_S
            while (chunk := await stream.next(wait_s)) is not None:
                if converter.target != utterance.codec:
                    converter = Converter(codec, utterance.codec)
                self._take(chunk, utterance, converter, done, offset_ms)
                wait_s = STALL_S
        self._append(utterance, converter.finish())

    def _take(
        self,
        chunk: SpeechChunk,
        utterance: Utterance,
        converter: Converter,
        done: int,
        offset_ms: int,
    ) -> None:
        for word in chunk.words:
            utterance.words.append(
                WordTime(
                    word.text_start + done,
                    word.text_end + done,
                    word.start_ms + offset_ms,
                    word.end_ms + offset_ms,
                )
            )
        self._append(utterance, converter.convert(chunk.payload))

    def _append(self, utterance: Utterance, sound: bytes) -> None:
        if not sound:
            return
        utterance.sound += sound
        if utterance.duration_ms > LONGEST_SOUND_MS:
            raise ProviderError("bad_answer")
        self._arrived(utterance)
