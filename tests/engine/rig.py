"""A whole engine in memory: tone code both ways, loopback legs, virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from cordboard.call.actions import ActionCall, ActionOutcome, ActionPlan
from cordboard.call.commands import Command, Deadline
from cordboard.call.events import EndReason, Event
from cordboard.call.expectation import Expectation
from cordboard.call.plan import CallPlan, LanguageModelPlan, TranscriberPlan, VoicePlan
from cordboard.clock import VirtualClock
from cordboard.engine.clock import MediaClock
from cordboard.engine.parts import CallParts, Choice, EngineParts
from cordboard.engine.runner import Runner
from cordboard.ids import Randomness
from cordboard.media.codec import PCMU, Codec, new_decoder, new_encoder
from cordboard.media.tone_code import ToneDecoder, encode
from cordboard.ports import (
    CallEnding,
    Fact,
    InboundPlan,
    LanguageModel,
    ModelAction,
    ModelExpects,
    ModelText,
    NewCall,
    OpenCall,
    ReplyRequest,
    Synthesizer,
    Transcriber,
    VoiceActivity,
)
from cordboard.providers.synthesizers.tone.synthesizer import ToneSynthesizer
from cordboard.providers.transcribers.tone.transcriber import ToneTranscriber
from cordboard.telephony.loopback import GOOD, Conditions, FarEnd, LoopbackLeg
from tests import calls

T = TypeVar("T")

PLAN = CallPlan(
    organisation_id="org",
    voice=VoicePlan(provider="tone"),
    transcriber=TranscriberPlan(provider="tone"),
    language_model=LanguageModelPlan(provider="echo"),
    record=False,
)


class MemoryStore:
    """A call store of dictionaries, slow and broken on request."""

    def __init__(self) -> None:
        self.created: list[str] = []
        self.facts: dict[str, list[Fact]] = {}
        self.transcripts: dict[str, str] = {}
        self.endings: dict[str, list[CallEnding]] = {}
        self.left_open: list[OpenCall] = []
        self.create_delay_s = 0.0
        self.create_fails = False

    async def inbound_plan(
        self, trunk_id: str | None, number: str, from_number: str
    ) -> InboundPlan | None:
        return InboundPlan("org", number, PLAN)

    async def create_call(self, call: NewCall) -> None:
        await asyncio.sleep(self.create_delay_s)
        if self.create_fails:
            raise OSError("no disk")
        self.created.append(call.call_id)

    async def save_dialog(self, call_id: str, leg_id: str, dialog: Mapping[str, object]) -> None:
        return None

    async def answered(self, call_id: str, at: datetime) -> None:
        return None

    def keep(self, call_id: str, fact: Fact) -> None:
        self.facts.setdefault(call_id, []).append(fact)

    def keep_transcript(self, call_id: str, transcript: str) -> None:
        self.transcripts[call_id] = transcript

    async def finish(self, call_id: str, ending: CallEnding) -> None:
        self.endings.setdefault(call_id, []).append(ending)

    async def open_calls(self, engine_id: str) -> Sequence[OpenCall]:
        return self.left_open

    def kinds(self, call_id: str = "c1") -> list[str]:
        """Return the kinds of the facts kept."""
        return [fact.kind for fact in self.facts.get(call_id, [])]


class TonePhrases:
    """Stored phrases as tone code of their own names."""

    def sound(self, phrase: str, language: str, codec: Codec) -> tuple[str, bytes]:
        return phrase, new_encoder(codec).from_pcm(encode(phrase, codec.rate_hz)[0])


class EchoModel:
    """Says back what the caller said last."""

    async def reply(
        self, request: ReplyRequest
    ) -> AsyncIterator[ModelText | ModelAction | ModelExpects]:
        yield ModelText("You said, ")
        yield ModelText(request.messages[-1].text)

    def expectation(self, actions: Sequence[ActionPlan]) -> Expectation | None:
        return None


class NoActions:
    """Every action succeeds after 100 ms."""

    async def run(
        self, call_id: str, call: ActionCall, plan: ActionPlan, sent: Callable[[], None]
    ) -> ActionOutcome:
        sent()
        await asyncio.sleep(0.1)
        return ActionOutcome(True, {}, None, "success", 200)

    def problems(self, plan: ActionPlan, arguments: Mapping[str, object]) -> Sequence[str]:
        return ()


class ScriptedBrain:
    """A brain made of one function from events to commands; deadlines are set by the script."""

    def __init__(self, react: Callable[[Event, ScriptedBrain], list[Command]]) -> None:
        self.events: list[Event] = []
        self.times: list[int] = []
        self.deadline: Deadline | None = None
        self.at_deadline: list[Command] = []
        self.ended = False
        self.reason = EndReason.AGENT_ENDED
        self.transcript = ""
        self._react = react

    def next_deadline(self) -> Deadline | None:
        return self.deadline

    def receive(self, event: Event, now_ms: int) -> list[Command]:
        self.events.append(event)
        self.times.append(now_ms)
        return self._react(event, self)

    def handle_deadline(self, now_ms: int) -> list[Command]:
        self.deadline = None
        return self.at_deadline

    def of(self, kind: type[T]) -> list[T]:
        """Return the events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]


