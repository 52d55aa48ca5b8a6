"""The stream of one leg against the media clock, in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from cordboard.clock import VirtualClock, run_virtual
from cordboard.engine.clock import MediaClock
from cordboard.ids import Randomness
from cordboard.media.rtp import PacketBuilder
from cordboard.sip.offer_answer import LocalMedia, make_offer
from cordboard.telephony.sip.media_choice import choose, offered_codecs
from cordboard.telephony.sip.ports import PortRange
from cordboard.telephony.sip.stream import RtpHost, RtpStream

PEER = ("127.0.0.1", 40_000)
MOST_WAIT_MS = 15
SETTLED_AFTER_S = 14.0
"""It takes long here, because no packet is quiet: only such are left out at once."""

PACKETS = 900


class Waits:
    """A sink that notes how long each frame has waited since its packet came."""

    def __init__(self, clock: VirtualClock) -> None:
        self.came_ms: dict[bytes, int] = {}
        self.waits_ms: list[int] = []
        self.order: list[bytes] = []
        self._clock = clock

    def audio_received(self, payload: bytes) -> None:
        came_ms = self.came_ms.get(payload)
        if came_ms is not None:
            self.waits_ms.append(self._clock.now_ms() - came_ms)
            self.order.append(payload)

    def mark_reached(self, mark: str) -> None:
        raise AssertionError

    def digit_pressed(self, digit: str) -> None:
        raise AssertionError

    def digits_sent(self, request_id: str, failure: str | None) -> None:
        raise AssertionError

    def held(self, on: bool) -> None:
        raise AssertionError

    def codec_changed(self) -> None:
        raise AssertionError

    def ended(self, by: object, cause: str) -> None:
        raise AssertionError


@pytest.mark.parametrize("offset_ms", range(20))
def test_served_soon_after_packets_come(offset_ms: int) -> None:
    """Wherever in 20 ms a steady far end sends, after some seconds a frame waits 15 ms at most.

    No frame comes twice or out of order, and none but those that shorten the wait is left out.
    """
    run_virtual(_call(offset_ms))


async def _call(offset_ms: int) -> None:
    clock = VirtualClock()
    ticker = MediaClock(clock, _broke, 4)
    host = RtpHost(
        "127.0.0.1", "127.0.0.1", PortRange(30_000, 30_010), clock, ticker, Randomness.seeded(1)
    )
    stream, sink = RtpStream(host), Waits(clock)
    offer = make_offer(offered_codecs(("PCMU/8000",)), LocalMedia(*PEER, 1)).encode()
    stream.settle(choose(offer, ("PCMU/8000",), PEER)[1], PEER[0])
    stream.start(sink)
    builder = PacketBuilder(7, 0, 0, 0)
    async with asyncio.TaskGroup() as group:
        ticking = group.create_task(ticker.run())
        start_ms = clock.now_ms() + offset_ms
        for number in range(PACKETS):
            await asyncio.sleep((start_ms + 20 * number - clock.now_ms()) / 1000)
            payload = number.to_bytes(2, "big") * 80
            sink.came_ms[payload] = clock.now_ms()
            stream.datagram_received(builder.build(payload), PEER)
        ticking.cancel()
    assert sink.order == sorted(set(sink.order))
    assert len(sink.order) >= PACKETS - 5
    settled = sink.waits_ms[int(SETTLED_AFTER_S * 50) :]
    assert max(settled) <= MOST_WAIT_MS, (max(settled), min(settled))
    stream.close()


def _broke(where: str, error: BaseException) -> None:
    raise AssertionError(where) from error
