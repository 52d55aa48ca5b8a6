"""Providers that follow a script: for tests and simulation, in virtual or real time.

They wait on asyncio timers and draw on an injected random source only, so that in virtual time the
same seed gives the same run. A script says step by step what is given, how slowly, and what goes
wrong; past its end the last step is used again.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from re import compile as compile_pattern
from typing import Final

from cordboard.call.actions import ActionCall, ActionOutcome, ActionPlan
from cordboard.call.expectation import Expectation
from cordboard.call.plan import TranscriberPlan, VoicePlan
from cordboard.media.codec import FRAME_MS, L16_8K, L16_16K, PCMA, PCMU, Codec
from cordboard.ports import (
    ModelAction,
    ModelExpects,
    ModelText,
    ProviderError,
    Randomness,
    ReplyRequest,
    SpeechChunk,
    TranscriberFailed,
    TranscriberWords,
    WordTime,
)

_CODECS = (PCMU, PCMA, L16_8K, L16_16K)
_FOREVER_S = 1e7
_WORD = compile_pattern(r"\S+")
_LIES = ("purple", "yes", "no", "seventeen", "goodbye", "")

Piece = ModelText | ModelAction | ModelExpects
Report = Callable[[TranscriberWords | TranscriberFailed], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """How one step goes.

    ``first_ms`` passes before anything comes, ``between_ms`` before each further piece. After
    ``fail_after`` pieces the step fails with ``failure``; after ``stall_after`` it says nothing
    any more, for ever. None means never. Only the first ``attempts`` tries of a step meet it.
    """

    first_ms: int = 0
    between_ms: int = 0
    fail_after: int | None = None
    stall_after: int | None = None
    failure: str = "unavailable"
    retryable: bool = True
    attempts: int = 1

    async def before(self, piece: int) -> None:
        """Wait as long as piece ``piece`` (from 0) takes. Raises ``ProviderError``."""
        delay_ms = self.between_ms if piece else self.first_ms
        if delay_ms:
            await asyncio.sleep(delay_ms / 1000)
        if self.stall_after is not None and piece >= self.stall_after:
            await asyncio.sleep(_FOREVER_S)
        if self.fail_after is not None and piece >= self.fail_after:
            raise ProviderError(self.failure, retryable=self.retryable)


SMOOTH: Final = Trouble()


def mischief(randomness: Randomness, rate: float) -> Trouble:
    """Draw a trouble: with probability ``rate`` a stall, a failure or slowness, else a delay."""
    first_ms = int(randomness.uniform(0, 400))
    if randomness.uniform(0, 1) >= rate:
        return Trouble(first_ms=first_ms, between_ms=int(randomness.uniform(0, 60)))
    kind = int(randomness.uniform(0, 3))
    after = int(randomness.uniform(0, 4))
    if kind == 0:
        return Trouble(first_ms=first_ms, stall_after=after)
    if kind == 1:
        return Trouble(first_ms=first_ms, fail_after=after, retryable=after > 1)
    return Trouble(first_ms=int(randomness.uniform(1000, 9000)), between_ms=400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One reply of a scripted language model."""

    pieces: tuple[Piece, ...] = (ModelText("All right."),)
    trouble: Trouble = SMOOTH


def says(text: str, trouble: Trouble = SMOOTH) -> Reply:
    """Return a reply that streams ``text`` word by word."""
    return Reply(
        pieces=tuple(ModelText(match[0]) for match in compile_pattern(r"\S+\s*").finditer(text)),
        trouble=trouble,
    )


def acts(name: str, arguments: Mapping[str, object], trouble: Trouble = SMOOTH) -> Reply:
    """Return a reply that asks for an action."""
    return Reply(pieces=(ModelAction(name, json.dumps(dict(arguments))),), trouble=trouble)