@dataclass
class Rig:
    """An engine's parts that tests may replace before ``call``."""

    store: MemoryStore = field(default_factory=MemoryStore)
    clock: VirtualClock = field(default_factory=VirtualClock)
    plan: CallPlan = PLAN
    conditions: Conditions = GOOD
    codec: Codec = PCMU
    seed: int = 1
    transcribers: dict[str, Transcriber] = field(default_factory=dict)
    synthesizers: dict[str, Synthesizer] = field(default_factory=dict)
    language_models: dict[str, LanguageModel] = field(default_factory=dict)
    fallbacks: dict[str, tuple[str, ...]] = field(default_factory=dict)
    reports: list[tuple[str, BaseException]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.media_clock = MediaClock(self.clock, self.report)
        self.transcribers.setdefault("tone", ToneTranscriber())
        self.synthesizers.setdefault("tone", ToneSynthesizer())
        self.language_models.setdefault("echo", EchoModel())

    def report(self, where: str, error: BaseException) -> None:
        self.reports.append((where, error))

    def engine(self, voice_activity: VoiceActivity | None = None) -> EngineParts:
        return EngineParts(
            clock=self.clock,
            media_clock=self.media_clock,
            store=self.store,
            transcribers=Choice(self.transcribers, "tone", self.fallbacks),
            synthesizers=Choice(self.synthesizers, "tone", self.fallbacks),
            language_models=Choice(self.language_models, "echo", self.fallbacks),
            action_runner=NoActions(),
            phrases=TonePhrases(),
            report=self.report,
            voice_activity=voice_activity,
        )

    def randomness(self) -> Randomness:
        return Randomness.seeded(self.seed)

    def leg(self, leg_id: str = "leg1") -> LoopbackLeg:
        return LoopbackLeg(leg_id, self.media_clock, self.randomness(), self.codec, self.conditions)

    def new_call(self, call_id: str = "c1", leg_id: str = "leg1") -> NewCall:
        return calls.new_call(
            self.plan,
            call_id=call_id,
            leg_id=leg_id,
            organisation_id="org",
            carrier_handle=leg_id,
            at=self.clock.wall(),
        )

    async def call(
        self,
        brain: ScriptedBrain,
        far: Callable[[FarEnd], None] | None = None,
        engine: EngineParts | None = None,
    ) -> tuple[CallEnding, FarEnd]:
        """Run one call to its end; ``far`` prepares the far end before it is answered."""
        leg = self.leg()
        if far is not None:
            far(leg.far_end)
        runner = Runner(CallParts(engine or self.engine(), self.new_call(), leg, brain))
        ending = await self.with_clock(runner.run())
        return ending, leg.far_end

    async def with_clock(self, work: Coroutine[None, None, T]) -> T:
        """Run ``work`` while the media clock ticks."""
        async with asyncio.TaskGroup() as group:
            ticking = group.create_task(self.media_clock.run())
            try:
                return await work
            finally:
                ticking.cancel()

    def with_plan(self, **changes: object) -> Rig:
        """Change the plan."""
        self.plan = replace(self.plan, **changes)  # type: ignore[arg-type]
        return self


def words_in(sound: bytes | bytearray, codec: Codec = PCMU) -> list[str]:
    """Decode the tone code in what a far end heard."""
    decoder = ToneDecoder(codec.rate_hz)
    pcm = new_decoder(codec).to_pcm(bytes(sound))
    step = codec.pcm_frame_bytes
    words: list[str] = []
    for start in range(0, len(pcm), step):
        words += [heard.word for heard in decoder.push(pcm[start : start + step])]
    return words


def tone(text: str, codec: Codec = PCMU) -> bytes:
    """Encode text as a far end would say it."""
    return new_encoder(codec).from_pcm(encode(text, codec.rate_hz)[0])
