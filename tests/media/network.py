"""A seeded network between a sender of numbered frames and a jitter buffer, on a virtual clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from cordboard.media.codec import PCMU, Codec
from cordboard.media.jitter import Frame, FrameKind, JitterBuffer
from cordboard.media.rtp import Packet

BASE_MS = 30.0


def numbered(number: int, size: int = 160) -> bytes:
    """Return a payload that tells its number in every eight bytes."""
    return number.to_bytes(8, "big") * (size // 8)


@dataclass
class Network:
    """What the network does to packets; ``frozen`` loses or holds what is sent in a span."""

    loss: float = 0.0
    jitter_ms: float = 0.0
    duplicates: float = 0.0
    drift: float = 0.0
    frozen_ms: tuple[float, float] = (0.0, 0.0)
    freeze_holds: bool = False
    first_sequence: int = 0
    first_timestamp: int = 0


@dataclass
class Outcome:
    """All pulled frames with their times, and when each number was sent."""

    frames: list[tuple[float, Frame]] = field(default_factory=list)
    sent_ms: dict[int, float] = field(default_factory=dict)
    dropped: int = 0

    def voice(self) -> list[tuple[float, int]]:
        """Return time and number of each voice frame."""
        return [
            (now, int.from_bytes(frame.payload[:8], "big"))
            for now, frame in self.frames
            if frame.kind is FrameKind.VOICE
        ]

    def delays_ms(self) -> list[float]:
        """Return how long each frame was held beyond the network's fixed delay."""
        return [now - self.sent_ms[number] - BASE_MS for now, number in self.voice()]

    def longest_stall_ms(self, after_ms: float = 0.0) -> int:
        """Return the longest run of ticks without voice after the first voice frame."""
        longest = run = 0
        begun = False
        for now, frame in self.frames:
            if frame.kind is FrameKind.VOICE:
                begun, run = True, 0
            elif begun and now > after_ms:
                run += 1
                longest = max(longest, run)
        return longest * 20


def play(
    network: Network,
    seconds: float,
    seed: int = 0,
    *,
    codec: Codec = PCMU,
    talks: Callable[[int], bool] = lambda number: True,
    buffer: JitterBuffer | None = None,
    tells_time: bool = True,
) -> tuple[Outcome, JitterBuffer]:
    """Send ``seconds`` of numbered frames through the network and pull until they have ended."""
    random = Random(seed)
    buffer = buffer or JitterBuffer({0: codec})
    outcome = Outcome()
    arrivals = _arrivals(network, round(seconds * 50), random, outcome, codec, talks)
    now = random.uniform(0, 20)
    position = 0
    while now < seconds * 1000 + BASE_MS:
        while position < len(arrivals) and arrivals[position][0] <= now:
            arrival_ms, _, packet = arrivals[position]
            buffer.put(packet, int(arrival_ms))
            position += 1
        outcome.frames.append((now, buffer.pull(int(now) if tells_time else None)))
        now += 20
    return outcome, buffer


def _arrivals(
    network: Network,
    count: int,
    random: Random,
    outcome: Outcome,
    codec: Codec,
    talks: Callable[[int], bool],
) -> Sequence[tuple[float, int, Packet]]:
    arrivals: list[tuple[float, int, Packet]] = []
    sequence = network.first_sequence
    step = codec.rtp_clock_hz // 50
    begin, end = network.frozen_ms
    for number in range(count):
        sent_ms = number * 20 * (1 + network.drift)
        if not talks(number):
            continue
        packet = Packet(
            0,
            False,
            sequence & 0xFFFF,
            (network.first_timestamp + number * step) & 0xFFFFFFFF,
            7,
            numbered(number, codec.frame_bytes),
        )
        sequence += 1
        outcome.sent_ms[number] = sent_ms
        arrival_ms = sent_ms + BASE_MS + random.uniform(0, network.jitter_ms)
        if begin <= sent_ms < end:
            if not network.freeze_holds:
                continue
            arrival_ms = max(arrival_ms, end + BASE_MS)
        if random.random() < network.loss:
            outcome.dropped += 1
            continue
        arrivals.append((arrival_ms, number, packet))
        if random.random() < network.duplicates:
            arrivals.append((arrival_ms + random.uniform(0, 30), number, packet))
    arrivals.sort(key=lambda arrival: arrival[:2])
    return arrivals