class ScriptedModel:
    """Gives the reply of the turn: one for each message of the caller or of an action so far.

    ``replies`` may be a function of the request. A reply that is asked for again, because the
    first try failed, is the same reply without its trouble.
    """

    def __init__(
        self,
        replies: Sequence[Reply] | Callable[[ReplyRequest], Reply],
        opening: Expectation | None = None,
    ) -> None:
        self._replies = replies
        self._opening = opening
        self._tries: Counter[tuple[str, int]] = Counter()
        self.requests: list[ReplyRequest] = []

    async def reply(self, request: ReplyRequest) -> AsyncIterator[Piece]:
        """Stream the reply of this turn."""
        self.requests.append(request)
        turn = sum(message.role in ("caller", "action") for message in request.messages)
        reply = self._reply(request, turn)
        self._tries[request.call_id, turn] += 1
        met = self._tries[request.call_id, turn] <= reply.trouble.attempts
        trouble = reply.trouble if met else SMOOTH
        for number, piece in enumerate(reply.pieces):
            await trouble.before(number)
            yield piece
        await trouble.before(len(reply.pieces))

    def expectation(self, actions: Sequence[ActionPlan]) -> Expectation | None:
        """Return what the script says is expected first."""
        return self._opening

    def _reply(self, request: ReplyRequest, turn: int) -> Reply:
        if callable(self._replies):
            return self._replies(request)
        return self._replies[min(max(turn - 1, 0), len(self._replies) - 1)]


