"""A Twilio call's media stream, seen from Twilio's side.

After "Media Streams - WebSocket Messages" and "TwiML Voice: <Stream>": the socket is opened with a
signature over its address; ``connected`` and ``start`` come first, then 50 ``media`` messages a
second whatever the caller does; sound that is received is buffered and played in real time, a mark
comes back when all before it has been played, ``clear`` empties the buffer and returns all marks
at once, in order; ``stop`` comes when the call ends. When the socket is gone and the call is not,
the document goes on behind ``<Connect>``.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from twilio.request_validator import RequestValidator

FRAME_BYTES = 160
SILENCE = b"\xff" * FRAME_BYTES
TICK_S = 0.02

Resume = Callable[[], Awaitable[str | None]]


@dataclass
class Seen:
    """What happened on the line."""

    events: list[str] = field(default_factory=list)
    """The events that came, in order, without the media."""
    clear_times: list[float] = field(default_factory=list)
    closed_by_server: bool = False
    refused_with: int | None = None
    """The HTTP status of an upgrade that was refused."""
    streams: int = 0
    sequence: int = 0


@dataclass
class Habits:
    """How the far end behaves. ``lag_s`` is the way of a message to it."""

    lag_s: float = 0.0
    reading: bool = True
    come_back: bool = True
    over: bool = False
    redirected: bool = False


class Ear:
    """The playout buffer, and everything it has played, silence included."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self._unplayed: deque[bytes | str] = deque()
        self._rest = b""

    def begin(self) -> None:
        """Another stream: what the last one had buffered is gone."""
        self._unplayed.clear()
        self._rest = b""

    def take(self, sound: bytes) -> None:
        """Buffer sound."""
        self._unplayed.append(sound)

    def mark(self, name: str) -> list[str]:
        """Buffer a mark; returns it at once if nothing is left to be played before it."""
        if not self._unplayed and not self._rest:
            return [name]
        self._unplayed.append(name)
        return []

    def clear(self) -> list[str]:
        """Drop everything; return all marks, in order."""
        marks = [item for item in self._unplayed if isinstance(item, str)]
        self.begin()
        return marks

    def play(self) -> list[str]:
        """Play 20 ms; return the marks that were passed."""
        marks: list[str] = []
        sound, self._rest = self._rest, b""
        while self._unplayed and len(sound) < FRAME_BYTES:
            item = self._unplayed.popleft()
            if isinstance(item, str):
                marks.append(item)
            else:
                sound += item
        sound, self._rest = sound[:FRAME_BYTES], sound[FRAME_BYTES:]
        while not self._rest and self._unplayed and isinstance(self._unplayed[0], str):
            marks.append(str(self._unplayed.popleft()))
        self.heard += sound + SILENCE[len(sound) :]
        return marks


