"""One leg's RTP socket on the media clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from cordboard.media.codec import FRAME_MS
from cordboard.media.source import SourceLock
from cordboard.ports import Clock, LegSink, Randomness
from cordboard.sip.datagram import Address
from cordboard.telephony.sip.media_choice import MediaChoice, MediaPermits, to_peer_only
from cordboard.telephony.sip.ports import NoPortLeft, PortRange
from cordboard.telephony.sip.receiver import RtpReceiver
from cordboard.telephony.sip.sender import RtpSender

SILENT_PEER_MS = 30_000
"""So long we send to a far end that sends nothing; after that only what is heard from it revives
us.
"""


TAIL_MS = 120
"""So much a far end's jitter buffer may hold back; it is dropped when BYE overtakes it."""


class PhasedTicker(Protocol):
    """The media clock; ``due_ms`` names a time at or after which a tick is to be due, in steps of
    20 ms from there.
    """

    def add(self, tick: Callable[[int], None], due_ms: int | None = None) -> Callable[[], None]:
        """Have ``tick(now_ms)`` called once every 20 ms; returns the function that ends it."""
        ...


@dataclass(frozen=True, slots=True)
class RtpHost:
    """What every stream of a process shares. ``advertised`` is what session descriptions name,
    ``permits`` judges the hosts that peers' descriptions name.
    """

    bind: str
    advertised: str
    ports: PortRange
    clock: Clock
    ticker: PhasedTicker
    randomness: Randomness
    permits: MediaPermits = to_peer_only


class RtpStream(asyncio.DatagramProtocol):
    """Sound of one leg. ``open``, then ``settle`` when the codec is known, then ``start``;
    ``close`` at the end.
    """

    def __init__(self, host: RtpHost) -> None:
        self.port = 0
        self.sending = True
        self.receiver: RtpReceiver | None = None
        self.sender: RtpSender | None = None
        self._host = host
        self._transport: asyncio.DatagramTransport | None = None
        self._sink: LegSink | None = None
        self._place = _Place(host.ticker, self._tick)
        self._started_ms = 0
        self._silenced = False

    @property
    def tail_ms(self) -> int:
        """How long the last sound sent may still be on its way to the far end's ear."""
        if self.sender is None or self._sink is None:
            return 0
        return max(0, TAIL_MS - FRAME_MS * self.sender.quiet_ticks)

    async def open(self) -> int:
        """Bind a port of the range; returns it. Raises ``NoPortLeft``."""
        loop = asyncio.get_running_loop()
        while True:
            port = self._host.ports.take(self._host.clock.now_ms())
            try:
                self._transport, _ = await loop.create_datagram_endpoint(
                    lambda: self, local_addr=(self._host.bind, port)
                )
            except OSError:
                self._host.ports.discard(port)
                continue
            self.port = port
            return port

    def settle(self, choice: MediaChoice, signalling_host: str) -> None:
        """Take codec, payload types and far address; again when a re-INVITE changes them."""
        payload_type = choice.audio.codec.payload_type
        remote = choice.audio.remote
        if self.receiver is None or self.sender is None:
            ssrc = int.from_bytes(self._host.randomness.random_bytes(4), "big")
            self.sender = RtpSender(choice.codec, payload_type, choice.event_type, ssrc)
            lock = SourceLock(remote or ("", 0), hosts=(signalling_host,))
            self.receiver = RtpReceiver(
                choice.codec, payload_type, choice.event_type, lock, self._digit
            )
        else:
            self.sender.change(choice.codec, payload_type, choice.event_type)
            self.receiver.change(choice.codec, payload_type, choice.event_type)
            if remote is not None:
                self.receiver.lock.expect(remote)
        self.sending = choice.audio.may_send

    def start(self, sink: LegSink) -> None:
        """Begin to send and to deliver, one frame a tick."""
        self._sink = sink
        self._started_ms = self._host.clock.now_ms()
        self._place.take()

    def close(self) -> None:
        """Stop and free the port."""
        self._place.leave()
        self._sink = None
        if self._transport is not None:
            self._transport.close()
            self._transport = None
            self._host.ports.give_back(self.port, self._host.clock.now_ms())

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take one datagram (asyncio's callback)."""
        if self.receiver is not None and self._sink is not None:
            self.receiver.receive(data, addr, self._host.clock.now_ms())

    def error_received(self, exc: Exception) -> None:
        """Ignore that a packet of ours found nobody."""

    def _tick(self, now_ms: int) -> None:
        sink, receiver, sender = self._sink, self.receiver, self.sender
        if sink is None or receiver is None or sender is None:
            return
        sink.audio_received(receiver.tick(now_ms))
        if not self._place.settled and receiver.spare_ms is not None:
            self._place.settle(now_ms - max(receiver.spare_ms, 0))
        packets, marks, digits_done, _ = sender.tick()
        target = self._target(receiver, now_ms)
        if target is not None and self._transport is not None:
            for packet in packets:
                self._transport.sendto(packet, target)
        for mark in marks:
            sink.mark_reached(mark)
        if digits_done is not None:
            sink.digits_sent(digits_done, None)

    def _target(self, receiver: RtpReceiver, now_ms: int) -> Address | None:
        if not self.sending:
            return None
        last_ms = self._started_ms if receiver.last_packet_ms is None else receiver.last_packet_ms
        if now_ms - last_ms > SILENT_PEER_MS and receiver.last_packet_ms is None:
            return None
        return receiver.lock.target

    def _digit(self, digit: str) -> None:
        if self._sink is not None:
            self._sink.digit_pressed(digit)


__all__ = ["NoPortLeft", "RtpHost", "RtpStream"]


class _Place:
    """A stream's place in the media clock's 20 ms."""

    __slots__ = ("_end", "_tick", "_ticker", "settled")

    def __init__(self, ticker: PhasedTicker, tick: Callable[[int], None]) -> None:
        self.settled = False
        self._ticker = ticker
        self._tick = tick
        self._end: Callable[[], None] | None = None

    def take(self) -> None:
        """Begin to be served, wherever there is room."""
        if self._end is None:
            self._end = self._ticker.add(self._tick)

    def settle(self, due_ms: int) -> None:
        """Move, once, to where it is known that the far end's packets will just have come."""
        self.settled = True
        if self._end is not None:
            self._end()
            self._end = self._ticker.add(self._tick, due_ms)

    def leave(self) -> None:
        """Be served no more."""
        if self._end is not None:
            self._end()
            self._end = None
