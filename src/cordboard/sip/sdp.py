"""Session descriptions (RFC 8866): reading what the peer sends, writing ours.

Offer and answer rules are in ``offer_answer``. Everything from outside is hostile: a description
that is too big, points nowhere sensible or makes no sense is refused with ``BadSdp``, which names
the reason. Whether an address may be talked to at all (private networks) is the caller's to judge.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from enum import StrEnum

MAX_SDP_BYTES = 16_384
MAX_LINES = 512
MAX_MEDIA = 16
MAX_FORMATS = 64
_MAX_LINE_CHARS = 1_024
_NUMBER = re.compile(r"[0-9]{1,20}")
_RTPMAP = re.compile(r"([0-9]{1,3})[ \t]+([A-Za-z0-9.\-_+]{1,40})/([0-9]{1,7})(?:/([0-9]{1,2}))?")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`{|}~/]{1,64}")


class BadSdp(ValueError):
    """A session description that we refuse; the text names field and reason. Answer 488."""


class Direction(StrEnum):
    """Who sends, seen from the description's author (RFC 8866 section 6.7)."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @property
    def reversed(self) -> Direction:
        """The same, seen from the other end (RFC 3264 section 6.1)."""
        swapped = {Direction.SENDONLY: Direction.RECVONLY, Direction.RECVONLY: Direction.SENDONLY}
        return swapped.get(self, self)


@dataclass(frozen=True, slots=True)
class Codec:
    """One RTP format: payload type, encoding name, RTP clock and format parameters."""

    payload_type: int
    name: str
    clock_hz: int = 8_000
    channel_count: int = 1
    parameters: str = ""

    @property
    def encoding(self) -> str:
        """Name and clock as in rtpmap, the name in upper case: ``PCMU/8000``, ``OPUS/48000/2``."""
        channels = f"/{self.channel_count}" if self.channel_count != 1 else ""
        return f"{self.name.upper()}/{self.clock_hz}{channels}"


_DIRECTIONS = {str(direction): direction for direction in Direction}

STATIC_CODECS = {
    codec.payload_type: codec
    for codec in (
        Codec(0, "PCMU"),
        Codec(3, "GSM"),
        Codec(4, "G723"),
        Codec(8, "PCMA"),
        Codec(9, "G722"),
        Codec(13, "CN"),
        Codec(18, "G729"),
    )
}


@dataclass(frozen=True, slots=True)
class Media:
    """One ``m=`` section. ``formats`` are its words as they came; port 0 means refused.

    ``host`` is where its author wants to receive: its own ``c=`` or the session's.
    """

    kind: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    host: str
    codecs: tuple[Codec, ...] = ()
    direction: Direction = Direction.SENDRECV
    ptime_ms: int | None = None

    @property
    def is_on_hold(self) -> bool:
        """Tell whether its author does not want to hear us (RFC 3264 8.4, RFC 2543's 0.0.0.0)."""
        silent = self.direction in (Direction.SENDONLY, Direction.INACTIVE)
        return silent or ipaddress.ip_address(self.host).is_unspecified


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """A whole description. ``version`` rises with every change by the same author."""

    session_id: int
    version: int
    host: str
    media: tuple[Media, ...]
    username: str = "-"

    def encode(self) -> bytes:
        """Return the body of type ``application/sdp``."""
        lines = [
            "v=0",
            f"o={self.username} {self.session_id} {self.version} IN {_network(self.host)}",
            "s=-",
            f"c=IN {_network(self.host)}",
            "t=0 0",
        ]
        for media in self.media:
            lines += _media_lines(media, self.host)
        return ("\r\n".join(lines) + "\r\n").encode()


def parse_sdp(body: bytes) -> SessionDescription:
    """Read a description. Raises ``BadSdp`` and nothing else."""
    if len(body) > MAX_SDP_BYTES:
        raise BadSdp("sdp: too long")
    lines = _lines(body.decode("utf-8", "replace"))
    if not lines or lines[0] != ("v", "0"):
        raise BadSdp("v: not version 0")
    starts = [number for number, (letter, _) in enumerate(lines) if letter == "m"]
    if len(starts) > MAX_MEDIA:
        raise BadSdp("m: too many media")
    head = lines[: starts[0]] if starts else lines
    username, session_id, version = _origin(head)
    host = _connection(head)
    direction = _direction(head) or Direction.SENDRECV
    ends = [*starts[1:], len(lines)]
    media = tuple(
        _media(lines[start:end], host, direction)
        for start, end in zip(starts, ends, strict=bool(starts))
    )
    return SessionDescription(session_id, version, host or "0.0.0.0", media, username)  # noqa: S104


def _lines(text: str) -> list[tuple[str, str]]:
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line]
    if len(lines) > MAX_LINES:
        raise BadSdp("sdp: too many lines")
    found = []
    for line in lines:
        if len(line) > _MAX_LINE_CHARS:
            raise BadSdp(f"{line[:1]}: line too long")
        if line[1:2] != "=" or not line[0].isascii() or not line[0].isalpha():
            raise BadSdp("sdp: a line without a type")
        found.append((line[0], line[2:].strip()))
    return found