class FakeStream:
    """One caller's phone, over as many streams as its call needs."""

    def __init__(
        self, port: int, auth_token: str, call_sid: str = "CA" + "1" * 32, lag_s: float = 0.0
    ) -> None:
        self.call_sid = call_sid
        self.ear = Ear()
        self.seen = Seen()
        self.habits = Habits(lag_s)
        self._port = port
        self._validator = RequestValidator(auth_token)
        self._say: deque[bytes] = deque()
        self._orders: deque[Callable[[], Awaitable[None]]] = deque()
        self._socket: aiohttp.ClientWebSocketResponse | None = None

    def say(self, sound: bytes) -> None:
        """Speak after what is being said."""
        sound += SILENCE[: -len(sound) % FRAME_BYTES]
        self._say.extend(
            sound[start : start + FRAME_BYTES] for start in range(0, len(sound), FRAME_BYTES)
        )

    @property
    def is_talking(self) -> bool:
        """Whether something is left to be said."""
        return bool(self._say)

    def press(self, digit: str) -> None:
        """Press a key: Twilio sends an event of its own."""
        self._order({"event": "dtmf", "dtmf": {"track": "inbound_track", "digit": digit}})

    def hang_up(self) -> None:
        """End the call from this side."""

        async def end() -> None:
            self.habits.over = True
            await self._send({"event": "stop", "stop": {"callSid": self.call_sid}})
            assert self._socket is not None
            await self._socket.close()

        self._orders.append(end)

    def redirect(self) -> None:
        """Go on by another document than the one that opened the stream, which ends."""

        async def end() -> None:
            self.habits.redirected = True
            await self._send({"event": "stop", "stop": {"callSid": self.call_sid}})
            assert self._socket is not None
            await self._socket.close()

        self._orders.append(end)

    def drop(self) -> None:
        """Let the connection break without a word."""

        async def cut() -> None:
            assert self._socket is not None
            self._socket._writer.transport.abort()

        self._orders.append(cut)

    def freeze(self) -> None:
        """Neither send nor read any more, and keep the connection: it is half-open."""
        self.habits.reading = False

    async def run(self, url: str, resume: Resume | None = None) -> None:
        """Open the stream at ``url``; when it is gone, ask ``resume`` where to go on, if at all."""
        async with aiohttp.ClientSession() as http:
            following: str | None = url
            while following is not None and not self.habits.over:
                await self._stream(http, following)
                following = None
                if resume is not None and self.habits.come_back and not self.habits.over:
                    following = await resume()

    async def _stream(self, http: aiohttp.ClientSession, url: str) -> None:
        signature = self._validator.compute_signature(url, {})
        local = f"http://127.0.0.1:{self._port}/" + url.split("/", 3)[3]
        try:
            self._socket = await http.ws_connect(
                local, headers={"X-Twilio-Signature": signature}, autoclose=True
            )
        except aiohttp.WSServerHandshakeError as error:
            self.seen.refused_with = error.status
            return
        self.seen.streams += 1
        self.ear.begin()
        try:
            async with asyncio.TaskGroup() as group:
                reading = group.create_task(self._read(self._socket))
                pacing = group.create_task(self._pace())
                await asyncio.wait((reading, pacing), return_when=asyncio.FIRST_COMPLETED)
                reading.cancel()
                pacing.cancel()
        finally:
            await self._socket.close()

    async def _pace(self) -> None:
        await self._send({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        await self._send(
            {
                "event": "start",
                "start": {
                    "accountSid": "AC" + "0" * 32,
                    "streamSid": self._stream_sid,
                    "callSid": self.call_sid,
                    "tracks": ["inbound"],
                    "customParameters": {},
                    "mediaFormat": {
                        "encoding": "audio/x-mulaw",
                        "sampleRate": 8000,
                        "channels": 1,
                    },
                },
            }
        )
        began = time.monotonic()
        frame = 0
        assert self._socket is not None
        while not self._socket.closed:
            frame += 1
            await asyncio.sleep(max(0, began + frame * TICK_S - time.monotonic()))
            if not self.habits.reading:
                continue
            await self._return_marks(self.ear.play())
            while self._orders:
                await self._orders.popleft()()
            if self._is_over():
                return
            await self._send_media(frame)

    def _is_over(self) -> bool:
        return self.habits.over or self._socket is None or self._socket.closed

    async def _send_media(self, frame: int) -> None:
        payload = self._say.popleft() if self._say else SILENCE
        media = {
            "track": "inbound",
            "chunk": str(frame),
            "timestamp": str(frame * 20),
            "payload": base64.b64encode(payload).decode(),
        }
        await self._send({"event": "media", "media": media})

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            while not self.habits.reading:  # noqa: ASYNC110
                await asyncio.sleep(TICK_S)
            found = json.loads(message.data)
            assert found["streamSid"] == self._stream_sid
            if self.habits.lag_s:
                await asyncio.sleep(self.habits.lag_s)
            await self._take(found)
        self.seen.closed_by_server = socket.close_code == 1000

    async def _take(self, message: dict[str, Any]) -> None:
        marks: list[str] = []
        match message["event"]:
            case "media":
                self.ear.take(base64.b64decode(message["media"]["payload"], validate=True))
                return
            case "mark":
                marks = self.ear.mark(message["mark"]["name"])
            case "clear":
                self.seen.clear_times.append(time.monotonic())
                marks = self.ear.clear()
            case other:
                raise AssertionError(f"Twilio knows no {other!r} and reports error 31924")
        self.seen.events.append(str(message["event"]))
        await self._return_marks(marks)

    async def _return_marks(self, names: list[str]) -> None:
        for name in names:
            await self._send({"event": "mark", "mark": {"name": name}})

    def _order(self, message: dict[str, object]) -> None:
        async def send() -> None:
            await self._send(message)

        self._orders.append(send)

    @property
    def _stream_sid(self) -> str:
        return f"MZ{self.seen.streams:032x}"

    async def _send(self, message: dict[str, object]) -> None:
        assert self._socket is not None
        if message["event"] != "connected":
            self.seen.sequence += 1
            message = {
                **message,
                "sequenceNumber": str(self.seen.sequence),
                "streamSid": self._stream_sid,
            }
        if not self._socket.closed:
            try:
                await self._socket.send_str(json.dumps(message))
            except (ConnectionError, aiohttp.ClientError):
                return
