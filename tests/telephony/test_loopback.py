"""The carrier of memory, by the rules that every leg has to keep."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.call.events import LegEndedBy
from cordboard.clock import VirtualClock, run_virtual
from cordboard.engine.clock import MediaClock
from cordboard.ids import Randomness
from cordboard.media.codec import FRAME_MS, L16_8K, PCMA, PCMU
from cordboard.ports import Leg, LegFailed
from cordboard.telephony.loopback import GOOD, Conditions, LoopbackLeg

SILENCE = PCMU.silence_frame
FRAMES = [bytes([number]) * 160 for number in range(1, 101)]


class Sink:
    """Remembers what a leg tells."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.told: list[tuple[str, object]] = []

    def audio_received(self, payload: bytes) -> None:
        self.frames.append(payload)

    def mark_reached(self, mark: str) -> None:
        self.told.append((mark, len(self.frames)))

    def digit_pressed(self, digit: str) -> None:
        self.told.append(("digit", digit))

    def digits_sent(self, request_id: str, failure: str | None) -> None:
        self.told.append((request_id, failure))

    def held(self, on: bool) -> None:
        self.told.append(("held", on))

    def codec_changed(self) -> None:
        self.told.append(("codec", None))

    def ended(self, by: LegEndedBy, cause: str) -> None:
        self.told.append((f"ended by {by}", cause))


Script = Callable[[LoopbackLeg, Sink], Awaitable[None]]


def link(script: Script, conditions: Conditions = GOOD, seed: int = 1) -> None:
    """Run ``script`` with a leg on a ticking media clock."""

    def fail(where: str, error: BaseException) -> None:
        raise AssertionError(where) from error

    async def main() -> None:
        media_clock = MediaClock(VirtualClock(), fail)
        leg = LoopbackLeg("leg", media_clock, Randomness.seeded(seed), conditions=conditions)
        port: Leg = leg
        sink = Sink()
        port.start(sink)
        async with asyncio.TaskGroup() as group:
            ticking = group.create_task(media_clock.run())
            await script(leg, sink)
            ticking.cancel()

    run_virtual(main())


def frames_of(sound: bytes | bytearray) -> list[bytes]:
    """Cut what was heard into frames, without silence."""
    frames = [bytes(sound[start : start + 160]) for start in range(0, len(sound), 160)]
    return [frame for frame in frames if frame != SILENCE]


def test_both_ways_in_order() -> None:
    """Frames arrive once, in order, one a tick, with silence where nothing was said."""

    async def script(leg: LoopbackLeg, sink: Sink) -> None:
        leg.play(b"".join(FRAMES[:50]))
        leg.far_end.play(b"".join(FRAMES[50:]))
        await leg.answer()
        await asyncio.sleep(2)
        assert frames_of(leg.far_end.heard) == FRAMES[:50]
        assert frames_of(b"".join(sink.frames)) == FRAMES[50:]
        assert len(sink.frames) * 160 == len(leg.far_end.heard)
        assert 99 <= len(sink.frames) <= 100

    link(script)


