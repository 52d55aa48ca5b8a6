"""One caller by hand: every packet of its sound is its own choice, and it notes what it hears."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from cordboard.media import rtp
from cordboard.media.codec import PCMU, new_encoder
from tests.e2e.impairment import BEHIND, MIRROR
from tests.e2e.server import NUMBER

Address = tuple[str, int]

_PORT = re.compile(rb"^m=audio (\d+) ", re.MULTILINE)
_CSEQ = re.compile(rb"^cseq: *\d+ +(\w+)", re.MULTILINE | re.IGNORECASE)
_COPIED = re.compile(rb"^((?:via|from|to|call-id|cseq):.*?)\r?$", re.MULTILINE | re.IGNORECASE)
_TO = re.compile(rb"^to: *(.*?)\r?$", re.MULTILINE | re.IGNORECASE)
REPEAT_S = 0.5
ANSWER_WAIT_S = 20.0


@dataclass(frozen=True, slots=True)
class Style:
    """How sound is put into packets. ``pace`` is the caller's second in ours: 1.001 is slow."""

    packet_ms: int = 20
    payload_type: int = 0
    pace: float = 1.0


@dataclass(slots=True)
class _Numbers:
    """Where the stream stands."""

    ssrc: int = 0x0C0FFEE0
    sequence: int = 0xFFD0  # wraps within the first second
    timestamp: int = 0xFFFF_0000  # wraps after eight


