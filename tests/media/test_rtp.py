"""RTP packets: round trips, hostile datagrams, numbering."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cordboard.media.rtp import (
    BadPacket,
    Packet,
    PacketBuilder,
    build,
    event_payload,
    is_rtcp,
    parse,
)
from tests.counts import count

WORDS = st.integers(0, 0xFFFFFFFF)


@given(
    kind=st.integers(0, 127),
    marker=st.booleans(),
    sequence=st.integers(0, 0xFFFF),
    timestamp=WORDS,
    ssrc=WORDS,
    payload=st.binary(max_size=400),
)
def test_what_is_built_is_parsed(
    kind: int, marker: bool, sequence: int, timestamp: int, ssrc: int, payload: bytes
) -> None:
    """Every packet survives, except that types 64 to 95 with the marker are RTCP (RFC 5761)."""
    packet = Packet(kind, marker, sequence, timestamp, ssrc, payload)
    datagram = build(packet)
    if marker and 64 <= kind <= 95:
        assert is_rtcp(datagram)
        with pytest.raises(BadPacket, match="RTCP"):
            parse(datagram)
    else:
        assert parse(datagram) == packet
        assert not is_rtcp(datagram)


@given(st.binary(max_size=80))
@settings(max_examples=count(500, 50_000))
def test_hostile_datagrams_raise_one_error(datagram: bytes) -> None:
    """Whatever comes is a packet or a BadPacket."""
    try:
        packet = parse(datagram)
    except BadPacket:
        return
    assert len(packet.payload) <= len(datagram) - 12


@given(
    sources=st.lists(WORDS, max_size=15),
    extension=st.none() | st.integers(0, 20),
    padding=st.integers(0, 255),
    payload=st.binary(max_size=50),
)
def test_sources_extension_and_padding_are_skipped(
    sources: list[int], extension: int | None, padding: int, payload: bytes
) -> None:
    """Only the payload is left of a packet with everything in it."""
    first = 0x80 | len(sources) | (0x10 if extension is not None else 0) | (0x20 * (padding > 0))
    head = bytes((first, 0)) + build(Packet(0, False, 7, 8, 9, b""))[2:]
    head += b"".join(source.to_bytes(4, "big") for source in sources)
    if extension is not None:
        head += b"\xbe\xde" + extension.to_bytes(2, "big") + bytes(4 * extension)
    tail = bytes(padding - 1) + bytes((padding,)) if padding else b""
    assert parse(head + payload + tail) == Packet(0, False, 7, 8, 9, payload)


@pytest.mark.parametrize(
    ("datagram", "field"),
    [
        (b"", "length"),
        (bytes(11), "length"),
        (bytes(12), "version"),
        (b"\xc0" + bytes(11), "version"),
        (b"\x81\x00" + bytes(10), "length"),
        (b"\x90\x00" + bytes(10), "extension"),
        (b"\x90\x00" + bytes(12) + b"\0\5", "length"),
        (b"\xa0\x00" + bytes(10), "padding"),
        (b"\xa0\x00" + bytes(12) + b"\x07", "padding"),
        (b"\x80\xc8" + bytes(10), "payload type"),
    ],
)
def test_errors_name_the_field(datagram: bytes, field: str) -> None:
    """A refusal says what was wrong."""
    with pytest.raises(BadPacket, match=field):
        parse(datagram)


def test_numbers_wrap() -> None:
    """Sequence and timestamp of the builder run on past their ends."""
    builder = PacketBuilder(0x1234567890, 0, sequence=0xFFFF, timestamp=0xFFFFFFFF - 99)
    first, second = parse(builder.build(b"a", marker=True)), parse(builder.build(b"b"))
    assert (first.sequence, first.timestamp, first.marker) == (0xFFFF, 0xFFFFFFFF - 99, True)
    assert (second.sequence, second.timestamp, second.marker) == (0, 60, False)
    assert first.ssrc == 0x34567890
    builder.skip(1600)
    assert parse(builder.build(b"c")).timestamp == 60 + 160 + 1600


def test_events_keep_their_timestamp() -> None:
    """Telephone events take sequence numbers but no time (RFC 4733)."""
    builder = PacketBuilder(1, 0, sequence=5, timestamp=1000)
    payload = event_payload(11, end=True, duration=100_000, volume=10)
    assert payload == bytes((11, 0x8A, 0xFF, 0xFF))
    event = parse(builder.event(payload, 101, True, 1000))
    assert (event.payload_type, event.sequence, event.timestamp) == (101, 5, 1000)
    assert parse(builder.build(b"x")).sequence == 6
    assert parse(builder.build(b"x")).timestamp == 1160