@given(st.lists(st.integers(1, 700), max_size=8))
def test_any_lengths(sizes: list[int]) -> None:
    """Pieces of any length become whole frames; a mark ends the last one with silence."""

    async def script(leg: LoopbackLeg, sink: Sink) -> None:
        await leg.answer()
        for size in sizes:
            leg.play(b"\x11" * size)
        leg.mark("end")
        await asyncio.sleep(1)
        heard = bytes(leg.far_end.heard)
        assert heard.rstrip(b"\xff") == b"\x11" * sum(sizes)
        (told,) = sink.told
        assert told[0] == "end"
        assert told[1] == max(-(-sum(sizes) // 160) - 1, 0)

    link(script)


def test_clear_tells_what_was_not_heard() -> None:
    """Played and cleared add up to what was queued; pending marks are dropped with the sound."""

    async def script(leg: LoopbackLeg, sink: Sink) -> None:
        await leg.answer()
        leg.play(b"".join(FRAMES[:50]))
        leg.mark("never")
        await asyncio.sleep(0.5)
        unheard_ms = leg.clear()
        await asyncio.sleep(1)
        played = frames_of(leg.far_end.heard)
        assert played == FRAMES[: len(played)]
        assert unheard_ms == (50 - len(played)) * FRAME_MS
        assert 24 <= len(played) <= 25
        assert sink.told == []
        assert leg.clear() == 0

    link(script)


def end_by_us(leg: LoopbackLeg) -> Awaitable[None]:
    """Release the far end."""
    return leg.end()


async def end_by_them(leg: LoopbackLeg) -> None:
    """Hang up on the other side."""
    leg.far_end.hang_up()


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize(
    ("end", "by"), [(end_by_us, LegEndedBy.LOCAL), (end_by_them, LegEndedBy.FAR_END)]
)
def test_ended_once(
    end: Callable[[LoopbackLeg], Awaitable[None]], by: LegEndedBy, answered: bool
) -> None:
    """Whoever ends it, the sink hears of it once, and nothing comes after."""

    async def script(leg: LoopbackLeg, sink: Sink) -> None:
        if answered:
            await leg.answer()
            await asyncio.sleep(0.1)
        await end(leg)
        await leg.end()
        leg.far_end.hang_up()
        leg.far_end.press("1")
        count = len(sink.frames)
        await asyncio.sleep(0.1)
        (told,) = sink.told
        assert told[0] == f"ended by {by}"
        assert leg.far_end.ended_by is by
        assert len(sink.frames) == count
        with pytest.raises(LegFailed):
            await leg.answer()

    link(script)


def test_refusal() -> None:
    """A refused leg is over, and the far end knows the status."""

    async def script(leg: LoopbackLeg, sink: Sink) -> None:
        await leg.refuse(486)
        assert leg.far_end.refused_with == 486
        assert sink.told == [("ended by local", "486")]

    link(script)


def test_what_else_a_far_end_does() -> None:
    """Keys, hold and a change of codec reach the sink; digits reach the far end."""

    async def script(leg: LoopbackLeg, sink: Sink) -> None:
        await leg.answer()
        leg.far_end.press("5")
        leg.far_end.hold(True)
        leg.change_codec(PCMA)
        leg.send_digits("d1", "12#")
        assert sink.told == [("digit", "5"), ("held", True), ("codec", None), ("d1", None)]
        assert leg.far_end.digits == "12#"
        assert leg.codec == leg.far_end.codec == PCMA
        await asyncio.sleep(0.1)
        assert sink.frames[-1] == PCMA.silence_frame

    link(script)


def test_bad_conditions() -> None:
    """Loss takes its share, jitter keeps the order, marks come late, the far end vanishes."""

    async def script(leg: LoopbackLeg, sink: Sink) -> None:
        leg.far_end.play(b"".join(FRAMES))
        leg.play(FRAMES[0])
        leg.mark("m")
        await leg.answer()
        await asyncio.sleep(5)
        heard = frames_of(b"".join(sink.frames))
        assert heard == sorted(heard)
        assert 70 <= len(heard) < 100
        marks = [told[1] for told in sink.told if told[0] == "m"]
        assert marks == [pytest.approx(13, abs=13)]
        assert sink.told[-1] == ("ended by far_end", "gone")
        assert len(sink.frames) == 3000 // FRAME_MS

    rough = Conditions(loss=0.1, jitter_ms=80, mark_delay_ms=500, hangup_after_ms=3000)
    for seed in range(5):
        link(script, rough, seed)


def test_same_seed_same_call() -> None:
    """Misbehaviour is drawn from the seed alone."""
    heard: list[list[bytes]] = []

    async def script(leg: LoopbackLeg, sink: Sink) -> None:
        leg.far_end.play(b"".join(FRAMES))
        await leg.answer()
        await asyncio.sleep(3)
        heard.append(sink.frames)

    for seed in (1, 1, 2):
        link(script, Conditions(loss=0.2, jitter_ms=60), seed)
    assert heard[0] == heard[1] != heard[2]


def test_answer_that_fails() -> None:
    """Under that condition answering raises, and the leg is over."""

    async def script(leg: LoopbackLeg, sink: Sink) -> None:
        with pytest.raises(LegFailed):
            await leg.answer()
        assert sink.told == [("ended by failure", "unanswered")]

    link(script, Conditions(answer_fails=True))


def test_wider_frames() -> None:
    """Frames follow the codec."""

    async def main() -> None:
        media_clock = MediaClock(VirtualClock(), lambda where, error: None)
        leg = LoopbackLeg("leg", media_clock, Randomness.seeded(1), L16_8K)
        sink = Sink()
        leg.start(sink)
        await leg.answer()
        leg.play(b"\x01\x02" * 160)
        media_clock.catch_up(VirtualClock().now_ms())
        assert bytes(leg.far_end.heard) == b"\x01\x02" * 160
        assert sink.frames == [bytes(320)]

    run_virtual(main())
