"""Sound over a bad network, measured in what the server recorded of the caller."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from tests.counts import count, torture
from tests.e2e.impairment import MIRROR, Conditions, Mirror
from tests.e2e.probe import Measured, measure, signal
from tests.e2e.server import Json, Server
from tests.e2e.sounds import recorded, spoken
from tests.e2e.wire_caller import Style, WireCaller, ringing

CLEAN_MS = 4_000
SETTLE_MS = 1_000
BAD_MS = count(5_000, 30_000)
FAIR_MS = 30.0
"""A caller whose own packets left later than this has measured the machine: it tries again."""

Story = Callable[[WireCaller, Mirror], Awaitable[float]]

_seeds = itertools.count(11)


@dataclass(frozen=True, slots=True)
class Told:
    """What a story left behind: the call, the caller's sound, and when its signal was sent, both
    on the recording's timeline.
    """

    call: Json
    pcm: bytes
    sent_ms: float

    def measure(self, from_ms: float, to_ms: float) -> Measured:
        """Measure between two moments of the signal."""
        return measure(self.pcm, self.sent_ms, self.sent_ms + from_ms, self.sent_ms + to_ms)


async def _tell(server: Server, story: Story) -> Told:
    """Let a story happen on a call through a mirror; it returns when its signal began."""
    for attempt in range(3):
        handle = f"story-{next(_seeds)}"
        async with Mirror(seed=11) as mirror:
            mirror.open(server.sip_port)
            async with ringing((MIRROR, server.sip_port), handle) as caller:
                began = await story(caller, mirror)
            mirror.conditions = Conditions()
        (call,) = await server.ended_calls(handle)
        if caller.latest_ms <= FAIR_MS or attempt == 2:
            break
    sent_ms = (began - caller.acknowledged) * 1_000
    return Told(call, recorded(server.directory, call["id"]), sent_ms)


PROFILES = {
    "one percent": (Conditions(loss=0.01, jitter_ms=30), 0.01, 60),
    "five percent": (Conditions(loss=0.05, jitter_ms=60), 0.05, 100),
    "disorder": (Conditions(reordered=0.05, late_ms=30, duplicated=0.05), 0.01, 60),
    "jitter": (Conditions(jitter_ms=80, delay_ms=40), 0.02, 160),
}


@pytest.mark.parametrize("name", list(PROFILES) if torture() else ["one percent"])
async def test_profile(mirrored: Server, name: str) -> None:
    """Frames are delivered or concealed, little delay is added, no stall lasts above 200 ms."""
    conditions, most_missing, most_delay_ms = PROFILES[name]

    async def story(caller: WireCaller, mirror: Mirror) -> float:
        async with asyncio.TaskGroup() as group:
            playing = group.create_task(caller.play(signal(CLEAN_MS + SETTLE_MS + BAD_MS)))
            await asyncio.sleep(CLEAN_MS / 1_000)
            mirror.conditions = conditions
        return playing.result()

    told = await _tell(mirrored, story)
    clean = told.measure(1_000, CLEAN_MS)
    bad = told.measure(CLEAN_MS + SETTLE_MS, CLEAN_MS + SETTLE_MS + BAD_MS - 500)
    assert clean.missing == 0, clean
    assert bad.missing <= most_missing, bad
    assert bad.longest_gap_ms <= 200, bad
    assert bad.delay_ms - clean.delay_ms <= most_delay_ms, (clean, bad)


async def test_after_a_storm(mirrored: Server) -> None:
    """After three seconds of twenty percent loss all is normal within half a second."""

    async def story(caller: WireCaller, mirror: Mirror) -> float:
        async with asyncio.TaskGroup() as group:
            playing = group.create_task(caller.play(signal(8_000)))
            await asyncio.sleep(2)
            mirror.conditions = Conditions(loss=0.2, jitter_ms=60)
            await asyncio.sleep(3)
            mirror.conditions = Conditions()
        return playing.result()

    after = (await _tell(mirrored, story)).measure(5_500, 7_800)
    assert after.missing == 0, after
    assert after.delays_ms, after
    assert max(after.delays_ms) <= 200, after


async def test_freeze(mirrored: Server) -> None:
    """Two seconds in which nothing moves are over half a second after they end."""

    async def story(caller: WireCaller, mirror: Mirror) -> float:
        async with asyncio.TaskGroup() as group:
            playing = group.create_task(caller.play(signal(7_000)))
            await asyncio.sleep(2)
            await mirror.freeze(2)
        return playing.result()

    after = (await _tell(mirrored, story)).measure(4_500, 6_800)
    assert after.missing == 0, after
    assert max(after.delays_ms) <= 200, after


async def test_rebinding(mirrored: Server) -> None:
    """When a NAT moves the caller's sound to another port, both ways go on within a second."""
    heard: list[int] = []

    async def story(caller: WireCaller, mirror: Mirror) -> float:
        async with asyncio.TaskGroup() as group:
            playing = group.create_task(caller.play(signal(6_000)))
            await asyncio.sleep(2)
            mirror.rebind(caller.port)
            await asyncio.sleep(1)
            before = len(caller.heard)
        heard.append(len(caller.heard) - before)
        return playing.result()

    after = (await _tell(mirrored, story)).measure(3_000, 5_800)
    assert after.missing == 0, after
    assert heard[-1] >= 140


