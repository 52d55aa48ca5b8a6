"""One whole call on the real loop: loopback carrier, the real adapters, and between them and fake
vendors a network that breaks.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from cordboard.call.agent import AgentOperator
from cordboard.call.machine import Call
from cordboard.call.plan import CallPlan, LanguageModelPlan, TranscriberPlan, VoicePlan
from cordboard.clock import SystemClock
from cordboard.engine.clock import MediaClock
from cordboard.engine.parts import CallParts, Choice, EngineParts
from cordboard.engine.runner import Runner
from cordboard.ids import Randomness
from cordboard.media.codec import FRAME_MS, PCMU
from cordboard.ports import CallEnding, NewCall
from cordboard.providers.language_models.openai_compatible.model import ChatModel, ChatOptions
from cordboard.providers.phrases.store import PackagedPhrases
from cordboard.providers.synthesizers.elevenlabs.synthesizer import (
    ElevenLabsOptions,
    ElevenLabsSynthesizer,
)
from cordboard.providers.synthesizers.tone.synthesizer import ToneSynthesizer
from cordboard.providers.transcribers.deepgram.transcriber import (
    DeepgramOptions,
    DeepgramTranscriber,
)
from cordboard.providers.transcribers.tone.transcriber import ToneTranscriber
from cordboard.telephony.loopback import FarEnd, LoopbackLeg
from tests.calls import new_call
from tests.engine.rig import MemoryStore, NoActions
from tests.fakes.chaos import Chaos
from tests.fakes.chat import FakeChat
from tests.fakes.listen import FakeListen
from tests.fakes.serving import Faults
from tests.fakes.speech import CHARACTER_MS, FakeSpeech

EMBEDDED = "embedded"
GREETING = "Hi."
SAID = "book a table"
REPLY = "Of course, for two. See you then."
_QUIET = frozenset((0xFF, 0x7F))
_WORDS_MS = 1_200
_WORDS = b"\x31" * 8 * _WORDS_MS


@dataclass
class House:
    """Three fake vendors, and the networks before them by the same names."""

    chat: FakeChat = field(default_factory=lambda: FakeChat(tokens=REPLY.split(" ")))
    listen: FakeListen = field(default_factory=lambda: FakeListen(deque([SAID] * 20)))
    speech: FakeSpeech = field(default_factory=FakeSpeech)
    nets: dict[str, Chaos] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    """Where to connect to in place of a network, for those that are somewhere else."""

    greeting: str | None = GREETING
    thinks_ahead: bool = True
    has_embedded: bool = False
    """Whether ears and a voice of our own stand behind the vendors', as where they are installed:
    those of the tone code, whose words can be told.
    """
    store: MemoryStore = field(default_factory=MemoryStore)
    reports: list[tuple[str, BaseException]] = field(default_factory=list)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[House]:
        """Serve while the block lasts."""
        words = REPLY.split(" ")
        self.chat.tokens = [words[0], *(f" {word}" for word in words[1:])]
        async with AsyncExitStack() as stack:
            for name, fake in (
                ("chat", self.chat),
                ("listen", self.listen),
                ("speech", self.speech),
            ):
                await stack.enter_async_context(fake.running())
                target = fake.url.removeprefix("http://").partition("/")[0]
                net = Chaos(target)
                await stack.enter_async_context(net.running())
                self.nets[name] = net
            yield self

    def faults_of(self, vendor: str) -> Faults:
        """Return what goes wrong within a vendor."""
        faults = {
            "chat": self.chat.faults,
            "listen": self.listen.faults,
            "speech": self.speech.faults,
        }
        return faults[vendor]

    async def call(self, caller: Caller, wait_s: float = 60) -> CallEnding:
        """Run one call to its end."""
        async with AsyncExitStack() as stack:
            engine = await self._engine(stack)
            leg = LoopbackLeg("leg1", engine.media_clock, Randomness.seeded(1), PCMU)
            caller.listens(leg.far_end)
            new = _new_call(engine.clock.wall(), self.greeting)
            brain = Call(new.call_id, new.plan, AgentOperator(), thinks_ahead=self.thinks_ahead)
            runner = Runner(CallParts(engine, new, leg, brain))
            async with asyncio.TaskGroup() as group:
                ticking = group.create_task(engine.media_clock.run())
                talking = group.create_task(caller.talks())
                async with asyncio.timeout(wait_s):
                    ending = await runner.run()
                talking.cancel()
                ticking.cancel()
        return ending

    async def _engine(self, stack: AsyncExitStack) -> EngineParts:
        clock = SystemClock()
        urls = {name: f"http://{net.host}" for name, net in self.nets.items()} | self.urls
        chat = ChatModel(ChatOptions(base_url=f"{urls['chat']}/v1", api_key="key-1"))
        listen = DeepgramTranscriber(DeepgramOptions(api_key="key-1", base_url=urls["listen"]))
        speech = ElevenLabsSynthesizer(
            ElevenLabsOptions(api_key="key-1", base_url=urls["speech"], voice="v")
        )
        fallbacks = {"auto": (EMBEDDED,)} if self.has_embedded else {}
        return EngineParts(
            clock=clock,
            media_clock=MediaClock(clock, self._report),
            store=self.store,
            transcribers=Choice(
                {"auto": await stack.enter_async_context(listen), EMBEDDED: ToneTranscriber()},
                "auto",
                fallbacks,
            ),
            synthesizers=Choice(
                {"auto": await stack.enter_async_context(speech), EMBEDDED: ToneSynthesizer()},
                "auto",
                fallbacks,
            ),
            language_models=Choice({"auto": await stack.enter_async_context(chat)}, "auto"),
            action_runner=NoActions(),
            phrases=PackagedPhrases(),
            report=self._report,
        )

    def _report(self, where: str, error: BaseException) -> None:
        self.reports.append((where, error))


class Caller:
    """Listens to the greeting, says one thing, waits for what follows, hangs up.

    ``patience_s`` is how long after its words it hangs up. Everything is counted in frames heard.
    """

    def __init__(self, patience_s: float = 8.0, first_words_s: float = 1.0) -> None:
        self._patience_s = patience_s
        self._first_words_s = first_words_s
        self._far: FarEnd | None = None
        self._answered = asyncio.Event()
        self.at_answer: Callable[[], None] = lambda: None
        self.spoken = _WORDS
        self.stopped_ms: list[int] = []
        """When each of its sayings ended, on the time line of what it heard."""

    def listens(self, far: FarEnd) -> None:
        """Take the far end of the call."""
        self._far = far
        far.on_frame = lambda frame: self._answered.set()

    @property
    def far(self) -> FarEnd:
        """The caller's telephone."""
        assert self._far is not None
        return self._far

    @property
    def now_ms(self) -> int:
        """How much has been heard."""
        return len(self.far.heard) // 8

    async def talks(self) -> None:
        """Do all of it."""
        await self._answered.wait()
        self.at_answer()
        await asyncio.sleep(self._first_words_s)
        await self.says()
        await asyncio.sleep(self._patience_s)
        self.far.hang_up()

    async def says(self) -> None:
        """Say something."""
        self.stopped_ms.append(self.now_ms + len(self.spoken) // 8)
        self.far.play(self.spoken)
        await asyncio.sleep(len(self.spoken) / 8_000)

    def silent_ms(self, from_ms: int) -> int:
        """Return how long nothing was heard from there on."""
        heard = self.far.heard
        for at in range(from_ms * 8, len(heard), 160):
            if not _QUIET.issuperset(heard[at : at + 160]):
                return at // 8 - from_ms
        return len(heard) // 8 - from_ms

    def longest_silence_ms(self) -> int:
        """Return the longest silence from the answer to the end, the caller's own words apart."""
        longest = run = 0
        for at in range(0, len(self.far.heard), 160):
            quiet = _QUIET.issuperset(self.far.heard[at : at + 160])
            run = run + FRAME_MS if quiet else 0
            longest = max(longest, run)
        return longest

    def words(self) -> str:
        """Return what the fake voice was heard to say, byte for byte; stored phrases are left
        out.
        """
        text = ""
        heard = bytes(self.far.heard)
        size = 8 * CHARACTER_MS
        at = 0
        while at < len(heard):
            end = at
            while end < len(heard) and heard[end] == heard[at]:
                end += 1
            if heard[at] not in _QUIET:
                text += chr(heard[at]) * ((end - at + size // 2) // size)
            at = end
        return "".join(character for character in text if character.isprintable())


def _new_call(at: datetime, greeting: str | None) -> NewCall:
    plan = CallPlan(
        organisation_id="org",
        voice=VoicePlan(),
        transcriber=TranscriberPlan(),
        language_model=LanguageModelPlan(),
        initial_message=greeting,
        record=False,
    )
    return new_call(plan, at=at)
