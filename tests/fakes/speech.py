"""A fake of ElevenLabs' streaming synthesis.

After https://elevenlabs.io/docs/api-reference/text-to-speech/v-1-text-to-speech-voice-id-stream-input:
text comes in messages, a space first and an empty one last; sound goes back in base64 with the
times of its characters, counted from the sound of the same message, and ``isFinal`` last.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from tests.fakes.serving import Broken, Faults, Sender, serving

CHARACTER_MS = 50
_CHARACTERS = 8
_BYTES_PER_MS = {"ulaw_8000": 8, "alaw_8000": 8, "pcm_16000": 32, "pcm_8000": 16}


@dataclass
class FakeSpeech:
    """Says each character as 50 ms of a byte of its own (see :func:`sound_of`), eight a message.

    ``error`` is sent in place of the first sound, as the vendor does on an open socket.
    ``aligned`` off leaves the characters' times out; ``odd_bytes`` cuts samples in two.
    """

    faults: Faults = field(default_factory=Faults)
    error: str | None = None
    aligned: bool = True
    odd_bytes: bool = False
    too_long: bool = False
    first_ms: int = 0
    key: str = "key-1"
    queries: list[dict[str, str]] = field(default_factory=list)
    voices: list[str] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    open_count: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[FakeSpeech]:
        """Serve while the block lasts; ``url`` is the base URL."""
        application = web.Application()
        path = "/v1/text-to-speech/{voice}/stream-input"
        application.router.add_get(path, self._stream_input)
        async with serving(application) as host:
            self.url = f"http://{host}"
            yield self

    async def until_open(self, count: int, opened: int = 0) -> None:
        """Wait until this many sockets are open, and at least ``opened`` have ever been."""
        async with asyncio.timeout(3):
            while self.open_count != count or len(self.voices) < opened:
                self.changed.clear()
                await self.changed.wait()

    async def _stream_input(self, request: web.Request) -> web.StreamResponse:
        if self.faults.refuse is not None:
            return web.Response(
                status=self.faults.refuse,
                text="secret upstream words",
                headers={"Retry-After": self.faults.retry_after},
            )
        if request.headers.get("xi-api-key") != self.key:
            return web.json_response({"detail": {"status": "invalid_api_key"}}, status=401)
        self.queries.append(dict(request.query))
        self.voices.append(request.match_info["voice"])
        stream = web.WebSocketResponse()
        await stream.prepare(request)
        self._count(1)
        try:
            await self._converse(stream, Sender(self.faults, request))
        except (Broken, ConnectionError):
            return stream
        finally:
            self._count(-1)
        await stream.close()
        return stream

    def _count(self, change: int) -> None:
        self.open_count += change
        self.changed.set()

    async def _converse(self, stream: web.WebSocketResponse, sender: Sender) -> None:
        text = ""
        form = self.queries[-1].get("output_format", "mp3_44100_128")
        async for message in stream:
            if message.type is not WSMsgType.TEXT:
                continue
            asked = json.loads(message.data)
            self.messages.append(asked)
            if asked["text"]:
                text += asked["text"]
                continue
            if self.error is not None:
                failure = {"message": "secret upstream words", "error": self.error, "code": 1008}
                await stream.send_json(failure)
                return
            await asyncio.sleep(self.first_ms / 1000)
            for answer in self._answers(text.strip(), form):
                due = await sender.due(json.dumps(answer).encode())
                await stream.send_str(due.decode())
            return

    def _answers(self, text: str, form: str) -> list[dict[str, Any]]:
        answers: list[dict[str, Any]] = []
        left = b""
        spoken = text * 40 if self.too_long else text
        for at in range(0, len(spoken), _CHARACTERS):
            part = spoken[at : at + _CHARACTERS]
            sound = left + sound_of(part, form)
            left = sound[-1:] if self.odd_bytes else b""
            sound = sound[: len(sound) - len(left)]
            starts = [number * CHARACTER_MS for number in range(len(part))]
            times = {
                "chars": list(part),
                "charStartTimesMs": starts,
                "charDurationsMs": [CHARACTER_MS] * len(part),
            }
            given = times if self.aligned else None
            answers.append(
                {
                    "audio": base64.b64encode(sound).decode(),
                    "isFinal": None,
                    "alignment": given,
                    "normalizedAlignment": given,
                }
            )
        last = {"audio": base64.b64encode(left).decode() or None, "isFinal": True}
        return [*answers, {**last, "alignment": None, "normalizedAlignment": None}]


def sound_of(text: str, form: str) -> bytes:
    """Return the fake's sound of ``text`` in an output format."""
    size = _BYTES_PER_MS[form] * CHARACTER_MS
    return b"".join(bytes((ord(character) % 251,)) * size for character in text)
