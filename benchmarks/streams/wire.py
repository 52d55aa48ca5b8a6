"""Just enough HTTP/1.1 and WebSocket (RFC 6455) for callers and vendors that have to cost far less
than the servers they measure. Loopback only: no TLS, no extensions, nothing hostile expected.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from typing import Protocol, cast
from urllib.parse import parse_qs, urlsplit

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_NO_MASK = bytes(4)
_KEY = base64.b64encode(bytes(16))


def frame(payload: bytes, opcode: int = TEXT, *, masked: bool = False) -> bytes:
    """Return one whole message; ``masked`` as a client has to, by a key of zeros."""
    size, bit = len(payload), 0x80 if masked else 0
    if size < 126:
        head = bytes((0x80 | opcode, bit | size))
    elif size < 0x10000:
        head = bytes((0x80 | opcode, bit | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, bit | 127)) + size.to_bytes(8, "big")
    return head + _NO_MASK + payload if masked else head + payload


class FrameReader:
    """Cuts a stream into messages; parts of one are joined."""

    def __init__(self) -> None:
        self._rest = b""
        self._parts: list[bytes] = []
        self._opcode = 0

    def push(self, fresh: bytes) -> list[tuple[int, bytes]]:
        """Return the messages, with their opcodes, that are whole now."""
        stream = self._rest + fresh if self._rest else fresh
        at, messages = 0, []
        while (cut := _cut(stream, at)) is not None:
            first, start, end, key = cut
            payload = stream[start:end]
            if key != _NO_MASK:
                payload = _unmasked(payload, key)
            at = end
            if first & 0x0F:
                self._opcode, self._parts = first & 0x0F, []
            self._parts.append(payload)
            if first & 0x80:
                messages.append((self._opcode, b"".join(self._parts)))
        self._rest = stream[at:]
        return messages


def _cut(stream: bytes, at: int) -> tuple[int, int, int, bytes] | None:
    """Return first byte, begin and end of the payload and the mask, None if it is not whole."""
    if len(stream) < at + 2:
        return None
    size, start = stream[at + 1] & 0x7F, at + 2
    if size >= 126:
        width = 2 if size == 126 else 8
        size, start = int.from_bytes(stream[start : start + width], "big"), start + width
    key = _NO_MASK
    if stream[at + 1] & 0x80:
        key, start = stream[start : start + 4], start + 4
    return None if len(stream) < start + size else (stream[at], start, start + size, key)


def _unmasked(payload: bytes, key: bytes) -> bytes:
    size = len(payload)
    pad = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")).to_bytes(size, "big")


class Client(asyncio.Protocol):
    """A WebSocket client; what happens is up to the methods that a subclass gives it."""

    def __init__(self, target: str) -> None:
        self.transport: asyncio.Transport
        self.is_open = False
        self._target = target
        self._head = b""
        self._reader = FrameReader()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(
            b"GET %b HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: %b\r\nSec-WebSocket-Version: 13\r\n\r\n"
            % (self._target.encode(), _KEY)
        )

    def data_received(self, fresh: bytes) -> None:
        """Read the answer to the upgrade, then messages."""
        if not self.is_open:
            self._head += fresh
            head, end, fresh = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            if b" 101 " not in head.partition(b"\r\n")[0]:
                self.transport.close()
                return
            self.is_open = True
            self.opened()
        for opcode, payload in self._reader.push(fresh):
            if opcode in (TEXT, BINARY):
                self.message(payload)
            elif opcode == PING:
                self.transport.write(frame(payload, PONG, masked=True))
            elif opcode == CLOSE:
                self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end."""
        self.is_open = False
        self.lost()

    def send(self, payload: bytes, opcode: int = TEXT) -> None:
        """Send one message."""
        self.transport.write(frame(payload, opcode, masked=True))

    def opened(self) -> None:
        """The socket is open."""

    def message(self, payload: bytes) -> None:
        """A message has come."""

    def lost(self) -> None:
        """The connection is gone."""


