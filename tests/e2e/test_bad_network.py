"""Sound over a bad network, measured in what the server recorded of the caller."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cordboard.media import wave
from cordboard.media.codec import new_decoder
from tests.counts import count
from tests.e2e.impairment import MIRROR, Conditions, Mirror
from tests.e2e.probe import measure, signal
from tests.e2e.server import Server
from tests.e2e.wire_caller import Style, WireCaller, ringing

CLEAN_MS = 4_000
SETTLE_MS = 1_000
BAD_MS = count(6_000, 30_000)


def _caller_sound(server: Server, call_id: str) -> bytes:
    """Return what the server recorded of the caller, as PCM."""
    (call,) = server.calls(call_id)
    (path,) = Path(server.directory / "var" / "recordings").glob(f"*/{call['id']}.wav")
    recorded = wave.read(path.read_bytes())
    return new_decoder(recorded.codec).to_pcm(recorded.channels()[0])


def _sent_at_ms(caller: WireCaller, began: float) -> float:
    return (began - caller.acknowledged) * 1_000


@pytest.mark.parametrize(
    ("name", "conditions", "most_missing", "most_delay_ms"),
    [
        ("one-percent", Conditions(loss=0.01, jitter_ms=30), 0.01, 60),
        ("five-percent", Conditions(loss=0.05, jitter_ms=60), 0.05, 100),
        ("disorder", Conditions(reordered=0.05, late_ms=30, duplicated=0.05), 0.01, 60),
    ],
)
async def test_profile(
    mirrored: Server, name: str, conditions: Conditions, most_missing: float, most_delay_ms: float
) -> None:
    """Frames are delivered or concealed, little delay is added, no stall lasts above 200 ms."""
    async with Mirror(seed=11) as mirror:
        mirror.open(mirrored.sip_port)
        async with ringing((MIRROR, mirrored.sip_port), f"profile-{name}") as caller:
            async with asyncio.TaskGroup() as group:
                playing = group.create_task(caller.play(signal(CLEAN_MS + SETTLE_MS + BAD_MS)))
                await asyncio.sleep(CLEAN_MS / 1_000)
                mirror.conditions = conditions
            mirror.conditions = Conditions()
            sent_ms = _sent_at_ms(caller, playing.result())
    await mirrored.ended_calls(f"profile-{name}")
    pcm = _caller_sound(mirrored, f"profile-{name}")
    clean = measure(pcm, sent_ms, sent_ms + 1_000, sent_ms + CLEAN_MS)
    bad_from = sent_ms + CLEAN_MS + SETTLE_MS
    bad = measure(pcm, sent_ms, bad_from, bad_from + BAD_MS - 500)
    assert clean.missing == 0, clean
    assert bad.missing <= most_missing, bad
    assert bad.longest_gap_ms <= 200, bad
    assert bad.delay_ms - clean.delay_ms <= most_delay_ms, (clean, bad)


async def test_after_a_storm(mirrored: Server) -> None:
    """After three seconds of twenty percent loss all is normal within half a second."""
    async with Mirror(seed=12) as mirror:
        mirror.open(mirrored.sip_port)
        async with ringing((MIRROR, mirrored.sip_port), "storm") as caller:
            async with asyncio.TaskGroup() as group:
                playing = group.create_task(caller.play(signal(9_000)))
                await asyncio.sleep(3)
                mirror.conditions = Conditions(loss=0.2, jitter_ms=60)
                await asyncio.sleep(3)
                mirror.conditions = Conditions()
            sent_ms = _sent_at_ms(caller, playing.result())
    await mirrored.ended_calls("storm")
    after = measure(_caller_sound(mirrored, "storm"), sent_ms, sent_ms + 6_500, sent_ms + 8_800)
    assert after.missing == 0, after
    assert after.delays_ms, after
    assert max(after.delays_ms) <= 200, after


async def test_freeze(mirrored: Server) -> None:
    """Two seconds in which nothing moves are over half a second after they end."""
    async with Mirror(seed=13) as mirror:
        mirror.open(mirrored.sip_port)
        async with ringing((MIRROR, mirrored.sip_port), "freeze") as caller:
            async with asyncio.TaskGroup() as group:
                playing = group.create_task(caller.play(signal(9_000)))
                await asyncio.sleep(3)
                await mirror.freeze(2)
            sent_ms = _sent_at_ms(caller, playing.result())
    await mirrored.ended_calls("freeze")
    after = measure(_caller_sound(mirrored, "freeze"), sent_ms, sent_ms + 5_500, sent_ms + 8_800)
    assert after.missing <= 0.01, after
    assert max(after.delays_ms) <= 200, after


async def test_rebinding(mirrored: Server) -> None:
    """When a NAT moves the caller's sound to another port, both ways go on within a second."""
    async with Mirror(seed=14) as mirror:
        mirror.open(mirrored.sip_port)
        async with ringing((MIRROR, mirrored.sip_port), "rebinding") as caller:
            async with asyncio.TaskGroup() as group:
                playing = group.create_task(caller.play(signal(7_000)))
                await asyncio.sleep(3)
                mirror.rebind(caller.port)
                await asyncio.sleep(1)
                heard_before = len(caller.heard)
            sent_ms = _sent_at_ms(caller, playing.result())
            assert len(caller.heard) - heard_before >= 140
    await mirrored.ended_calls("rebinding")
    after = measure(_caller_sound(mirrored, "rebinding"), sent_ms, sent_ms + 4_000, sent_ms + 6_800)
    assert after.missing == 0, after


@pytest.mark.parametrize(
    ("name", "style"),
    [
        ("short-packets", Style(packet_ms=10)),
        ("long-packets", Style(packet_ms=60)),
        ("odd-packets", Style(packet_ms=30)),
        ("slow-clock", Style(pace=1.002)),
        ("fast-clock", Style(pace=0.998)),
    ],
)
async def test_style(mirrored: Server, name: str, style: Style) -> None:
    """Packets of any length, and clocks that differ, give sound without holes, not later and
    later.
    """
    seconds = count(8, 60)
    async with Mirror(seed=15) as mirror:
        mirror.open(mirrored.sip_port)
        async with ringing((MIRROR, mirrored.sip_port), name) as caller:
            began = await caller.play(signal(seconds * 1_000), style)
            sent_ms = _sent_at_ms(caller, began)
    await mirrored.ended_calls(name)
    lasted_ms = seconds * 1_000 * style.pace
    heard = measure(_caller_sound(mirrored, name), sent_ms, sent_ms + 1_000, sent_ms + lasted_ms)
    assert heard.missing <= 0.02, heard


async def test_new_source_after_a_pause(mirrored: Server) -> None:
    """A stream that pauses, then goes on as another SSRC with other numbers, is heard on."""
    async with Mirror(seed=16) as mirror:
        mirror.open(mirrored.sip_port)
        async with ringing((MIRROR, mirrored.sip_port), "new-source") as caller:
            await caller.play(signal(2_000))
            await caller.pause(0.6)
            await caller.play(signal(1_000))
            caller.numbers.ssrc, caller.numbers.sequence = 0x0BADCAFE, 77
            caller.numbers.timestamp = 123_456
            began = await caller.play(signal(3_000))
            sent_ms = _sent_at_ms(caller, began)
    await mirrored.ended_calls("new-source")
    heard = measure(_caller_sound(mirrored, "new-source"), sent_ms, sent_ms + 500, sent_ms + 2_900)
    assert heard.missing == 0, heard
    assert max(heard.delays_ms) <= 150, heard
