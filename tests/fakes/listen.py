"""A fake of Deepgram's streaming transcription.

After https://developers.deepgram.com/reference/speech-to-text/listen-streaming, and the pages on
interim results, endpointing, utterance end, finalize and keep alive. Its clock is the sound that
it is sent: what it says depends on nothing else.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from tests.fakes.serving import Broken, Faults, Sender, serving

_SILENT = {"mulaw": (0xFF, 0x7F), "alaw": (0xD5, 0x55), "linear16": (0x00,)}
_INTERIM_S = 0.2


@dataclass
class FakeListen:
    """Hears one of ``utterances`` in each stretch of sound that is not silence.

    A partial result comes every 0.2 s, a final one after ``endpointing`` of silence or when asked
    to finalize, ``UtteranceEnd`` after ``utterance_end_ms`` of silence. With ``answers_finalize``
    off, a Finalize with nothing left is not answered, as the vendor's page warns.
    """

    utterances: deque[str] = field(default_factory=lambda: deque(["book a table for two"]))
    faults: Faults = field(default_factory=Faults)
    answers_finalize: bool = True
    key: str = "key-1"
    queries: list[list[tuple[str, str]]] = field(default_factory=list)
    controls: list[str] = field(default_factory=list)
    sound: bytearray = field(default_factory=bytearray)
    sizes: list[int] = field(default_factory=list)
    open_count: int = 0
    url: str = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[FakeListen]:
        """Serve while the block lasts; ``url`` is the base URL."""
        application = web.Application()
        application.router.add_get("/v1/listen", self._listen)
        async with serving(application) as host:
            self.url = f"http://{host}"
            yield self

    async def _listen(self, request: web.Request) -> web.StreamResponse:
        if self.faults.refuse is not None:
            return web.Response(
                status=self.faults.refuse,
                text="secret upstream words",
                headers={"Retry-After": self.faults.retry_after},
            )
        if request.headers.get("Authorization") != f"Token {self.key}":
            body = {"err_code": "INVALID_AUTH", "err_msg": "secret upstream words"}
            return web.json_response(body, status=401)
        self.queries.append(list(request.query.items()))
        stream = web.WebSocketResponse()
        await stream.prepare(request)
        self.open_count += 1
        sender = Sender(self.faults, request)
        hearing = _Hearing(self, dict(request.query))
        try:
            async for message in stream:
                for answer in self._take(message.type, message.data, hearing):
                    await stream.send_str((await sender.due(json.dumps(answer).encode())).decode())
                if hearing.closing:
                    break
        except (Broken, ConnectionError):
            return stream
        finally:
            self.open_count -= 1
        await stream.close()
        return stream

    def _take(self, kind: WSMsgType, payload: Any, hearing: _Hearing) -> list[dict[str, Any]]:
        if kind is WSMsgType.BINARY:
            self.sound += payload
            self.sizes.append(len(payload))
            return hearing.hear(payload)
        control = json.loads(payload)["type"]
        self.controls.append(control)
        return hearing.control(control)


@dataclass(frozen=True)
class _Terms:
    """What a stream was opened with."""

    silent: bytes
    bytes_per_s: int
    endpointing_s: float
    utterance_end_s: float
    interim: bool

    @classmethod
    def of(cls, query: dict[str, str]) -> _Terms:
        """Read them from the query."""
        encoding = query["encoding"]
        return cls(
            bytes(_SILENT[encoding]),
            int(query["sample_rate"]) * (2 if encoding == "linear16" else 1),
            int(query.get("endpointing", "10")) / 1000,
            int(query.get("utterance_end_ms", "1000")) / 1000,
            query.get("interim_results") == "true",
        )


class _Hearing:
    """One stream: its position in the sound, and what it has heard."""

    def __init__(self, fake: FakeListen, query: dict[str, str]) -> None:
        self._fake = fake
        self._terms = _Terms.of(query)
        self._at_s = self._begun_s = self._spoken_s = self._told_s = 0.0
        self._words: list[str] = []
        self._awaits_end = False
        self.closing = False

    def hear(self, payload: bytes) -> list[dict[str, Any]]:
        """Take sound; return what is said about it."""
        self._at_s += len(payload) / self._terms.bytes_per_s
        if payload.strip(self._terms.silent):
            if not self._words:
                self._begun_s = self._told_s = self._at_s
                self._words = (self._fake.utterances or deque(["yes"]))[0].split()
            self._spoken_s = self._at_s
        quiet_s = self._at_s - self._spoken_s
        if self._words and quiet_s >= self._terms.endpointing_s:
            return [self._final(speech_final=True)]
        if self._awaits_end and not self._words and quiet_s >= self._terms.utterance_end_s:
            self._awaits_end = False
            end = {"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": self._spoken_s}
            return [end]
        if self._terms.interim and self._at_s - self._told_s >= _INTERIM_S:
            self._told_s = self._at_s
            share = (self._at_s - self._begun_s) / 1.0
            words = self._words[: max(1, int(share * len(self._words)))]
            return [self._result(" ".join(words), False)]
        return []

    def control(self, control: str) -> list[dict[str, Any]]:
        """Take a message that is no sound."""
        if control == "CloseStream":
            self.closing = True
            head = {"type": "Metadata", "transaction_key": "deprecated", "request_id": "r"}
            more = {"sha256": "", "created": "", "duration": self._at_s, "channels": 1}
            return [{**head, **more}]
        if control == "Finalize" and (self._words or self._fake.answers_finalize):
            return [self._final(from_finalize=True, speech_final=True)]
        return []

    def _final(self, **marks: bool) -> dict[str, Any]:
        text = " ".join(self._words)
        if self._words and self._fake.utterances:
            self._fake.utterances.popleft()
        self._awaits_end = bool(self._words)
        self._words = []
        self._told_s = self._at_s
        return self._result(text, True, **marks)

    def _result(self, text: str, is_final: bool, **marks: bool) -> dict[str, Any]:
        words = [
            {"word": word, "start": 0.0, "end": 0.1, "confidence": 0.9, "punctuated_word": word}
            for word in text.split()
        ]
        heard = {"transcript": text, "confidence": 0.9 if text else 0.0, "words": words}
        model = {"name": "fake", "version": "1", "arch": "fake"}
        return {
            "type": "Results",
            "channel_index": [0, 1],
            "start": round(self._begun_s, 3),
            "duration": round(self._at_s - self._begun_s, 3),
            "is_final": is_final,
            "speech_final": marks.get("speech_final", False),
            "from_finalize": marks.get("from_finalize", False),
            "channel": {"alternatives": [heard]},
            "metadata": {"request_id": "r", "model_info": model, "model_uuid": "m"},
        }
