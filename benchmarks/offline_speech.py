"""Try the embedded voice, transcriber and form model on forms that they were not made for.

`python -m benchmarks.offline_speech [--voices N]`: a synthetic caller in five voices fills three
forms, wide band (G.722) and phone band (mu-law). Prints word error, how often a sentence came
through exactly, and how many forms were completed with every value right. Synthetic speech is
harder on this acoustic model than people are.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from benchmarks.offline_forms import FORMS, Form
from cordboard.call.commands import Message
from cordboard.call.expectation import Expectation
from cordboard.call.plan import LanguageModelPlan, TranscriberPlan, VoicePlan
from cordboard.media.codec import FRAME_MS, G722_WIDE, PCMU, Codec
from cordboard.ports import (
    ModelAction,
    ModelExpects,
    ModelText,
    ReplyRequest,
    TranscriberFailed,
    TranscriberWords,
)
from cordboard.providers.language_models.form.model import FormModel
from cordboard.providers.spoken import spoken_words
from cordboard.providers.synthesizers.espeak.synthesizer import EspeakSynthesizer
from cordboard.providers.transcribers.pocketsphinx.transcriber import (
    PocketsphinxStream,
    PocketsphinxTranscriber,
)

VOICES = ("en-us", "en-us+f3", "en-us+m3", "en-gb", "en-us+m7")
BANDS = {"wide band": G722_WIDE, "phone band": PCMU}
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MOST_TURNS = 16
SILENCE_FRAMES = 20


@dataclass(slots=True)
class Score:
    """What came of one voice in one band."""

    words: int = 0
    errors: int = 0
    sentences: int = 0
    exact: int = 0
    forms: int = 0
    completed: int = 0
    turns: int = 0
    slowest_ms: float = 0.0


@dataclass(slots=True)
class Line:
    """One caller's line: speaks, and gives what was heard."""

    voice: EspeakSynthesizer
    transcriber: PocketsphinxTranscriber
    codec: Codec
    plan: VoicePlan
    score: Score
    finals: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    def report(self, words: TranscriberWords | TranscriberFailed) -> None:
        """Take what the transcriber reports."""
        if isinstance(words, TranscriberWords) and words.final:
            self.finals.put_nowait(words.text)


def word_errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """Return the least number of words to change, add or drop."""
    row = list(range(len(heard) + 1))
    for count, word in enumerate(said, 1):
        before, row[0] = row[0], count
        for at, other in enumerate(heard, 1):
            before, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, before + (word != other))
    return row[-1]


async def run_form(form: Form, line: Line, verbose: bool) -> None:
    """Let the caller fill one form by ear."""
    stream = await line.transcriber.open(TranscriberPlan(), line.codec, "en", line.report)
    model = FormModel()
    stream.expect(model.expectation(form.actions) or Expectation())
    messages: list[Message] = []
    said = form.opening
    answers = form.caller()
    sent: dict[str, object] | None = None
    for _ in range(MOST_TURNS):
        heard = await speak(said, line, stream)
        if verbose:
            print(f"    {said!r} -> {heard!r}")
        line.score.turns += 1
        messages.append(Message("caller", heard))
        question = ""
        request = ReplyRequest(
            "", "", LanguageModelPlan(), "", "en", form.actions, tuple(messages), Expectation(), NOW
        )
        async for piece in model.reply(request):
            if isinstance(piece, ModelExpects):
                stream.expect(piece.expectation)
            elif isinstance(piece, ModelText):
                question += piece.text
            elif isinstance(piece, ModelAction):
                sent = json.loads(piece.arguments_json)
        if sent is not None:
            break
        messages.append(Message("agent", question))
        if verbose:
            print(f"    A: {question}")
        said = answers.answer(question)
    line.score.forms += 1
    line.score.completed += sent == form.wanted
    if verbose or sent != form.wanted:
        print(f"  {form.name}: {'completed' if sent == form.wanted else f'NOT completed: {sent}'}")
    await stream.close()


async def speak(said: str, line: Line, stream: PocketsphinxStream) -> str:
    """Say a sentence into the stream and wait for its final words."""
    chunks = line.voice.speak(said, line.plan, "en", line.codec)
    sound = b"".join([chunk.payload async for chunk in chunks])
    size = line.codec.frame_bytes
    for _ in range(SILENCE_FRAMES):
        stream.feed(line.codec.silence_frame)
    stream.speech_started()
    for start in range(0, len(sound), size):
        stream.feed(sound[start : start + size])
        if start % (50 * size) == 0:
            await asyncio.sleep(FRAME_MS / 1000)
    started = time.perf_counter()
    stream.speech_stopped()
    heard = await asyncio.wait_for(line.finals.get(), 20)
    line.score.slowest_ms = max(line.score.slowest_ms, (time.perf_counter() - started) * 1000)
    words = spoken_words(said)
    errors = word_errors(words, heard.split())
    line.score.words += len(words)
    line.score.errors += errors
    line.score.sentences += 1
    line.score.exact += errors == 0
    return heard


async def main(voices: Sequence[str], bands: Sequence[str], verbose: bool) -> None:
    """Run all forms in all voices and bands and print a table."""
    rows: list[tuple[str, str, Score]] = []
    async with EspeakSynthesizer() as voice, PocketsphinxTranscriber(1) as transcriber:
        for band in bands:
            for name in voices:
                score = Score()
                line = Line(voice, transcriber, BANDS[band], VoicePlan(voice=name), score)
                print(f"{band}, {name}")
                for form in FORMS:
                    for variant in form.variants():
                        await run_form(variant, line, verbose)
                rows.append((band, name, score))
    print(
        f"{'band':<11} {'voice':<9} {'word error':>10} {'exact':>9} {'completed':>10} {'turns':>6}"
    )
    for band, name, score in rows:
        print(
            f"{band:<11} {name:<9} {100 * score.errors / score.words:>9.1f}% "
            f"{score.exact:>4}/{score.sentences:<4} {score.completed:>5}/{score.forms:<4} "
            f"{score.turns:>6}"
        )
    for band in bands:
        scores = [score for each, _, score in rows if each == band]
        errors, words = sum(s.errors for s in scores), sum(s.words for s in scores)
        done, forms = sum(s.completed for s in scores), sum(s.forms for s in scores)
        print(f"{band}: word error {100 * errors / words:.1f} %, completed {done} of {forms}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--voices", type=int, default=len(VOICES))
    parser.add_argument("--bands", nargs="*", default=list(BANDS), choices=list(BANDS))
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    asyncio.run(main(VOICES[: arguments.voices], arguments.bands, arguments.verbose))