class _Inbox(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.datagrams: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self.datagrams.put_nowait(data)


class _Ear(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.heard: list[tuple[float, rtp.Packet]] = []

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self.heard.append((time.monotonic(), rtp.parse(data)))


class WireCaller:
    """A call that is up; made by ``ringing``. Times are of ``time.monotonic``.

    ``latest_ms`` is how late the latest packet left: what a busy machine did to the caller itself.
    """

    def __init__(self, dialog: _Dialog, media: asyncio.DatagramTransport, ear: _Ear) -> None:
        self.acknowledged = 0.0
        self.latest_ms = 0.0
        self.numbers = _Numbers()
        self.port = int(media.get_extra_info("sockname")[1])
        self.remote: Address = ("", 0)
        self.ended = False
        self._dialog = dialog
        self._media = media
        self._ear = ear

    @property
    def heard(self) -> list[tuple[float, rtp.Packet]]:
        """All packets that came, with their times."""
        return self._ear.heard

    @property
    def identity(self) -> tuple[str, str]:
        """What names the dialog: the Call-ID, which is our tag as well, and the To field."""
        return self._dialog.texts.call_id, self._dialog.texts.to_value

    async def hang_up(self) -> None:
        """End the call, if it has not ended; sound may still be sent."""
        if not self.ended:
            self.ended = True
            await self._dialog.ask(self._dialog.texts.request("BYE", 2, "b"))

    async def hung_up(self) -> float:
        """Wait until the far end hangs up; returns when its BYE came."""
        at = await self._dialog.asked(b"BYE")
        self.ended = True
        return at

    async def play(self, pcm: bytes, style: Style | None = None) -> float:
        """Send 8 kHz sound at its pace; returns when its first packet left.

        Packets leave at absolute times, so a late one does not hold up those after it.
        """
        style = style or Style()
        began = time.monotonic()
        sent = new_encoder(PCMU).from_pcm(pcm)
        step = style.packet_ms * PCMU.rate_hz // 1_000
        for number, at in enumerate(range(0, len(sent), step)):
            due = began + number * style.packet_ms / 1_000 * style.pace
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self.latest_ms = max(self.latest_ms, (time.monotonic() - due) * 1_000)
            self.send(sent[at : at + step], style.payload_type)
        end = began + len(sent) / PCMU.rate_hz * style.pace
        await asyncio.sleep(max(0.0, end - time.monotonic()))
        return began

    async def pause(self, seconds: float) -> None:
        """Send nothing, as with silence suppression: the timestamp goes on."""
        self.numbers.timestamp += int(seconds * PCMU.rate_hz)
        await asyncio.sleep(seconds)

    def send(self, payload: bytes, payload_type: int = 0) -> None:
        """Send one packet."""
        numbers = self.numbers
        packet = rtp.Packet(
            payload_type=payload_type,
            marker=False,
            sequence=numbers.sequence & 0xFFFF,
            timestamp=numbers.timestamp & 0xFFFF_FFFF,
            ssrc=numbers.ssrc,
            payload=payload,
        )
        numbers.sequence += 1
        numbers.timestamp += len(payload)
        self._media.sendto(rtp.build(packet), self.remote)


class _Dialog:
    """The signalling of one call."""

    def __init__(
        self,
        transport: asyncio.DatagramTransport,
        inbox: _Inbox,
        destination: Address,
        texts: _Texts,
    ) -> None:
        self.texts = texts
        self._transport = transport
        self._inbox = inbox
        self._destination = destination
        self._acknowledging = b""

    def send(self, message: bytes) -> None:
        """Send a message."""
        self._transport.sendto(message, self._destination)

    def acknowledge(self, answer: bytes) -> None:
        """Send the ACK, from now on for each copy of the answer."""
        self.texts.to_value = _found(_TO, answer).decode()
        self._acknowledging = self.texts.request("ACK", 1, "a")
        self.send(self._acknowledging)

    async def ask(self, request: bytes) -> bytes:
        """Send a request until its final answer comes; asserts that it is 200."""
        method = request.split(b" ", 1)[0]
        async with asyncio.timeout(ANSWER_WAIT_S):
            while True:
                self.send(request)
                for message in await self._arriving():
                    if _method(message) != method:
                        self._repeated(message)
                    elif not message.startswith(b"SIP/2.0 1"):
                        assert message.startswith(b"SIP/2.0 200"), message.decode()
                        return message

    async def asked(self, method: bytes) -> float:
        """Wait for a request of the far end, answer it with 200; returns when it came."""
        async with asyncio.timeout(ANSWER_WAIT_S):
            while True:
                for message in await self._arriving():
                    if message.startswith(method + b" "):
                        lines = b"\r\n".join(_COPIED.findall(message))
                        self.send(b"SIP/2.0 200 OK\r\n" + lines + b"\r\nContent-Length: 0\r\n\r\n")
                        return time.monotonic()
                    self._repeated(message)

    def _repeated(self, message: bytes) -> None:
        if self._acknowledging and _method(message) == b"INVITE":
            self.send(self._acknowledging)

    async def _arriving(self) -> list[bytes]:
        """Return what comes in half a second, up to the first that is no provisional answer."""
        found: list[bytes] = []
        try:
            async with asyncio.timeout(REPEAT_S):
                while True:
                    found.append(await self._inbox.datagrams.get())
                    if not found[-1].startswith(b"SIP/2.0 1"):
                        return found
        except TimeoutError:
            return found


@asynccontextmanager
async def ringing(
    destination: Address,
    call_id: str,
    advertised: str = MIRROR,
    number: str = NUMBER,
    host: str = BEHIND,
) -> AsyncIterator[WireCaller]:
    """Ring, and hang up at the end of the block; asserts that the call is answered."""
    loop = asyncio.get_running_loop()
    signalling, inbox = await loop.create_datagram_endpoint(_Inbox, local_addr=(host, 0))
    media, ear = await loop.create_datagram_endpoint(_Ear, local_addr=(host, 0))
    try:
        port = signalling.get_extra_info("sockname")[1]
        texts = _Texts(port, advertised, number, call_id)
        dialog = _Dialog(signalling, inbox, destination, texts)
        caller = WireCaller(dialog, media, ear)
        answer = await dialog.ask(texts.invite(caller.port))
        caller.remote = destination[0], int(_found(_PORT, answer))
        dialog.acknowledge(answer)
        caller.acknowledged = time.monotonic()
        yield caller
        await caller.hang_up()
    finally:
        signalling.close()
        media.close()


def _method(message: bytes) -> bytes:
    """Return what kind of request a message is or answers."""
    return _found(_CSEQ, message)


def _found(pattern: re.Pattern[bytes], message: bytes) -> bytes:
    found = pattern.search(message)
    assert found is not None, message.decode()
    return found[1]


@dataclass(slots=True)
class _Texts:
    """Writes the requests of one dialog."""

    port: int
    host: str
    number: str
    call_id: str
    to_value: str = ""

    def invite(self, media_port: int) -> bytes:
        """Return the INVITE; it offers mu-law."""
        body = (
            f"v=0\r\no=- 1 1 IN IP4 {self.host}\r\ns=-\r\nc=IN IP4 {self.host}\r\nt=0 0\r\n"
            f"m=audio {media_port} RTP/AVP 0\r\n"
        )
        return self.request("INVITE", 1, "i", body)

    def request(self, method: str, cseq: int, branch: str, body: str = "") -> bytes:
        """Return a request."""
        return "\r\n".join(self._lines(method, cseq, branch, body)).encode()

    def _lines(self, method: str, cseq: int, branch: str, body: str) -> Iterator[str]:
        to_value = self.to_value or f"<sip:{self.number}@{self.host}>"
        yield f"{method} sip:{self.number}@{self.host} SIP/2.0"
        yield f"Via: SIP/2.0/UDP {self.host}:{self.port};branch=z9hG4bK{self.call_id}{branch};rport"
        yield f"From: <sip:+12025550199@{self.host}>;tag={self.call_id}"
        yield f"To: {to_value}"
        yield f"Call-ID: {self.call_id}"
        yield f"CSeq: {cseq} {method}"
        yield f"Contact: <sip:caller@{self.host}:{self.port}>"
        yield "Max-Forwards: 70"
        if body:
            yield "Content-Type: application/sdp"
        yield f"Content-Length: {len(body)}"
        yield ""
        yield body
