"""Digits as events: one per press, whatever is lost or repeated, and by whichever way."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.media.dtmf import DIGITS, DigitMerger, TelephoneEvents, digit_packets
from tests.counts import count

DIGIT = st.sampled_from(DIGITS)


def pressed(
    events: TelephoneEvents, digit: str, timestamp: int, keep: list[bool], now_ms: int = 0
) -> list[str]:
    """Send the packets of a press that are kept; return what was reported."""
    reports = [
        events.receive(packet.payload, timestamp & 0xFFFFFFFF, now_ms + 20 * index)
        for index, packet in enumerate(digit_packets(digit))
        if keep[index % len(keep)]
    ]
    return [report for report in reports if report is not None]


@given(
    digits=st.lists(DIGIT, min_size=1, max_size=12),
    start=st.integers(0, 0xFFFFFFFF),
    keep=st.lists(st.booleans(), min_size=10, max_size=10).filter(any),
)
def test_one_event_per_press(digits: list[str], start: int, keep: list[bool]) -> None:
    """Each press is reported once whichever of its packets arrive, at any timestamp."""
    events = TelephoneEvents()
    heard = []
    for index, digit in enumerate(digits):
        heard += pressed(events, digit, start + index * 2000, keep, index * 250)
    assert heard == digits


@pytest.mark.parametrize("seed", range(count(50, 2000)))
def test_duplicates_and_reordering(seed: int) -> None:
    """Packets of two presses that come twice and in any order are two digits."""
    random = Random(seed)
    packets = [
        (packet.payload, timestamp)
        for timestamp, digit in ((800, "5"), (2400, "5"))
        for packet in digit_packets(digit) * 2
    ]
    for at in range(len(packets)):
        other = min(len(packets) - 1, at + random.randrange(6))
        packets[at], packets[other] = packets[other], packets[at]
    events = TelephoneEvents()
    reports = [events.receive(payload, timestamp, 0) for payload, timestamp in packets]
    assert [report for report in reports if report] == ["5", "5"]


def test_all_end_packets_lost() -> None:
    """The next press of the same key is news though the end of the first never came."""
    events = TelephoneEvents()
    begin = [True] * 7 + [False] * 3
    assert pressed(events, "7", 0, begin) == ["7"]
    assert pressed(events, "7", 8 * 160 + 400, begin) == ["7"]


def test_a_long_press_in_segments() -> None:
    """A press of more than 8 s goes on under a new timestamp and stays one digit (RFC 4733)."""
    events = TelephoneEvents()
    heard = []
    for tick in range(600):
        units = (tick + 1) * 160
        segment, duration = divmod(units, 0xFFFF)
        payload = bytes((3, 10)) + duration.to_bytes(2, "big")
        heard.append(events.receive(payload, segment * 0xFFFF, tick * 20))
    assert [digit for digit in heard if digit] == ["3"]


def test_a_sender_whose_timestamps_run_on() -> None:
    """Packets of one press with growing timestamps are one digit."""
    events = TelephoneEvents()
    heard = [
        events.receive(bytes((4, 10)) + (160 * tick).to_bytes(2, "big"), 160 * tick, tick * 20)
        for tick in range(1, 10)
    ]
    assert [digit for digit in heard if digit] == ["4"]


def test_a_sender_whose_timestamps_stand_still() -> None:
    """The same timestamp some seconds later is a new press."""
    events = TelephoneEvents()
    assert pressed(events, "1", 0, [True], 0) == ["1"]
    assert pressed(events, "1", 0, [True], 5000) == ["1"]


@given(st.binary(max_size=8), st.integers(0, 0xFFFFFFFF))
def test_garbage_is_no_digit(payload: bytes, timestamp: int) -> None:
    """Short payloads and other events give nothing, and nothing raises."""
    report = TelephoneEvents().receive(payload, timestamp, 0)
    assert report is None or (len(payload) >= 4 and report == DIGITS[payload[0]])


def test_outgoing_press() -> None:
    """Packets grow by 20 ms, only the first is marked, the last comes three times."""
    packets = digit_packets("#", 100, volume=7)
    assert [packet.marker for packet in packets] == [True] + [False] * 6
    assert [int.from_bytes(packet.payload[2:], "big") for packet in packets] == [
        160, 320, 480, 640, 800, 800, 800,
    ]  # fmt: skip
    assert [packet.payload[1] for packet in packets] == [7] * 4 + [0x87] * 3
    assert {packet.payload[0] for packet in packets} == {11}


@pytest.mark.parametrize(("digit", "duration_ms"), [("x", 100), ("", 100), ("12", 100), ("1", 20)])
def test_impossible_presses_are_refused(digit: str, duration_ms: int) -> None:
    """What is no digit, or too short to be heard, is named."""
    with pytest.raises(ValueError, match=r"digit|duration_ms"):
        digit_packets(digit, duration_ms)


@given(
    presses=st.lists(st.tuples(DIGIT, st.integers(120, 900)), max_size=12),
    ways=st.lists(st.sampled_from(["event", "info", "in_band"]), min_size=1, max_size=3),
)
def test_a_press_by_several_ways_is_one_digit(
    presses: list[tuple[str, int]], ways: list[str]
) -> None:
    """By one, two or three ways at once, each in order and late by its own, digits come once."""
    arrivals = []
    at_ms = 0
    lateness = {"event": 0, "info": 150, "in_band": 60}
    for digit, gap_ms in presses:
        at_ms += gap_ms
        arrivals += [(at_ms + lateness[way], digit, way) for way in set(ways)]
    merger = DigitMerger()
    heard = [digit for now, digit, way in sorted(arrivals) if merger.accept(digit, way, now)]
    assert sorted(heard) == sorted(digit for digit, _ in presses)


def test_the_same_key_twice_by_one_way_is_two_digits() -> None:
    """A quick double press is never swallowed."""
    merger = DigitMerger()
    assert [merger.accept("1", "event", now) for now in (0, 120, 240)] == [True] * 3
    assert [merger.accept("1", "in_band", now) for now in (260, 300, 310)] == [False] * 3
    assert merger.accept("1", "in_band", 2000)