STYLES = {
    "short packets": Style(packet_ms=10),
    "odd packets": Style(packet_ms=30),
    "long packets": Style(packet_ms=60),
    "slow clock": Style(pace=1.002),
    "fast clock": Style(pace=0.998),
}


@pytest.mark.parametrize("name", list(STYLES) if torture() else ["odd packets"])
async def test_style(mirrored: Server, name: str) -> None:
    """Packets of any length, and clocks that differ, give sound without holes."""
    seconds, style = count(5, 60), STYLES[name]

    async def story(caller: WireCaller, mirror: Mirror) -> float:
        return await caller.play(signal(seconds * 1_000), style)

    heard = (await _tell(mirrored, story)).measure(1_000, seconds * 1_000 * style.pace - 200)
    assert heard.missing <= 0.01, heard


async def test_new_source_after_a_pause(mirrored: Server) -> None:
    """A stream that pauses, then goes on as another SSRC with other numbers, is heard on."""

    async def story(caller: WireCaller, mirror: Mirror) -> float:
        await caller.play(signal(1_000))
        await caller.pause(0.6)
        await caller.play(signal(1_000))
        caller.numbers.ssrc, caller.numbers.sequence = 0x0BADCAFE, 77
        caller.numbers.timestamp = 123_456
        return await caller.play(signal(3_000))

    heard = (await _tell(mirrored, story)).measure(500, 2_900)
    assert heard.missing == 0, heard
    assert max(heard.delays_ms) <= 150, heard


WORDS = "one two three four five six seven eight nine ten eleven twelve"


@pytest.mark.parametrize(
    ("conditions", "least"), [(Conditions(jitter_ms=30), 12), (Conditions(loss=0.01), 8)]
)
async def test_words(mirrored: Server, conditions: Conditions, least: int) -> None:
    """Jitter costs no word; one lost packet costs no more than the word it belonged to."""

    async def story(caller: WireCaller, mirror: Mirror) -> float:
        mirror.conditions = conditions
        await caller.pause(1.6)
        return await caller.play(spoken(WORDS, 8_000, 400, 1_500))

    call = (await _tell(mirrored, story)).call
    said = " ".join(
        line.removeprefix("HUMAN: ")
        for line in call["transcript"].splitlines()
        if line.startswith("HUMAN: ")
    )
    understood = [word for word in WORDS.split() if word in said.split()]
    assert len(understood) >= least, call["transcript"]


async def test_everything_ten_times(mirrored: Server) -> None:
    """When every datagram arrives ten times there is one call, one row and one of each event."""

    async def story(caller: WireCaller, mirror: Mirror) -> float:
        mirror.conditions = Conditions(copies=10)
        return await caller.play(signal(1_000))

    told = await _tell(mirrored, story)
    kinds = [fact["kind"] for fact in mirrored.events(told.call["id"])]
    assert [kinds.count(kind) for kind in ("leg_answered", "leg_ended", "ended")] == [1, 1, 1]
    assert told.call["stage_outcome"] == "human_disconnected"
