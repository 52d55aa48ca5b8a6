"""The engine's own stream handling over this vendor, through a network that breaks."""

from __future__ import annotations

import asyncio
from collections import deque

from cordboard.call.events import Event, WordsHeard
from cordboard.call.plan import TranscriberPlan
from cordboard.engine.breaker import Breakers
from cordboard.engine.facts import FactLog
from cordboard.engine.timeline import Timeline
from cordboard.engine.transcribing import Transcribing, TranscribingParts
from cordboard.media.codec import PCMU
from cordboard.providers.transcribers.deepgram.transcriber import (
    DeepgramOptions,
    DeepgramTranscriber,
)
from tests.engine.rig import Rig
from tests.fakes.chaos import Chaos
from tests.fakes.listen import FakeListen


class _Heard:
    """What a call is told."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.news = asyncio.Event()

    def post(self, event: Event) -> None:
        self.events.append(event)
        self.news.set()

    async def final(self, text: str) -> None:
        """Wait until these final words are heard."""
        async with asyncio.timeout(5):
            while not any(
                isinstance(event, WordsHeard) and event.final and event.text == text
                for event in self.events
            ):
                self.news.clear()
                await self.news.wait()


def _speak(transcribing: Transcribing) -> None:
    transcribing.speech_started()
    for _ in range(20):
        transcribing.feed(b"\x31" * 160)
    transcribing.speech_stopped(None)


async def test_a_stream_that_breaks_is_replaced() -> None:
    """After a reset in the middle of a call another stream hears the next words (R33), and what
    is fed meanwhile waits for it.
    """
    fake = FakeListen(utterances=deque(["first words", "second words", "third words"]))
    async with fake.running():
        chaos, heard, rig = Chaos(fake.url.removeprefix("http://")), _Heard(), Rig()
        async with chaos.running():
            options = DeepgramOptions(api_key=fake.key, base_url=f"http://{chaos.host}")
            async with DeepgramTranscriber(options) as transcriber, asyncio.TaskGroup() as group:
                parts = TranscribingParts(
                    leg=rig.leg(),
                    by_name=lambda _: [],
                    transcribers=[transcriber],
                    plan=TranscriberPlan(),
                    language="en",
                    facts=FactLog(rig.new_call(), rig.store, rig.clock, Timeline(rig.clock)),
                    report=rig.report,
                    breaker=Breakers().of("org", rig.clock.now_ms),
                    post=heard.post,
                )
                transcribing = Transcribing(parts)
                running = group.create_task(transcribing.run())
                # Before the stream is open sound waits; the hint that speech ended does not.
                for _ in range(20):
                    transcribing.feed(b"\x31" * 160)
                for _ in range(20):
                    transcribing.feed(PCMU.silence_frame)
                await heard.final("first words")
                _speak(transcribing)
                await heard.final("second words")
                chaos.drop_all()
                await asyncio.sleep(0.2)
                _speak(transcribing)
                await heard.final("third words")
                running.cancel()
    assert rig.reports == []
    assert len(fake.queries) == 2