class ScriptedSynthesizer:
    """Makes frames instead of sound: every byte of a word's frames is the word's number.

    Words are numbered from 1 in each utterance (wrapping at 250), so that a far end can tell which
    words it got. A character lasts ``character_ms``; words are whole frames. ``trouble`` is that of
    every utterance, or a function of its text and of how many went before.
    """

    def __init__(
        self,
        trouble: Trouble | Callable[[str, int], Trouble] = SMOOTH,
        character_ms: int = 60,
    ) -> None:
        self._trouble = trouble
        self._character_ms = character_ms
        self.spoken: list[str] = []

    def codecs(self, voice: VoicePlan) -> Sequence[Codec]:
        """Return every codec whose frames may hold any byte."""
        return _CODECS

    async def speak(
        self, text: str, voice: VoicePlan, language: str, codec: Codec
    ) -> AsyncIterator[SpeechChunk]:
        """Stream a chunk a word."""
        trouble = self._trouble
        if not isinstance(trouble, Trouble):
            trouble = trouble(text, len(self.spoken))
        self.spoken.append(text)
        at_ms = 0
        words = list(_WORD.finditer(text))
        for number, match in enumerate(words):
            await trouble.before(number)
            frames = max(1, len(match[0]) * self._character_ms // FRAME_MS)
            end_ms = at_ms + frames * FRAME_MS
            payload = bytes([1 + number % 250]) * (frames * codec.frame_bytes)
            yield SpeechChunk(payload, (WordTime(match.start(), match.end(), at_ms, end_ms),))
            at_ms = end_ms
        await trouble.before(len(words))


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One utterance as a scripted transcriber reports it.

    A partial comes every ``word_ms`` after ``speech_started``, the final ``final_ms`` after
    ``speech_stopped``. ``fails`` kills the stream instead of the final, ``mute`` gives none.
    """

    text: str
    word_ms: int = 200
    final_ms: int = 100
    confidence: float = 0.9
    ends_turn: bool = False
    fails: str | None = None
    mute: bool = False


class ScriptedTranscriber:
    """Hears what the script says, whatever the sound.

    ``script`` gives the utterances of each stream, by its number from 0. With ``liar`` and
    ``lie_rate`` some words are replaced by others.
    """

    def __init__(
        self,
        script: Sequence[Heard] | Callable[[int], Sequence[Heard]],
        liar: Randomness | None = None,
        lie_rate: float = 0.0,
    ) -> None:
        self._script = script
        self._liar = liar
        self._lie_rate = lie_rate
        self.streams: list[ScriptedStream] = []

    def codecs(self, plan: TranscriberPlan) -> Sequence[Codec]:
        """Return every codec: nothing is decoded."""
        return _CODECS

    async def open(
        self, plan: TranscriberPlan, codec: Codec, language: str, report: Report
    ) -> ScriptedStream:
        """Open a stream on the next part of the script."""
        script = self._script
        steps = script(len(self.streams)) if callable(script) else script
        stream = ScriptedStream([self._told(step) for step in steps], report)
        self.streams.append(stream)
        return stream

    def _told(self, heard: Heard) -> Heard:
        if self._liar is None or self._liar.uniform(0, 1) >= self._lie_rate:
            return heard
        words = heard.text.split()
        lie = _LIES[int(self._liar.uniform(0, len(_LIES) - 0.001))]
        words[: 1 + int(self._liar.uniform(0, 2))] = [lie]
        text = " ".join(words)
        return Heard(text=text, word_ms=heard.word_ms, final_ms=heard.final_ms, confidence=0.4)


class ScriptedStream:
    """One call's stream of a :class:`ScriptedTranscriber`."""

    def __init__(self, steps: Sequence[Heard], report: Report) -> None:
        self._steps = list(steps)
        self._report: Report | None = report
        self._at = 0
        self._timers: list[asyncio.TimerHandle] = []
        self.fed_bytes = 0
        self.expectations: list[Expectation] = []

    def feed(self, payload: bytes) -> None:
        """Count the bytes."""
        self.fed_bytes += len(payload)

    def speech_started(self) -> None:
        """Begin the next utterance: partials follow."""
        step = self._step
        if step is None or step.mute:
            return
        words = step.text.split()
        for count in range(1, len(words) + 1):
            partial = TranscriberWords(" ".join(words[:count]), final=False)
            self._later(count * step.word_ms, partial)

    def speech_stopped(self) -> None:
        """End the utterance: its final follows."""
        step = self._step
        self._cancel()
        if step is None:
            return
        self._at += 1
        if step.fails is not None:
            self._later(step.final_ms, TranscriberFailed(step.fails))
        elif not step.mute:
            final = TranscriberWords(step.text, True, step.ends_turn, step.confidence)
            self._later(step.final_ms, final, keep=False)

    def expect(self, expectation: Expectation) -> None:
        """Keep the expectation for the test to look at."""
        self.expectations.append(expectation)

    async def close(self) -> None:
        """Report nothing more."""
        self._report = None
        self._cancel()

    @property
    def _step(self) -> Heard | None:
        return self._steps[min(self._at, len(self._steps) - 1)] if self._steps else None

    def _cancel(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _later(
        self, delay_ms: int, words: TranscriberWords | TranscriberFailed, keep: bool = True
    ) -> None:
        loop = asyncio.get_running_loop()
        timer = loop.call_later(delay_ms / 1000, self._deliver, words)
        if keep:
            self._timers.append(timer)

    def _deliver(self, words: TranscriberWords | TranscriberFailed) -> None:
        if self._report is not None:
            self._report(words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """How one run of an action goes: sent after ``sent_ms``, over ``takes_ms`` later."""

    sent_ms: int = 5
    takes_ms: int = 100
    outcome: ActionOutcome = field(
        default_factory=lambda: ActionOutcome(True, {"ok": True}, None, "success", 200)
    )
    problems: tuple[str, ...] = ()


class ScriptedActionRunner:
    """Runs no action, but says what came of it: by function name, else ``Deed()``."""

    def __init__(
        self, deeds: Mapping[str, Deed] | Callable[[ActionCall], Deed] | None = None
    ) -> None:
        self._deeds = deeds
        self.calls: list[ActionCall] = []

    async def run(
        self, call_id: str, call: ActionCall, plan: ActionPlan, sent: Callable[[], None]
    ) -> ActionOutcome:
        """Wait as the script says and return its outcome."""
        deed = self._deed(call)
        self.calls.append(call)
        await asyncio.sleep(deed.sent_ms / 1000)
        sent()
        await asyncio.sleep(deed.takes_ms / 1000)
        return deed.outcome

    def problems(self, plan: ActionPlan, arguments: Mapping[str, object]) -> Sequence[str]:
        """Return the problems that the script names."""
        return self._deed(ActionCall("", plan.function_name, arguments)).problems

    def _deed(self, call: ActionCall) -> Deed:
        if callable(self._deeds):
            return self._deeds(call)
        return (self._deeds or {}).get(call.function_name, Deed())
