"""Somebody who is called and answers, by hand: every packet of sound that comes is kept."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from cordboard.media import rtp
from cordboard.media.codec import PCMU

HOST = "127.0.0.1"
EVENTS = 101

_COPIED = re.compile(rb"^((?:via|from|call-id|cseq):.*?)\r?$", re.MULTILINE | re.IGNORECASE)
_TO = re.compile(rb"^to: *(.*?)\r?$", re.MULTILINE | re.IGNORECASE)
_MEDIA = re.compile(rb"^m=audio (\d+) ", re.MULTILINE)

Address = tuple[str, int]


class WireCallee(asyncio.DatagramProtocol):
    """Answers one call. Times are of ``time.monotonic``."""

    def __init__(self, media: asyncio.DatagramTransport, ear: Ear) -> None:
        self.port = 0
        self.busy = False
        self.acknowledged: float | None = None
        self.over = asyncio.Event()
        self.ear = ear
        self._media = media
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: Address) -> None:
        method = data.split(b" ", 1)[0]
        if method == b"INVITE" and self.busy:
            self._send(addr, data, "", b"486 Busy Here")
        elif method == b"INVITE":
            self._send(addr, data, self._offer())
            found = _MEDIA.search(data)
            assert found is not None
            # The far end sends once it has heard from us, as to anybody behind a NAT.
            packet = rtp.Packet(0, True, 1, 160, 77, PCMU.silence_frame)
            self._media.sendto(rtp.build(packet), (HOST, int(found[1])))
        elif method == b"ACK" and self.acknowledged is None:
            self.acknowledged = time.monotonic()
        elif method == b"BYE":
            self._send(addr, data, "")
            self.over.set()

    def _send(self, address: Address, request: bytes, body: str, status: bytes = b"200 OK") -> None:
        assert self._transport is not None
        to = _TO.search(request)
        assert to is not None
        tag = b"" if b"tag=" in to[1] else b";tag=callee"
        lines = [b"SIP/2.0 " + status, *_COPIED.findall(request), b"To: " + to[1] + tag]
        lines.append(f"Contact: <sip:callee@{HOST}:{self.port}>".encode())
        if body:
            lines.append(b"Content-Type: application/sdp")
        lines += [f"Content-Length: {len(body)}".encode(), b"", body.encode()]
        self._transport.sendto(b"\r\n".join(lines), address)

    def _offer(self) -> str:
        port = self._media.get_extra_info("sockname")[1]
        return (
            f"v=0\r\no=- 1 1 IN IP4 {HOST}\r\ns=-\r\nc=IN IP4 {HOST}\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP 0 {EVENTS}\r\n"
            f"a=rtpmap:{EVENTS} telephone-event/8000\r\na=fmtp:{EVENTS} 0-15\r\n"
        )


class Ear(asyncio.DatagramProtocol):
    """Keeps what comes."""

    def __init__(self) -> None:
        self.heard: list[tuple[float, rtp.Packet]] = []

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if not rtp.is_rtcp(data):
            self.heard.append((time.monotonic(), rtp.parse(data)))

    def events(self) -> list[tuple[float, rtp.Packet]]:
        """Return the telephone events."""
        return [heard for heard in self.heard if heard[1].payload_type == EVENTS]


@asynccontextmanager
async def wire_callee() -> AsyncIterator[WireCallee]:
    """Be there to be called within the block."""
    loop = asyncio.get_running_loop()
    media, ear = await loop.create_datagram_endpoint(Ear, local_addr=(HOST, 0))
    signalling, far = await loop.create_datagram_endpoint(
        lambda: WireCallee(media, ear), local_addr=(HOST, 0)
    )
    try:
        yield far
    finally:
        signalling.close()
        media.close()
