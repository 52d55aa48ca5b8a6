"""RTP packets (RFC 3550 5.1): parse and build. RTCP is only recognised."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

_HEADER = Struct("!BBHII")
_HEADER_BYTES = _HEADER.size
_VERSION_BITS = 0x80
_RTCP_TYPES = range(192, 224)
_EVENT = Struct("!BBH")


class BadPacket(ValueError):
    """A datagram that is not an RTP packet; the text names the field."""


@dataclass(slots=True)
class Packet:
    """One RTP packet without its CSRC list, extension and padding."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


def is_rtcp(datagram: bytes) -> bool:
    """Tell RTCP from RTP on one port by its second byte (RFC 5761 4)."""
    return len(datagram) >= 2 and datagram[1] in _RTCP_TYPES and datagram[0] >> 6 == 2


def parse(datagram: bytes) -> Packet:
    """Return the packet in ``datagram``; anything malformed, and RTCP, raises ``BadPacket``."""
    if len(datagram) < _HEADER_BYTES:
        raise BadPacket(f"length: {len(datagram)} bytes are less than a header")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(datagram)
    if first == _VERSION_BITS and second not in _RTCP_TYPES:
        payload = datagram[_HEADER_BYTES:]
    else:
        payload = _unusual_payload(datagram, first, second)
    return Packet(second & 0x7F, second > 0x7F, sequence, timestamp, ssrc, payload)


def _unusual_payload(datagram: bytes, first: int, second: int) -> bytes:
    """Skip CSRC list, extension and padding."""
    if first >> 6 != 2:
        raise BadPacket(f"version: {first >> 6} is not 2")
    if second in _RTCP_TYPES:
        raise BadPacket(f"payload type: {second} is RTCP")
    start = _HEADER_BYTES + 4 * (first & 0x0F)
    if first & 0x10:
        if len(datagram) < start + 4:
            raise BadPacket("extension: cut off")
        start += 4 + 4 * int.from_bytes(datagram[start + 2 : start + 4], "big")
    end = len(datagram)
    if start > end:
        raise BadPacket("length: header runs past the end")
    if first & 0x20:
        padding_bytes = datagram[-1]
        if not 0 < padding_bytes <= end - start:
            raise BadPacket(f"padding: {padding_bytes} bytes do not fit")
        end -= padding_bytes
    return datagram[start:end]


def build(packet: Packet) -> bytes:
    """Return the datagram for ``packet``; a field out of its range raises ``struct.error``."""
    second = packet.payload_type | 0x80 if packet.marker else packet.payload_type
    return (
        _HEADER.pack(_VERSION_BITS, second, packet.sequence, packet.timestamp, packet.ssrc)
        + packet.payload
    )


def event_payload(event: int, end: bool, duration: int, volume: int = 10) -> bytes:
    """Return a telephone-event payload (RFC 4733 2.3).

    ``event`` 0 to 15 are the digits, ``duration`` counts timestamp units (65535 at most),
    ``volume`` is in -dBm0 (0 to 63).
    """
    return _EVENT.pack(event, volume | 0x80 if end else volume, min(duration, 0xFFFF))


class PacketBuilder:
    """Builds the packets of one outgoing stream; sequence and timestamp wrap.

    ``sequence`` and ``timestamp`` are those of the next packet.
    """

    __slots__ = ("payload_type", "sequence", "ssrc", "timestamp")

    def __init__(self, ssrc: int, payload_type: int, sequence: int = 0, timestamp: int = 0) -> None:
        self.ssrc = ssrc & 0xFFFFFFFF
        self.payload_type = payload_type & 0x7F
        self.sequence = sequence & 0xFFFF
        self.timestamp = timestamp & 0xFFFFFFFF

    def build(self, payload: bytes, marker: bool = False, timestamp_step: int = 160) -> bytes:
        """Return the next packet and advance the timestamp past its payload."""
        datagram = self.event(payload, self.payload_type, marker, self.timestamp)
        self.timestamp = (self.timestamp + timestamp_step) & 0xFFFFFFFF
        return datagram

    def event(self, payload: bytes, payload_type: int, marker: bool, timestamp: int) -> bytes:
        """Return a packet with its own type and timestamp that takes the next sequence number.

        All packets of one telephone event carry the timestamp of its start (RFC 4733 2.5.1.2).
        """
        sequence = self.sequence
        self.sequence = (sequence + 1) & 0xFFFF
        second = payload_type | 0x80 if marker else payload_type
        return _HEADER.pack(_VERSION_BITS, second, sequence, timestamp, self.ssrc) + payload

    def skip(self, timestamp_step: int) -> None:
        """Let time pass without a packet (silence that is not sent)."""
        self.timestamp = (self.timestamp + timestamp_step) & 0xFFFFFFFF
