"""Lean callers: one signalling socket for all, one socket for each call's sound.

They know just enough SIP and RTP to ring a server in earnest and note when each datagram came;
everything else would cost the generator more than the server under test.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field

Address = tuple[str, int]

SILENCE = b"\xff" * 160
FRAME_S = 0.02
_HEADER_BYTES = 12
_REPEAT_S = 0.5
_STATUS = re.compile(rb"SIP/2\.0 (\d{3})")
_PORT = re.compile(rb"^m=audio (\d+)", re.MULTILINE)
_TAG = re.compile(rb"^to:.*;tag=([^;\s]+)", re.MULTILINE | re.IGNORECASE)
_CONTACT = re.compile(rb"^contact:.*<([^>]+)>", re.MULTILINE | re.IGNORECASE)
_CALL_ID = re.compile(rb"^call-id:\s*(\S+)", re.MULTILINE | re.IGNORECASE)
_RETRY_AFTER = re.compile(rb"^retry-after:\s*(\d+)", re.MULTILINE | re.IGNORECASE)
_CSEQ = re.compile(rb"^cseq:\s*\d+\s+(\w+)", re.MULTILINE | re.IGNORECASE)
_COPIED = re.compile(rb"^((?:via|from|to|call-id|cseq):.*)$", re.MULTILINE | re.IGNORECASE)


@dataclass(slots=True)
class Noted:
    """What one call noted; times are of ``time.perf_counter``, None: it never happened."""

    invited: float = 0.0
    ringing: float | None = None
    status: int = 0
    retry_after: int | None = None
    final: float | None = None
    first_sound: float | None = None
    ended: float | None = None
    arrivals: array[float] = field(default_factory=lambda: array("d"))

    @property
    def widest_gap_ms(self) -> float:
        """The longest time between two frames of sound."""
        steps = (later - sooner for sooner, later in itertools.pairwise(self.arrivals))
        return max(steps, default=0.0) * 1000


class Callers(asyncio.DatagramProtocol):
    """The signalling socket that all calls share; ``start`` binds it."""

    def __init__(self, destination: Address, prefix: str = "load", host: str = "127.0.0.1") -> None:
        self.destination = destination
        self.host = host
        self.port = 0
        self.unknown_count = 0
        self._prefix = prefix
        self._numbers = itertools.count(1)
        self._calls: dict[bytes, WireCall] = {}
        self._transport: asyncio.DatagramTransport | None = None

    async def start(self) -> None:
        """Bind a free port."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=(self.host, 0)
        )
        self.port = int(self._transport.get_extra_info("sockname")[1])

    def close(self) -> None:
        """Close the socket."""
        if self._transport is not None:
            self._transport.close()

    def new_call(
        self, number: str, frame: Callable[[bytes, float], None] | None = None
    ) -> WireCall:
        """Return a call that has not been placed; ``frame`` gets each payload with its time."""
        call = WireCall(self, f"{self._prefix}.{next(self._numbers)}", number, frame)
        self._calls[call.call_id.encode()] = call
        return call

    def forget(self, call: WireCall) -> None:
        """Hand nothing more to a call."""
        self._calls.pop(call.call_id.encode(), None)

    def send(self, message: str | bytes) -> None:
        """Send a message to the server."""
        assert self._transport is not None, "start first"
        payload = message.encode() if isinstance(message, str) else message
        self._transport.sendto(payload, self.destination)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Take one message (asyncio's callback)."""
        found = _CALL_ID.search(data)
        call = self._calls.get(found[1]) if found else None
        if call is None:
            self.unknown_count += 1
            return
        call.signalled(data, time.perf_counter())


class WireCall(asyncio.DatagramProtocol):
    """One call. ``place`` rings and waits; ``send_frame`` is due every 20 ms; ``hang_up`` ends."""

    def __init__(
        self,
        callers: Callers,
        call_id: str,
        number: str,
        frame: Callable[[bytes, float], None] | None,
    ) -> None:
        self.call_id = call_id
        self.noted = Noted()
        self.over = asyncio.Event()
        self._callers = callers
        self._number = number
        self._frame = frame
        self._far = _FarEnd()
        self._near = _NearEnd()
        self._final = asyncio.Event()

    async def place(self, wait_s: float = 10.0) -> int:
        """Ring, repeat the INVITE as UDP asks for, acknowledge; returns the final status.

        Returns 0 when none came.
        """
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=(self._callers.host, 0)
        )
        self._near.transport = transport
        self._near.port = int(transport.get_extra_info("sockname")[1])
        self.noted.invited = time.perf_counter()
        deadline = self.noted.invited + wait_s
        while time.perf_counter() < deadline and not self._final.is_set():
            if not self.noted.status:
                self._callers.send(self._invite())
            try:
                async with asyncio.timeout(_REPEAT_S):
                    await self._final.wait()
            except TimeoutError:
                continue
        return self.noted.status if self._final.is_set() else 0

    async def cancel(self) -> None:
        """Take the INVITE back."""
        self._callers.send(self._request("CANCEL", 1, "inv"))

    async def hang_up(self, wait_s: float = 3.0) -> None:
        """Send BYE until it is answered, then free the sockets."""
        deadline = time.perf_counter() + wait_s
        while self.noted.status == 200 and not self.over.is_set():
            if time.perf_counter() > deadline:
                break
            self._callers.send(self._request("BYE", 2, "bye"))
            try:
                async with asyncio.timeout(_REPEAT_S):
                    await self.over.wait()
            except TimeoutError:
                continue
        self.close()

    def close(self) -> None:
        """Free the sockets without a word."""
        transport, self._near.transport = self._near.transport, None
        if transport is not None:
            transport.close()
        self._callers.forget(self)

    def send_frame(self, payload: bytes = SILENCE) -> None:
        """Send 20 ms of sound."""
        near, far = self._near, self._far
        if near.transport is None or not far.port:
            return
        near.sequence = (near.sequence + 1) & 0xFFFF
        near.timestamp = (near.timestamp + 160) & 0xFFFFFFFF
        packet = b"\x80\x00%c%c" % divmod(near.sequence, 256) + near.timestamp.to_bytes(4, "big")
        near.transport.sendto(packet + near.ssrc + payload, (self._callers.host, far.port))

    def press(self, digit: str) -> None:
        """Press a key: an event of RFC 4733, whose end is told three times."""
        near, far = self._near, self._far
        event = "0123456789*#".index(digit)
        for _ in range(3):
            near.sequence = (near.sequence + 1) & 0xFFFF
            head = b"\x80\x65%c%c" % divmod(near.sequence, 256)
            packet = head + near.timestamp.to_bytes(4, "big") + near.ssrc
            if near.transport is not None and far.port:
                payload = bytes((event, 0x80 | 10)) + (800).to_bytes(2, "big")
                near.transport.sendto(packet + payload, (self._callers.host, far.port))

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Take one packet of sound (asyncio's callback)."""
        now = time.perf_counter()
        self.noted.arrivals.append(now)
        payload = data[_HEADER_BYTES:]
        if self.noted.first_sound is None and payload != SILENCE:
            self.noted.first_sound = now
        if self._frame is not None:
            self._frame(payload, now)

    def signalled(self, message: bytes, now: float) -> None:
        """Take a SIP message that is for this call."""
        status = _STATUS.match(message)
        if status is None:
            self._requested(message, now)
            return
        method = _CSEQ.search(message)
        code = int(status[1])
        if method is None or code < 200:
            if code >= 180 and (tag := _TAG.search(message)):
                self._far.tag = tag[1].decode()
                self.noted.ringing = self.noted.ringing or now
            return
        if method[1] == b"BYE":
            self._end(now)
        elif method[1] == b"INVITE":
            self._answered(message, code, now)

    def _answered(self, message: bytes, code: int, now: float) -> None:
        noted, far = self.noted, self._far
        if tag := _TAG.search(message):
            far.tag = tag[1].decode()
        if not self._final.is_set():
            noted.status, noted.final = code, now
            if retry := _RETRY_AFTER.search(message):
                noted.retry_after = int(retry[1])
            if port := _PORT.search(message):
                far.port = int(port[1])
            if contact := _CONTACT.search(message):
                far.contact = contact[1].decode()
            self._final.set()
        if self._near.acknowledges:
            self._callers.send(self._request("ACK", 1, "ack" if code < 300 else "inv"))
        if code >= 300:
            self._end(now)

    def ignore_answer(self) -> None:
        """Never send an ACK."""
        self._near.acknowledges = False

    def ignore_bye(self) -> None:
        """Never answer a BYE."""
        self._near.answers_bye = False

    def _requested(self, message: bytes, now: float) -> None:
        if not message.startswith(b"BYE"):
            return
        if self._near.answers_bye:
            copied = b"".join(found.strip() + b"\r\n" for found in _COPIED.findall(message))
            self._callers.send(b"SIP/2.0 200 OK\r\n" + copied + b"Content-Length: 0\r\n\r\n")
        self._end(now)

    def _end(self, now: float) -> None:
        if self.noted.ended is None:
            self.noted.ended = now
        self.over.set()

    def _invite(self) -> str:
        host = self._callers.host
        body = (
            f"v=0\r\no=load 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
            f"m=audio {self._near.port} RTP/AVP 0 101\r\n"
            "a=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n"
        )
        return self._request("INVITE", 1, "inv", body)

    def _request(self, method: str, number: int, branch: str, body: str = "") -> str:
        host, port = self._callers.host, self._callers.port
        far_host, far_port = self._callers.destination
        target = f"sip:{self._number}@{far_host}:{far_port}"
        in_dialog = method == "BYE" or (method == "ACK" and branch == "ack")
        uri = self._far.contact if in_dialog and self._far.contact else target
        tag = f";tag={self._far.tag}" if self._far.tag and method in ("ACK", "BYE") else ""
        content = "Content-Type: application/sdp\r\n" if body else ""
        return (
            f"{method} {uri} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK.{self.call_id}.{branch};rport\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:+12025550199@{host}:{port}>;tag={self.call_id}\r\n"
            f"To: <{target}>{tag}\r\nCall-ID: {self.call_id}\r\nCSeq: {number} {method}\r\n"
            f"Contact: <sip:load@{host}:{port}>\r\n{content}Content-Length: {len(body)}\r\n\r\n"
            f"{body}"
        )


@dataclass(slots=True)
class _FarEnd:
    tag: str = ""
    contact: str = ""
    port: int = 0


@dataclass(slots=True)
class _NearEnd:
    transport: asyncio.DatagramTransport | None = None
    port: int = 0
    sequence: int = 0
    timestamp: int = 0
    ssrc: bytes = b"\x12\x34\x56\x78"
    acknowledges: bool = True
    answers_bye: bool = True


async def pace(due: Callable[[], object], step_s: float = FRAME_S) -> None:
    """Call ``due`` every ``step_s`` on absolute deadlines until cancelled."""
    start = time.perf_counter()
    for count in itertools.count(1):
        due()
        wait_s = start + count * step_s - time.perf_counter()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
