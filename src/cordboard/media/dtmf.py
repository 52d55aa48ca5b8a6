"""Digits: RFC 4733 events in and out, and making one event of a press that arrives twice.

Digits as sound are made by ``tones``, heard by ``dtmf_tones``, and offered here too.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from cordboard.media.codec import FRAME_MS
from cordboard.media.dtmf_tones import InBandDigits
from cordboard.media.rtp import event_payload
from cordboard.media.tones import digit_tone

__all__ = [
    "DIGITS",
    "DigitMerger",
    "EventPacket",
    "InBandDigits",
    "TelephoneEvents",
    "digit_packets",
    "digit_tone",
]

DIGITS = "0123456789*#ABCD"
EVENT_CLOCK_HZ = 8000
_EVENT_BYTES = 4
_END_BIT = 0x80
_END_PACKETS = 3
_REMEMBERED = 8
_UNITS_PER_FRAME = EVENT_CLOCK_HZ * FRAME_MS // 1000
_SLACK_UNITS = _UNITS_PER_FRAME
_SAME_PRESS_MS = 1000
_FORGET_MS = 3000
_MASK = 0xFFFFFFFF


@dataclass(slots=True)
class _Event:
    """One press: where it began, how long it was when last seen, and when that was."""

    event: int
    timestamp: int
    duration: int
    ended: bool
    seen_ms: int


class TelephoneEvents:
    """Reads the telephone-event packets of one stream.

    A press is reported by the first packet of it that arrives, whichever that is, so that nothing
    depends on the last ones; whatever follows of it is not reported again, in any order.
    """

    __slots__ = ("_presses",)

    def __init__(self) -> None:
        self._presses: deque[_Event] = deque(maxlen=_REMEMBERED)

    def receive(self, payload: bytes, timestamp: int, now_ms: int) -> str | None:
        """Return the digit if a new press begins; no event, a flash or garbage give nothing."""
        if len(payload) < _EVENT_BYTES or payload[0] >= len(DIGITS):
            return None
        event, duration = payload[0], payload[2] << 8 | payload[3]
        ended = bool(payload[1] & _END_BIT)
        presses = self._presses
        while presses and now_ms - presses[0].seen_ms > _FORGET_MS:
            presses.popleft()
        for press in presses:
            if press.event == event and self._same(press, timestamp):
                press.seen_ms = now_ms
                press.duration = max(
                    press.duration, (timestamp - press.timestamp & _MASK) + duration
                )
                press.ended |= ended
                return None
        presses.append(_Event(event, timestamp, duration, ended, now_ms))
        return DIGITS[event]

    @staticmethod
    def _same(press: _Event, timestamp: int) -> bool:
        """Tell whether a packet belongs to the press.

        All packets carry the timestamp of the beginning; a press of more than 8 s goes on in a
        new segment (RFC 4733 2.5.1.3), and some senders let the timestamp run on.
        """
        ahead = timestamp - press.timestamp & _MASK
        return ahead == 0 or (not press.ended and ahead <= press.duration + _SLACK_UNITS)


@dataclass(frozen=True, slots=True)
class EventPacket:
    """One packet of an outgoing press: for the payload type and timestamp the sender knows."""

    payload: bytes
    marker: bool


def digit_packets(digit: str, duration_ms: int = 160, volume: int = 10) -> tuple[EventPacket, ...]:
    """Return the packets of a press, one per 20 ms, all with the timestamp of the first.

    The last is sent three times (RFC 4733 2.5.1.4). ``volume`` is in -dBm0. Raises ``ValueError``
    for anything but one of ``DIGITS`` and for less than 40 ms.
    """
    event = DIGITS.find(digit) if len(digit) == 1 else -1
    if event < 0:
        raise ValueError(f"digit: {digit!r} is not one of {DIGITS}")
    if duration_ms < 2 * FRAME_MS:
        raise ValueError(f"duration_ms: {duration_ms} is less than 40")
    frames = duration_ms // FRAME_MS
    packets = [
        EventPacket(event_payload(event, False, number * _UNITS_PER_FRAME, volume), number == 1)
        for number in range(1, frames)
    ]
    last = EventPacket(event_payload(event, True, frames * _UNITS_PER_FRAME, volume), False)
    return (*packets, *[last] * _END_PACKETS)


@dataclass(slots=True)
class _Press:
    digit: str
    at_ms: int
    ways: set[str]


class DigitMerger:
    """Makes one digit of the same press when it arrives by several ways within a second."""

    __slots__ = ("_presses",)

    def __init__(self) -> None:
        self._presses: deque[_Press] = deque(maxlen=2 * _REMEMBERED)

    def accept(self, digit: str, way: str, now_ms: int) -> bool:
        """Tell whether the digit is news. ``way`` names how it came: event, INFO, in-band.

        Each way reports each press once, so what a way has not yet told of the last second is a
        press that another way told before.
        """
        presses = self._presses
        while presses and now_ms - presses[0].at_ms > _SAME_PRESS_MS:
            presses.popleft()
        for press in presses:
            if press.digit == digit and way not in press.ways:
                press.ways.add(way)
                return False
        presses.append(_Press(digit, now_ms, {way}))
        return True
