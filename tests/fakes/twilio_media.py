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
from typing import Any

import aiohttp
from twilio.request_validator import RequestValidator

FRAME_BYTES = 160
SILENCE = b"\xff" * FRAME_BYTES
TICK_S = 0.02

Resume = Callable[[], Awaitable[str | None]]


class FakeStream:
    """One caller's phone. ``heard`` is what its ear got since the first stream began, silence
    included.
    """

    def __init__(
        self, port: int, auth_token: str, call_sid: str = "CA" + "1" * 32, lag_s: float = 0.0
    ) -> None:
        self.call_sid = call_sid
        self.heard = bytearray()
        self.received: list[str] = []
        """The events that came, in order, without the media."""
        self.clear_times: list[float] = []
        self.closed_by_server = False
        self.status: int | None = None
        """The HTTP status of an upgrade that was refused."""
        self.on_played: Callable[[bytes], None] | None = None
        self.unplayed: deque[bytes | str] = deque()
        self.reading = True
        self._port = port
        self._validator = RequestValidator(auth_token)
        self._say: deque[bytes] = deque()
        self._orders: deque[Callable[[], Awaitable[None]]] = deque()
        self.streams = 0
        self.come_back = True
        self._sequence = 0
        self._lag_s = lag_s
        self._rest = b""
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._over = False

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
            self._over = True
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
        self.reading = False

    async def run(self, url: str, resume: Resume | None = None) -> None:
        """Open the stream at ``url``; when it is gone, ask ``resume`` where to go on, if at all."""
        async with aiohttp.ClientSession() as http:
            following: str | None = url
            while following is not None and not self._over:
                await self._stream(http, following)
                following = None
                if resume is not None and self.come_back and not self._over:
                    following = await resume()

    async def _stream(self, http: aiohttp.ClientSession, url: str) -> None:
        signature = self._validator.compute_signature(url, {})
        local = f"http://127.0.0.1:{self._port}/" + url.split("/", 3)[3]
        try:
            self._socket = await http.ws_connect(
                local, headers={"X-Twilio-Signature": signature}, autoclose=True
            )
        except aiohttp.WSServerHandshakeError as error:
            self.status = error.status
            return
        self.streams += 1
        self.unplayed.clear()
        self._rest = b""
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
            if not self.reading:
                continue
            await self._play()
            while self._orders:
                await self._orders.popleft()()
            if self._is_over():
                return
            await self._send_media(frame)

    def _is_over(self) -> bool:
        return self._over or self._socket is None or self._socket.closed

    async def _send_media(self, frame: int) -> None:
        payload = self._say.popleft() if self._say else SILENCE
        media = {
            "track": "inbound",
            "chunk": str(frame),
            "timestamp": str(frame * 20),
            "payload": base64.b64encode(payload).decode(),
        }
        await self._send({"event": "media", "media": media})

    async def _play(self) -> None:
        """Play 20 ms to the ear and return the marks that lie behind it."""
        sound, self._rest = self._rest, b""
        while self.unplayed and len(sound) < FRAME_BYTES:
            item = self.unplayed.popleft()
            if isinstance(item, str):
                await self._return_mark(item)
            else:
                sound += item
        sound, self._rest = sound[:FRAME_BYTES], sound[FRAME_BYTES:]
        while not self._rest and self.unplayed and isinstance(self.unplayed[0], str):
            await self._return_mark(str(self.unplayed.popleft()))
        played = sound + SILENCE[len(sound) :]
        self.heard += played
        if self.on_played is not None:
            self.on_played(played)

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            while not self.reading:  # noqa: ASYNC110
                await asyncio.sleep(TICK_S)
            found = json.loads(message.data)
            assert found["streamSid"] == self._stream_sid
            if self._lag_s:
                await asyncio.sleep(self._lag_s)
            await self._take(found)
        self.closed_by_server = socket.close_code == 1000

    async def _take(self, message: dict[str, Any]) -> None:
        match message["event"]:
            case "media":
                self.unplayed.append(base64.b64decode(message["media"]["payload"], validate=True))
                return
            case "mark":
                if self.unplayed or self._rest:
                    self.unplayed.append(message["mark"]["name"])
                else:
                    await self._return_mark(message["mark"]["name"])
            case "clear":
                self.clear_times.append(time.monotonic())
                self._rest = b""
                marks = [item for item in self.unplayed if isinstance(item, str)]
                self.unplayed.clear()
                for mark in marks:
                    await self._return_mark(mark)
            case other:
                raise AssertionError(f"Twilio knows no {other!r} and reports error 31924")
        self.received.append(str(message["event"]))

    async def _return_mark(self, name: str) -> None:
        await self._send({"event": "mark", "mark": {"name": name}})

    def _order(self, message: dict[str, object]) -> None:
        async def send() -> None:
            await self._send(message)

        self._orders.append(send)

    @property
    def _stream_sid(self) -> str:
        return f"MZ{self.streams:032x}"

    async def _send(self, message: dict[str, object]) -> None:
        assert self._socket is not None
        if message["event"] != "connected":
            self._sequence += 1
            message = {
                **message,
                "sequenceNumber": str(self._sequence),
                "streamSid": self._stream_sid,
            }
        if not self._socket.closed:
            try:
                await self._socket.send_str(json.dumps(message))
            except (ConnectionError, aiohttp.ClientError):
                return