def _origin(lines: list[tuple[str, str]]) -> tuple[str, int, int]:
    words = next((value.split() for letter, value in lines if letter == "o"), [])
    if len(words) != 6 or not _NUMBER.fullmatch(words[1]) or not _NUMBER.fullmatch(words[2]):
        raise BadSdp("o: not an origin")
    return words[0][:64], int(words[1]), int(words[2])


def _connection(lines: list[tuple[str, str]]) -> str:
    """Return the address of ``c=`` (the first counts), or an empty string."""
    value = next((value for letter, value in lines if letter == "c"), None)
    if value is None:
        return ""
    words = value.split()
    if len(words) != 3 or words[0] != "IN" or words[1] not in ("IP4", "IP6"):
        raise BadSdp("c: not an address")
    try:
        address = ipaddress.ip_address(words[2].partition("/")[0])
    except ValueError as error:
        raise BadSdp("c: not an IP literal") from error
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            raise BadSdp("c: not an IP literal of everybody")
        if address.ipv4_mapped is not None:
            raise BadSdp("c: an IPv4 address in disguise")
    if (address.version == 4) != (words[1] == "IP4"):
        raise BadSdp("c: address of the other family")
    if address.is_multicast or str(address) == "255.255.255.255" or "/" in words[2]:
        raise BadSdp("c: multicast or broadcast")
    return str(address)


def _direction(lines: list[tuple[str, str]]) -> Direction | None:
    for letter, value in lines:
        if letter == "a" and value in _DIRECTIONS:
            return _DIRECTIONS[value]
    return None


def _media(lines: list[tuple[str, str]], host: str, direction: Direction) -> Media:
    words = lines[0][1].split()
    if len(words) < 4 or len(words) > 3 + MAX_FORMATS:
        raise BadSdp("m: too few or too many words")
    if any(not _TOKEN.fullmatch(word) for word in words):
        raise BadSdp("m: not a token")
    port_text, _, count = words[1].partition("/")
    if not _NUMBER.fullmatch(port_text) or int(port_text) > 65_535:
        raise BadSdp("m: port out of range")
    port = int(port_text)
    if 0 < port < 1_024 or (count and count != "1"):
        raise BadSdp("m: a reserved port, or several")
    where = _connection(lines) or host
    if not where and port:
        raise BadSdp("c: missing")
    is_rtp = words[0] == "audio" and words[2] == "RTP/AVP"
    return Media(
        kind=words[0],
        port=port,
        protocol=words[2],
        formats=tuple(words[3:]),
        host=where or "0.0.0.0",  # noqa: S104 - "nowhere", not a socket to bind
        codecs=_codecs(words[3:], lines) if is_rtp else (),
        direction=_direction(lines) or direction,
        ptime_ms=_ptime(lines),
    )


def _codecs(formats: list[str], lines: list[tuple[str, str]]) -> tuple[Codec, ...]:
    names: dict[int, tuple[str, int, int]] = {}
    parameters: dict[int, str] = {}
    for letter, value in lines:
        if letter == "a" and value.startswith("rtpmap:"):
            match = _RTPMAP.fullmatch(value[7:].strip())
            if match is None:
                raise BadSdp("rtpmap: not readable")
            names.setdefault(int(match[1]), (match[2], int(match[3]), int(match[4] or 1)))
        elif letter == "a" and value.startswith("fmtp:"):
            word, _, rest = value[5:].partition(" ")
            if _NUMBER.fullmatch(word):
                parameters.setdefault(int(word), rest.strip())
    codecs = []
    for word in formats:
        if not _NUMBER.fullmatch(word) or int(word) > 127:
            raise BadSdp("m: payload type out of range")
        number = int(word)
        if number in names:
            codecs.append(Codec(number, *names[number], parameters.get(number, "")))
        elif number in STATIC_CODECS:
            known = STATIC_CODECS[number]
            codecs.append(Codec(number, known.name, parameters=parameters.get(number, "")))
    return tuple(codecs)


def _ptime(lines: list[tuple[str, str]]) -> int | None:
    for letter, value in lines:
        if letter == "a" and value.startswith("ptime:"):
            text = value[6:].strip()
            if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= 200:
                raise BadSdp("ptime: not 1 to 200 ms")
            return int(text)
    return None


def _media_lines(media: Media, host: str) -> list[str]:
    lines = [f"m={media.kind} {media.port} {media.protocol} {' '.join(media.formats)}"]
    if media.host != host:
        lines.append(f"c=IN {_network(media.host)}")
    if media.port == 0:
        return lines
    for codec in media.codecs:
        channels = f"/{codec.channel_count}" if codec.channel_count != 1 else ""
        lines.append(f"a=rtpmap:{codec.payload_type} {codec.name}/{codec.clock_hz}{channels}")
        if codec.parameters:
            lines.append(f"a=fmtp:{codec.payload_type} {codec.parameters}")
    if media.ptime_ms is not None:
        lines.append(f"a=ptime:{media.ptime_ms}")
    lines.append(f"a={media.direction}")
    return lines


def _network(host: str) -> str:
    return f"IP6 {host}" if ":" in host else f"IP4 {host}"