class Peer(Protocol):
    """The server's end of a WebSocket, by what happens to it."""

    def message(self, payload: bytes, is_text: bool) -> None:
        """A message has come."""
        ...

    def lost(self) -> None:
        """The connection is gone."""
        ...


class Site(Protocol):
    """What a server is made of."""

    def socket(self, connection: Connection, path: str, query: dict[str, str]) -> Peer:
        """A WebSocket has been opened."""
        ...

    def request(
        self, connection: Connection, path: str, query: dict[str, str], body: bytes
    ) -> None:
        """Answer a request, now or later, by the connection's methods."""
        ...


class Connection(asyncio.Protocol):
    """One connection to a site: requests one after another, or a WebSocket."""

    def __init__(self, site: Site) -> None:
        self.transport: asyncio.Transport
        self.alive = True
        self._site = site
        self._rest = b""
        self._peer: Peer | None = None
        self._reader = FrameReader()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first request."""
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """The end."""
        self.alive = False
        if self._peer is not None:
            self._peer.lost()

    def data_received(self, fresh: bytes) -> None:
        """Read requests, or messages."""
        if self._peer is not None:
            self._messages(fresh)
            return
        self._rest += fresh
        head, end, rest = self._rest.partition(b"\r\n\r\n")
        if not end:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        fields = {name.lower(): text.strip() for name, _, text in (x.partition(":") for x in lines)}
        url = urlsplit(first.split()[1])
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        if "sec-websocket-key" in fields:
            self._upgrade(fields)
            self._peer = self._site.socket(self, url.path, query)
            self._messages(rest)
            return
        body = _body(rest, fields)
        if body is not None:
            self._rest = b""  # nobody here asks before the answer has come
            self._site.request(self, url.path, query, body)

    def send(self, payload: bytes, opcode: int = TEXT) -> None:
        """Send a message on the WebSocket."""
        if self.alive:
            self.transport.write(frame(payload, opcode))

    def answer(self, body: bytes, kind: str = "application/json") -> None:
        """Answer a request whole."""
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        self.transport.write(head.encode() + body)

    def begin(self, kind: str) -> None:
        """Answer a request in parts."""
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n"
        self.transport.write(head.encode())

    def part(self, part: bytes) -> None:
        """Send a part of an answer; an empty one is the last."""
        if self.alive:
            self.transport.write(b"%x\r\n%b\r\n" % (len(part), part))

    def close(self) -> None:
        """Close the WebSocket."""
        if self.alive:
            self.transport.write(frame(b"\x03\xe8", CLOSE))
            self.transport.close()

    def _upgrade(self, fields: dict[str, str]) -> None:
        digest = hashlib.sha1(fields["sec-websocket-key"].encode() + _MAGIC).digest()  # noqa: S324
        chosen = fields.get("sec-websocket-protocol", "").partition(",")[0]
        lines = [
            "HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}",
            *([f"Sec-WebSocket-Protocol: {chosen}"] if chosen else []),
        ]  # fmt: skip
        self.transport.write("\r\n".join([*lines, "", ""]).encode())

    def _messages(self, fresh: bytes) -> None:
        assert self._peer is not None
        for opcode, payload in self._reader.push(fresh):
            if opcode in (TEXT, BINARY):
                self._peer.message(payload, opcode == TEXT)
            elif opcode == PING:
                self.send(payload, PONG)
            elif opcode == CLOSE:
                self.close()


def _body(rest: bytes, fields: dict[str, str]) -> bytes | None:
    """Return the body of a request, None if it is not whole."""
    if fields.get("transfer-encoding") != "chunked":
        size = int(fields.get("content-length", "0"))
        return rest[:size] if len(rest) >= size else None
    body = b""
    while True:
        line, end, rest = rest.partition(b"\r\n")
        if not end or len(rest) < (size := int(line, 16)) + 2:
            return None
        if not size:
            return body
        body, rest = body + rest[:size], rest[size + 2 :]
