"""LiveKit Agents on a media stream, without a LiveKit server: a session whose sound comes from and
goes to the carrier's socket.

So it is not deployed: there, a call crosses a SIP bridge, an SFU, Opus and WebRTC and has a process
of its own. Read these figures as the least that it costs.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import numpy as np
from aiohttp import web
from livekit import rtc
from livekit.agents import Agent, AgentSession
from livekit.agents.voice import io
from livekit.plugins import deepgram, elevenlabs, openai

VENDORS = os.environ["BENCH_FAKES"]
RATE_HZ = 8000
FRAME_BYTES = 400
"""50 ms, as its rooms hand sound on."""

logging.disable(logging.CRITICAL)


def _linear(code: int) -> int:
    """Return the sample of a mu-law code (ITU-T G.711)."""
    code = ~code & 0xFF
    size = (((code & 0x0F) << 3) + 132 << (code >> 4 & 7)) - 132
    return -size if code & 0x80 else size


_LINEAR = np.array([_linear(code) for code in range(256)], np.int16)
_LEVELS = np.argsort(_LINEAR, kind="stable")
_SORTED = _LINEAR[_LEVELS]
_CODES = np.empty(65536, np.uint8)
_samples = np.arange(-32768, 32768)
_CODES[_samples & 0xFFFF] = _LEVELS[np.clip(np.searchsorted(_SORTED, _samples), 0, 255)].astype(
    np.uint8
)


class _In(io.AudioInput):
    """The caller's sound."""

    def __init__(self) -> None:
        super().__init__(label="phone")
        self._frames: asyncio.Queue[Any] = asyncio.Queue(1000)
        self._rest = b""

    def push(self, sound: bytes) -> None:
        self._rest += sound
        while len(self._rest) >= FRAME_BYTES:
            piece, self._rest = self._rest[:FRAME_BYTES], self._rest[FRAME_BYTES:]
            pcm = _LINEAR[np.frombuffer(piece, np.uint8)].tobytes()
            self._frames.put_nowait(rtc.AudioFrame(pcm, RATE_HZ, 1, FRAME_BYTES))

    def end(self) -> None:
        self._frames.put_nowait(None)

    async def __anext__(self) -> Any:
        frame = await self._frames.get()
        if frame is None:
            raise StopAsyncIteration
        return frame


class _Out(io.AudioOutput):
    """The agent's sound: sent as it comes, its end known by a mark."""

    def __init__(self, socket: web.WebSocketResponse, stream_sid: str) -> None:
        capabilities = io.AudioOutputCapabilities(pause=False)
        super().__init__(label="phone", sample_rate=RATE_HZ, capabilities=capabilities)
        self._socket, self._sid = socket, stream_sid
        self._begun_at, self._seconds, self._marks = 0.0, 0.0, 0
        self._messages: asyncio.Queue[str] = asyncio.Queue(1000)

    async def send_always(self) -> None:
        while True:
            await self._socket.send_str(await self._messages.get())

    async def capture_frame(self, frame: Any) -> None:
        await super().capture_frame(frame)
        if not self._seconds:
            self._begun_at = time.time()
            self.on_playback_started(created_at=self._begun_at)
        self._seconds += frame.duration
        codes = _CODES[np.frombuffer(frame.data, np.int16).astype(np.uint16)]
        self._put("media", {"payload": b64encode(codes.tobytes()).decode()})

    def flush(self) -> None:
        super().flush()
        if self._seconds:
            self._marks += 1
            self._put("mark", {"name": f"m{self._marks}"})

    def mark_returned(self, name: str) -> None:
        if self._seconds and name == f"m{self._marks}":
            self._finished(self._seconds, False)

    def clear_buffer(self) -> None:
        if self._seconds:
            self._messages.put_nowait(json.dumps({"event": "clear", "streamSid": self._sid}))
            self._finished(min(self._seconds, time.time() - self._begun_at), True)

    def _finished(self, position_s: float, interrupted: bool) -> None:
        self._seconds = 0.0
        self._marks += interrupted  # the mark under way is not waited for
        self.on_playback_finished(playback_position=position_s, interrupted=interrupted)

    def _put(self, event: str, content: dict[str, str]) -> None:
        told = {"event": event, "streamSid": self._sid, event: content}
        self._messages.put_nowait(json.dumps(told))


async def _told(socket: web.WebSocketResponse) -> AsyncIterator[dict[str, Any]]:
    async for message in socket:
        yield json.loads(message.data)


async def talk(request: web.Request) -> web.WebSocketResponse:
    """Have one conversation; the call's name goes to the transcriber as a tag."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    messages = _told(socket)
    start: dict[str, Any] = {}
    while start.get("event") != "start":
        start = await anext(messages)
    http = request.app[HTTP]
    session: Any = AgentSession(
        stt=deepgram.STT(
            api_key="none",
            base_url=f"{VENDORS.replace('http', 'ws', 1)}/v1/listen",
            sample_rate=RATE_HZ,
            tags=[start["start"]["callSid"]],
            http_session=http,
        ),
        llm=openai.LLM(model="fixed", api_key="none", base_url=f"{VENDORS}/v1"),
        tts=elevenlabs.TTS(
            api_key="none", base_url=f"{VENDORS}/v1", encoding="pcm_8000", http_session=http
        ),
        turn_handling={"turn_detection": "vad", "endpointing": {"min_delay": 0.5}},
        aec_warmup_duration=None,
    )
    heard, spoken = _In(), _Out(socket, start["streamSid"])
    session.input.audio, session.output.audio = heard, spoken
    async with asyncio.TaskGroup() as group:
        sending = group.create_task(spoken.send_always())
        await session.start(Agent(instructions="You are a receptionist on the phone."))
        try:
            async for told in messages:
                if told["event"] == "media":
                    heard.push(b64decode(told["media"]["payload"]))
                elif told["event"] == "mark":
                    spoken.mark_returned(told["mark"]["name"])
                elif told["event"] == "stop":
                    break
        finally:
            heard.end()
            sending.cancel()
            await session.aclose()
    return socket


HTTP = web.AppKey("http", aiohttp.ClientSession)


async def _healthy(_: web.Request) -> web.Response:
    return web.Response()


async def _open(app: web.Application) -> None:
    app[HTTP] = aiohttp.ClientSession()


if __name__ == "__main__":
    app = web.Application()
    app.router.add_get("/ws", talk)
    app.router.add_get("/healthz", _healthy)
    app.on_startup.append(_open)
    port = int(os.environ["PORT"])
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)
