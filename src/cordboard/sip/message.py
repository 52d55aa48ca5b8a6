"""Datagrams to messages and back (RFC 3261 section 7).

A request or response is parsed once: start line, header lines, and the five fields every later
step needs. Everything else is read when asked for. Header text is kept as it came (bytes that are
not UTF-8 included), so what must be echoed is echoed exactly.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from cordboard.sip.datagram import MAX_DATAGRAM_BYTES, Address
from cordboard.sip.fields import (
    MAX_FIELD_CHARS,
    BadField,
    NameAddress,
    Via,
    is_token,
    parse_address,
    parse_addresses,
    parse_cseq,
    parse_uri,
    parse_via,
    uri_scheme,
)

MAX_HEADER_COUNT = 256
_ENCODING = ("utf-8", "surrogateescape")
_COMPACT = {
    "i": "call-id", "m": "contact", "e": "content-encoding", "l": "content-length",
    "c": "content-type", "f": "from", "s": "subject", "k": "supported", "t": "to", "v": "via",
    "o": "event", "r": "refer-to", "b": "referred-by", "x": "session-expires",
    "u": "allow-events", "a": "accept-contact", "d": "request-disposition", "j": "reject-contact",
    "y": "identity",
}  # fmt: skip
_SINGLE = frozenset(
    ("from", "to", "call-id", "cseq", "max-forwards", "content-length", "content-type", "date",
     "expires", "subject", "session-expires", "min-se", "refer-to")
)  # fmt: skip
_REQUEST_LINE = re.compile(r"(\S+) (\S+) (SIP/[0-9]+\.[0-9]+)", re.IGNORECASE)
_STATUS_LINE = re.compile(r"SIP/2\.0 ([1-6][0-9]{2})(?: (.*))?", re.IGNORECASE | re.DOTALL)
# Longer runs of spaces make grammars of optional spaces slow, and nothing honest has them.
_PADDING = 64 * " "
_FOLD = re.compile(r"\r\n[ \t]+")
_NUMBER = re.compile(r"[0-9]{1,9}")
_DATE = re.compile(r"[A-Za-z]{3}, [0-9]{1,2} [A-Za-z]{3} [0-9]{4} [0-9:]{8} GMT")


class Headers:
    """Header fields in order; names are matched without regard to case."""

    __slots__ = ("_fields", "_index")

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._fields: list[tuple[str, str]] = []
        self._index: dict[str, list[str]] = {}
        for name, value in fields:
            self.add(name, value)

    def add(self, name: str, value: str) -> None:
        """Append a field; a compact name is kept under its long one."""
        key = name.lower()
        key = _COMPACT.get(key, key)
        self._fields.append((name, value))
        self._index.setdefault(key, []).append(value)

    def replace_first(self, name: str, value: str) -> None:
        """Give the first field of that name another value; it must be there."""
        key = name.lower()
        for number, (each, _) in enumerate(self._fields):
            if _COMPACT.get(each.lower(), each.lower()) == key:
                self._fields[number] = (each, value)
                self._index[key][0] = value
                return

    def get(self, name: str) -> str | None:
        """Return the first value of a field, or None."""
        values = self._index.get(name.lower())
        return values[0] if values else None

    def every(self, name: str) -> list[str]:
        """Return all values of a field in order."""
        return self._index.get(name.lower(), [])

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


@dataclass(frozen=True, slots=True)
class Essentials:
    """What every message has and every later step uses."""

    via: Via
    call_id: str
    sender: NameAddress
    recipient: NameAddress
    cseq: int
    method: str


@dataclass(frozen=True, slots=True)
class Request:
    """A request. ``source`` is where it came from (empty for one that we send)."""

    method: str
    uri: str
    headers: Headers
    body: bytes = b""
    essentials: Essentials | None = None
    source: Address = ("", 0)

    @property
    def parsed(self) -> Essentials:
        """The essential fields. Raises ``BadField`` for a request that was not parsed whole."""
        if self.essentials is None:
            raise BadField("request: not parsed whole")
        return self.essentials

    def contacts(self) -> list[NameAddress]:
        """The Contact addresses (already checked when the message was parsed)."""
        return _contacts(self.headers)

    def encode(self) -> bytes:
        """Return the datagram."""
        return _encode(f"{self.method} {self.uri} SIP/2.0", self.headers, self.body)


@dataclass(frozen=True, slots=True)
class Response:
    """A response."""

    status: int
    reason: str
    headers: Headers
    body: bytes = b""
    essentials: Essentials | None = None

    @property
    def parsed(self) -> Essentials:
        """The essential fields. Raises ``BadField`` for a response that we made."""
        if self.essentials is None:
            raise BadField("response: not parsed")
        return self.essentials

    def contacts(self) -> list[NameAddress]:
        """The Contact addresses."""
        return _contacts(self.headers)

    def encode(self) -> bytes:
        """Return the datagram."""
        return _encode(f"SIP/2.0 {self.status} {self.reason}", self.headers, self.body)


@dataclass
class BadMessage(Exception):
    """What came is no message we can use.

    ``status`` is what to answer (400, 505) or None for silence; ``request`` is what could be
    read of it, enough to address the answer.
    """

    reason: str
    status: int | None = None
    request: Request | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return self.reason


def parse_datagram(payload: bytes, source: Address = ("", 0)) -> Request | Response:
    """Read one datagram (RFC 3261 section 18.3: what follows Content-Length is ignored).

    Raises ``BadMessage`` and nothing else. The topmost Via of a request gets ``received`` and
    ``rport`` (RFC 3581) from ``source``.
    """
    if len(payload) > MAX_DATAGRAM_BYTES:
        raise BadMessage("datagram: too long")
    head, gap, body = payload.lstrip(b"\r\n").partition(b"\r\n\r\n")
    if not gap:
        raise BadMessage("datagram: no end of headers")
    start, _, rest = head.decode(*_ENCODING).partition("\r\n")
    status_line = _STATUS_LINE.fullmatch(start)
    if status_line is not None:
        return _parse_response(status_line, rest, body)
    if start[:4].upper() == "SIP/":
        raise BadMessage("status line: not readable")
    return _parse_request(start, rest, body, source)


def _parse_request(start: str, rest: str, body: bytes, source: Address) -> Request:
    line = _REQUEST_LINE.fullmatch(start)
    method = (line[1] if line else start.partition(" ")[0])[:64]
    partial = Request(method, "", Headers(), source=source)
    try:
        headers = _parse_headers(rest)
        if line is not None and line[3].upper() != "SIP/2.0":
            raise BadMessage("request line: version", 505, replace(partial, headers=headers))
        via = parse_via(_needed(headers, "via"))
        if source[0]:
            headers.replace_first("via", _stamped(headers.get("via") or "", via, source))
        partial = replace(partial, headers=headers)
        if line is None or not is_token(line[1]):
            raise BadField("request line: not readable")
        _check_uri(line[2])
        essentials = _essentials(headers, via)
        if essentials.method != line[1]:
            raise BadField("CSeq: not the request's method")
        body = _checked(headers, body)
    except BadField as error:
        can_answer = len(partial.headers) > 0 and method != "ACK"
        raise BadMessage(str(error), 400 if can_answer else None, partial) from error
    return Request(line[1], line[2], headers, body, essentials, source)


def _parse_response(line: re.Match[str], rest: str, body: bytes) -> Response:
    try:
        headers = _parse_headers(rest)
        essentials = _essentials(headers, parse_via(_needed(headers, "via")))
        body = _checked(headers, body)
    except BadField as error:
        raise BadMessage(str(error)) from error
    return Response(int(line[1]), (line[2] or "").strip(), headers, body, essentials)


def _parse_headers(text: str) -> Headers:
    headers = Headers()
    lines = _FOLD.sub(" ", text).split("\r\n")
    if len(lines) > MAX_HEADER_COUNT:
        raise BadField("headers: too many")
    for line in map(_without_tabs, lines):
        name, colon, value = line.partition(":")
        name = name.rstrip(" \t")
        if not colon or not is_token(name):
            raise BadField("header: not a name and a value")
        if len(line) > MAX_FIELD_CHARS or "\r" in value or "\n" in value:
            raise BadField("header: too long, or a line break in it")
        if _PADDING in line:
            raise BadField("header: padded with spaces")
        headers.add(name, value.strip(" \t"))
    return headers


def _without_tabs(line: str) -> str:
    return line.replace("\t", " ")


def _needed(headers: Headers, name: str) -> str:
    value = headers.get(name)
    if not value:
        raise BadField(f"{name}: missing")
    return value


def _stamped(value: str, via: Via, source: Address) -> str:
    """Write received and rport into the topmost Via (RFC 3261 18.2.1, RFC 3581 section 4)."""
    first, comma, others = _first_of(value)
    first = re.sub(r"[ \t]*;[ \t]*(?:received|rport)(?:[ \t]*=[^;,]*)?(?=[ \t]*(?:;|$))", "", first)
    wants_port = "rport" in via.parameters
    if wants_port or via.host != source[0]:
        first += f";received={source[0]}"
    if wants_port:
        first += f";rport={source[1]}"
    return first + comma + others


def _first_of(value: str) -> tuple[str, str, str]:
    from_quotes = re.match(r'(?:"(?:[^"\\]|\\.)*"|[^",])*', value, re.DOTALL)
    end = from_quotes.end() if from_quotes else len(value)
    return value[:end].rstrip(), value[end : end + 1], value[end + 1 :]


def _check_uri(uri: str) -> None:
    scheme = uri_scheme(uri)
    if not scheme or "<" in uri or ">" in uri:
        raise BadField("request line: no URI")
    if scheme in ("sip", "sips", "tel"):
        parse_uri(uri)


def _essentials(headers: Headers, via: Via) -> Essentials:
    for name in _SINGLE:
        if len(headers.every(name)) > 1:
            raise BadField(f"{name}: more than one")
    number, method = parse_cseq(_needed(headers, "cseq"))
    call_id = _needed(headers, "call-id")
    if " " in call_id or "\t" in call_id:
        raise BadField("call-id: not one word")
    sender = parse_address(_needed(headers, "from"), "From")
    recipient = parse_address(_needed(headers, "to"), "To")
    return Essentials(via, call_id, sender, recipient, number, method)


def _checked(headers: Headers, body: bytes) -> bytes:
    """Check what would mislead later steps; return the body cut to Content-Length."""
    _contacts(headers)
    hops = headers.get("max-forwards")
    if hops is not None and (not _NUMBER.fullmatch(hops) or int(hops) > 255):
        raise BadField("Max-Forwards: not 0 to 255")
    date = headers.get("date")
    if date is not None and not _DATE.fullmatch(date):
        raise BadField("Date: not GMT")
    length = headers.get("content-length")
    if length is None:
        return body
    if not _NUMBER.fullmatch(length) or int(length) > len(body):
        raise BadField("Content-Length: not the body's")
    return body[: int(length)]


def _contacts(headers: Headers) -> list[NameAddress]:
    values = [value for value in headers.every("contact") if value != "*"]
    return parse_addresses(values, "Contact")


def _encode(start: str, headers: Headers, body: bytes) -> bytes:
    lines = [start]
    lines += [f"{name}: {value}" for name, value in headers if name.lower() not in _LENGTH]
    lines.append(f"Content-Length: {len(body)}\r\n\r\n")
    return "\r\n".join(lines).encode(*_ENCODING) + body


_LENGTH = frozenset(("content-length", "l"))
