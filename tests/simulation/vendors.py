"""Vendors that stall, stream slowly, fail or lie, each by the seed's choice."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass

from cordboard.call.actions import ActionCall, ActionKind, ActionOutcome, ActionPlan, SpeakBefore
from cordboard.call.expectation import Expectation, ExpectationKind
from cordboard.call.plan import TranscriberPlan, VoicePlan
from cordboard.ids import Randomness
from cordboard.media.codec import Codec
from cordboard.ports import (
    ModelAction,
    ModelExpects,
    ModelText,
    ProviderError,
    ReplyRequest,
    SpeechChunk,
    TranscriberFailed,
    TranscriberStream,
    TranscriberWords,
)
from cordboard.providers.synthesizers.tone.synthesizer import ToneDelays, ToneSynthesizer
from cordboard.providers.transcribers.tone.transcriber import HearingDelays, ToneTranscriber

WORDS = (
    "alpha", "bravo", "charlie", "delta", "echo", "fox", "golf", "hotel", "india", "kilo", "lima",
    "mike", "nova", "oscar", "papa",
)  # fmt: skip

ACTIONS = (
    ActionPlan(
        action_id="1",
        kind=ActionKind.EXTERNAL,
        function_name="book",
        speak_before=SpeakBefore.ALWAYS,
        speak_on_receive=True,
    ),
    ActionPlan(
        action_id="2",
        kind=ActionKind.EXTERNAL,
        function_name="note",
        speak_before=SpeakBefore.NEVER,
        speak_on_receive=False,
    ),
    ActionPlan(action_id="3", kind=ActionKind.DTMF, function_name="press"),
    ActionPlan(
        action_id="4",
        kind=ActionKind.END_CONVERSATION,
        function_name="end",
        speak_before=SpeakBefore.SOMETIMES,
    ),
    ActionPlan(action_id="5", kind=ActionKind.TRANSFER_CALL, function_name="transfer"),
)


@dataclass(frozen=True)
class Faults:
    """How often vendors misbehave, 0 to 1."""

    share: float
    draw: Randomness

    def strike(self) -> bool:
        """Tell whether this time something goes wrong."""
        return self.draw.uniform(0, 1) < self.share

    def one_of(self, count: int) -> int:
        """Draw one of ``count`` ways."""
        return min(count - 1, int(self.draw.uniform(0, count)))


def sentence(draw: Randomness, most: int = 9) -> str:
    """Return some words with a full stop."""
    count = 1 + int(draw.uniform(0, most))
    return " ".join(WORDS[int(draw.uniform(0, len(WORDS) - 0.01))] for _ in range(count)) + "."


class SeededModel:
    """Replies, asks for actions, stalls, breaks off, says nothing, and lies."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    async def reply(
        self, request: ReplyRequest
    ) -> AsyncIterator[ModelText | ModelAction | ModelExpects]:
        faults, draw = self._faults, self._faults.draw
        await asyncio.sleep(draw.uniform(0, 0.6))
        if faults.strike():
            async for item in self._misbehave(faults.one_of(7)):
                yield item
            return
        for _ in range(1 + faults.one_of(3)):
            for word in sentence(draw).split():
                await asyncio.sleep(draw.uniform(0, 0.05))
                yield ModelText(word + " ")
        if draw.uniform(0, 1) < 0.25:
            yield ModelExpects(Expectation(ExpectationKind.YES_NO))
        if draw.uniform(0, 1) < 0.3:
            yield self._action()

    def expectation(self, actions: Sequence[ActionPlan]) -> Expectation | None:
        return None

    def _action(self) -> ModelAction:
        plan = ACTIONS[self._faults.one_of(len(ACTIONS))]
        arguments: dict[str, object] = (
            {"buttons": "12#"} if plan.function_name == "press" else {"x": 1}
        )
        if plan.speak_before is not SpeakBefore.NEVER:
            arguments["user_message"] = sentence(self._faults.draw, 4)
        return ModelAction(plan.function_name, json.dumps(arguments))

    async def _misbehave(self, way: int) -> AsyncIterator[ModelText | ModelAction | ModelExpects]:
        if way == 0:
            await asyncio.sleep(120)
        elif way == 1:
            raise ProviderError("unavailable", retryable=True)
        elif way == 2:
            yield ModelText("well then, ")
            raise ProviderError("bad_answer")
        elif way == 3:
            yield ModelText("wait a moment, ")
            await asyncio.sleep(60)
        elif way == 4:
            yield ModelAction("no_such_function", "{}")
        elif way == 5:
            yield ModelAction("book", "[1, 2" * 40)
        # else: say nothing at all


class SeededVoice:
    """The tone voice, at times slow, silent, broken or cut off."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def codecs(self, voice: VoicePlan) -> Sequence[Codec]:
        return ToneSynthesizer().codecs(voice)

    async def speak(
        self, text: str, voice: VoicePlan, language: str, codec: Codec
    ) -> AsyncIterator[SpeechChunk]:
        faults = self._faults
        way = faults.one_of(4) if faults.strike() else -1
        if way == 0:
            raise ProviderError("unavailable", retryable=True)
        if way == 1:
            await asyncio.sleep(60)
        delays = ToneDelays(
            first_sound_ms=int(faults.draw.uniform(0, 300)), word_ms=400 if way == 2 else 0
        )
        count = 0
        async for chunk in ToneSynthesizer(delays).speak(text, voice, language, codec):
            yield chunk
            count += 1
            if way == 3 and count == 2:
                raise ProviderError("bad_answer")


class SeededEars:
    """The tone transcriber, at times not to be had, and with streams that die."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def codecs(self, plan: TranscriberPlan) -> Sequence[Codec]:
        return ToneTranscriber().codecs(plan)

    async def open(
        self,
        plan: TranscriberPlan,
        codec: Codec,
        language: str,
        report: Callable[[TranscriberWords | TranscriberFailed], None],
    ) -> TranscriberStream:
        faults = self._faults
        if faults.strike():
            if faults.one_of(2):
                await asyncio.sleep(30)
            raise ProviderError("unavailable", retryable=True)
        delays = HearingDelays(
            partial_ms=int(faults.draw.uniform(0, 200)), final_ms=int(faults.draw.uniform(50, 500))
        )
        stream = await ToneTranscriber(delays).open(plan, codec, language, report)
        if faults.strike():
            after_s = faults.draw.uniform(1, 20)
            asyncio.get_running_loop().call_later(after_s, report, TranscriberFailed("unavailable"))
        return stream


class SeededActions:
    """Actions that take up to ten seconds and end in any of the documented ways."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self.sent: list[str] = []
        self.outcomes: dict[str, int] = {}

    async def run(
        self, call_id: str, call: ActionCall, plan: ActionPlan, sent: Callable[[], None]
    ) -> ActionOutcome:
        faults, draw = self._faults, self._faults.draw
        if faults.strike() and faults.one_of(2):
            return ActionOutcome(False, {"info": "wrong"}, None, "invalid_arguments", None)
        sent()
        self.sent.append(call.action_call_id)
        if faults.strike():
            await asyncio.sleep(10)
            return ActionOutcome(False, {"info": "late"}, None, "timeout", None)
        await asyncio.sleep(draw.uniform(0, 4))
        message = sentence(draw, 5) if draw.uniform(0, 1) < 0.6 else None
        return ActionOutcome(True, {"ok": True}, message, "success", 200)

    def problems(self, plan: ActionPlan, arguments: Mapping[str, object]) -> Sequence[str]:
        return ()
