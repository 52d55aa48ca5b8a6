"""The bare agent: nothing but what a call needs, so that everything above it is the price of more.

Loudness for voice activity, one transcriber's stream, one request to a model and one to a voice for
each sentence, ``clear`` when the caller speaks over it. Nothing fails here, nothing is recorded,
logged or kept. ``PORT`` and ``BENCH_FAKES`` come from the environment.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

import uvloop

from benchmarks.streams.vendors import has_speech
from benchmarks.streams.wire import BINARY, Client, Connection, Peer, frame

ONSET_FRAMES = 3
_VOICE = "/v1/text-to-speech/v/stream?output_format=ulaw_8000"
_MODEL = "/v1/chat/completions"


class Request(asyncio.Protocol):
    """One kept connection to a vendor: a body there, parts of a body back, an empty one last."""

    def __init__(self, idle: list[Request]) -> None:
        self._transport: asyncio.Transport
        self._idle = idle
        self._rest = b""
        self._has_head = False
        self._take: Callable[[bytes], None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be ready."""
        self._transport = cast(asyncio.Transport, transport)

    def ask(self, path: str, content: object, take: Callable[[bytes], None]) -> None:
        """Send a request."""
        body = json.dumps(content).encode()
        self._take, self._rest, self._has_head = take, b"", False
        self._transport.write(
            b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (path.encode(), len(body), body)
        )

    def abort(self, take: Callable[[bytes], None]) -> None:
        """Want no more of what was asked for ``take``, which gets the last part now; nothing
        happens when that is over, as the connection may serve somebody else by then.
        """
        if self._take is take:
            self._take = None
            self._transport.abort()
            take(b"")

    def connection_lost(self, exc: Exception | None) -> None:
        """Be of no more use."""
        if self in self._idle:
            self._idle.remove(self)

    def data_received(self, fresh: bytes) -> None:
        """Read parts."""
        self._rest += fresh
        if not self._has_head:
            _, end, self._rest = self._rest.partition(b"\r\n\r\n")
            self._has_head = bool(end)
        while self._take is not None:
            line, end, rest = self._rest.partition(b"\r\n")
            if not end or len(rest) < (size := int(line, 16)) + 2:
                return
            self._rest = rest[size + 2 :]
            take = self._take
            if not size:
                self._take = None
                self._idle.append(self)
            take(rest[:size])


class Agent:
    """The site, and the connections to vendors that all calls share."""

    def __init__(self, vendors: str, group: asyncio.TaskGroup) -> None:
        where = urlsplit(vendors)
        self._address = where.hostname or "", where.port or 80
        self._idle: list[Request] = []
        self.group = group

    def socket(self, connection: Connection, path: str, query: dict[str, str]) -> Peer:
        """A call."""
        return Call(connection, self)

    def request(
        self, connection: Connection, path: str, query: dict[str, str], body: bytes
    ) -> None:
        """Say that we are up."""
        connection.answer(b"{}")

    async def listen(self, call: Call, name: str) -> None:
        """Open a transcriber's stream for a call."""
        asked = "encoding=mulaw&sample_rate=8000&interim_results=true&endpointing=300"
        loop = asyncio.get_running_loop()
        ear = Ear(f"/v1/listen?{asked}&tag={name}", call)
        await loop.create_connection(lambda: ear, *self._address)

    async def ask(self, path: str, content: object, take: Callable[[bytes], None]) -> Request:
        """Ask a vendor on a connection that is idle, or a new one."""
        if self._idle:
            request = self._idle.pop()
        else:
            loop = asyncio.get_running_loop()
            request = Request(self._idle)
            await loop.create_connection(lambda: request, *self._address)
        request.ask(path, content, take)
        return request


class Ear(Client):
    """A transcriber's stream."""

    def __init__(self, target: str, call: Call) -> None:
        super().__init__(target)
        self._call = call

    def opened(self) -> None:
        """Let sound through."""
        self._call.ear = self

    def message(self, payload: bytes) -> None:
        """Take final words."""
        if b'"speech_final": true' in payload:
            text = json.loads(payload)["channel"]["alternatives"][0]["transcript"]
            if text:
                self._call.asked(text)


class Call:
    """One call."""

    def __init__(self, connection: Connection, agent: Agent) -> None:
        self.ear: Ear | None = None
        self._connection, self._agent = connection, agent
        self._turn = self._loud = 0
        self._until = 0.0
        self._sid = b""
        self._asking: list[tuple[Request, Callable[[bytes], None]]] = []
        self._messages = [{"role": "system", "content": "You are a receptionist on the phone."}]

    def message(self, payload: bytes, is_text: bool) -> None:
        """Take the caller's sound."""
        start = payload.find(b'"payload":"')
        if start >= 0:
            self._sound(b64decode(payload[start + 11 : payload.find(b'"', start + 11)]))
        elif b'"start"' in payload:
            told = json.loads(payload)
            self._sid = told["streamSid"].encode()
            self._agent.group.create_task(self._agent.listen(self, told["start"]["callSid"]))

    def lost(self) -> None:
        """Hang up on everybody."""
        self._turn += 1
        if self.ear is not None:
            self.ear.transport.close()

    def asked(self, text: str) -> None:
        """Answer."""
        self._turn += 1
        self._messages.append({"role": "user", "content": text})
        self._agent.group.create_task(self._answer(self._turn))

    def _sound(self, sound: bytes) -> None:
        self._loud = self._loud + 1 if has_speech(sound) else 0
        if self._loud == ONSET_FRAMES and self._until > time.monotonic():
            self._turn += 1
            self._until = 0.0
            asking, self._asking = self._asking, []
            for request, take in asking:
                request.abort(take)
            self._connection.send(b'{"event":"clear","streamSid":"%b"}' % self._sid)
        if self.ear is not None:
            self.ear.transport.write(frame(sound, BINARY, masked=True))

    async def _answer(self, turn: int) -> None:
        sentences: asyncio.Queue[str] = asyncio.Queue(100)
        text = whole = ""

        def take(part: bytes) -> None:
            nonlocal text, whole
            for line in part.split(b"\n"):
                if line.startswith(b"data: {"):
                    fresh = json.loads(line[6:])["choices"][0]["delta"].get("content", "")
                    text, whole = text + fresh, whole + fresh
                    if text.endswith((".", "?", "!")):
                        sentences.put_nowait(text)
                        text = ""
            if not part:
                self._messages.append({"role": "assistant", "content": whole})
                sentences.put_nowait("")

        asked = {"model": "fixed", "stream": True, "messages": self._messages}
        self._asking.append((await self._agent.ask(_MODEL, asked, take), take))
        while turn == self._turn and (sentence := await sentences.get()):
            await self._speak(sentence, turn)

    async def _speak(self, sentence: str, turn: int) -> None:
        done = asyncio.Event()

        def take(sound: bytes) -> None:
            if not sound:
                done.set()
            elif turn == self._turn:
                self._until = max(self._until, time.monotonic()) + len(sound) / 8000
                told = b'{"event":"media","streamSid":"%b","media":{"payload":"%b"}}'
                self._connection.send(told % (self._sid, b64encode(sound)))

        self._asking.append((await self._agent.ask(_VOICE, {"text": sentence}, take), take))
        await done.wait()


async def run(port: int, vendors: str) -> None:
    """Serve until SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    async with asyncio.TaskGroup() as group:
        agent = Agent(vendors, group)
        serving = await loop.create_server(
            lambda: Connection(agent), "127.0.0.1", port, backlog=1024
        )
        async with serving:
            await stop.wait()
            os._exit(0)  # answers under way would wait for ever


if __name__ == "__main__":
    uvloop.run(run(int(os.environ["PORT"]), os.environ["BENCH_FAKES"]))
