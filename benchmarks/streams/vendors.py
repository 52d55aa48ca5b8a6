"""Vendors with fixed delays, spoken to in their own protocols, which note when they were asked.

Deepgram's ``/v1/listen``, OpenAI's chat completions with streaming, ElevenLabs' voice over HTTP and
over both kinds of WebSocket. A call says its name once, in any parameter of ``/v1/listen``; from
there name and turn travel in the words that are heard, answered and spoken, so that a server needs
to do nothing for it.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from base64 import b64encode
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from benchmarks.streams.wire import Connection, Peer
from cordboard.media import g711

FINAL_S = 0.3
"""From the last frame of speech to the final words, or ``FINALIZE_S`` after having been asked."""
FINALIZE_S = 0.1
PARTIAL_S = 0.3
FIRST_TOKEN_S = 0.2
TOKEN_S = 0.02
FIRST_SOUND_S = 0.1
PIECE_MS = 200
PIECE_S = 0.04
"""A piece of sound every so often: five times as fast as it is spoken."""
CHARACTER_MS = 60

CLAUSES = (
    "This answers call {call} turn {turn} now.",
    " We are open from nine in the morning until five in the evening on every day of the week.",
)
_HEARD = "Call {call} turn {turn} asks what your opening hours are today?"
_ABOUT = re.compile(r"call (\d+) turn (\d+)", re.IGNORECASE)
_NAME = re.compile(r"bench-(\d+)")
_SPEECH = bytes(abs(int.from_bytes(g711.mulaw_to_pcm(bytes((code,))), "little", signed=True)) > 600
                for code in range(256))  # fmt: skip
_PEAK = 600

Turn = tuple[int, int]
"""The number of a call, and of what its caller said in it."""


def call_name(number: int) -> str:
    """Return the name by which vendors know a call."""
    return f"bench-{number}"


def has_speech(sound: bytes) -> bool:
    """Tell whether mu-law holds more than silence and line noise."""
    return 1 in sound.translate(_SPEECH)


@dataclass(slots=True)
class Notes:
    """When what happened at the vendors: ``turns`` by what, ``opened`` by call."""

    turns: dict[Turn, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))
    opened: dict[int, float] = field(default_factory=dict)

    def mark(self, what: str, turn: Turn | None, at: float | None = None) -> None:
        """Note something for the first time."""
        if turn is not None:
            self.turns[turn].setdefault(what, at or time.monotonic())


class Vendors:
    """The site of all three. ``voice`` is what the agent's voice sounds like, in mu-law."""

    def __init__(self, voice: bytes) -> None:
        self.notes = Notes()
        self._voice = voice

    def socket(self, connection: Connection, path: str, query: dict[str, str]) -> Peer:
        """Listen, or speak."""
        if path.endswith("/listen"):
            return _Listening(connection, query, self.notes)
        speech = _Speech(self.notes, self._voice, query.get("output_format", "pcm_16000"))
        return _Speaking(connection, speech, query, many="multi" in path)

    def request(
        self, connection: Connection, path: str, query: dict[str, str], body: bytes
    ) -> None:
        """Answer in words, or speak."""
        if path.endswith("/chat/completions"):
            _reply(connection, json.loads(body), self.notes)
        elif "text-to-speech" in path:
            speech = _Speech(self.notes, self._voice, query.get("output_format", "pcm_16000"))
            connection.begin("application/octet-stream")
            alive = _aliveness(connection)
            speech.say(
                json.loads(body)["text"], connection.part, lambda: connection.part(b""), alive
            )
        else:
            connection.answer(b"{}")


def _aliveness(connection: Connection) -> Callable[[], bool]:
    return lambda: connection.alive


def about(text: str) -> Turn | None:
    """Return which call and turn words are of, by what they say themselves."""
    found = _ABOUT.findall(text)
    return (int(found[-1][0]), int(found[-1][1])) if found else None


def _later(wait_s: float, do: Callable[..., None], *about: object) -> asyncio.TimerHandle:
    return asyncio.get_running_loop().call_later(wait_s, do, *about)


@dataclass(frozen=True, slots=True)
class _Form:
    """How sound that is to be listened to is written."""

    is_mulaw: bool
    bytes_per_s: int

    @classmethod
    def of(cls, query: dict[str, str]) -> _Form:
        """Read it from the query."""
        is_mulaw = query.get("encoding") == "mulaw"
        rate_hz = int(re.sub(r"\D", "", query.get("sample_rate", "")) or 8000)
        return cls(is_mulaw, rate_hz * (1 if is_mulaw else 2))

    def has_speech(self, sound: bytes) -> bool:
        """Tell whether it holds more than silence and line noise."""
        if self.is_mulaw:
            return has_speech(sound)
        samples = np.frombuffer(sound[: len(sound) & ~1], "<i2").astype(np.int32)
        return bool(samples.size) and bool(np.abs(samples).max() > _PEAK)


class _Listening:
    """One stream of sound, with a partial result now and then and a final one."""

    def __init__(self, connection: Connection, query: dict[str, str], notes: Notes) -> None:
        name = _NAME.search(" ".join(query.values()))
        self._call = int(name[1]) if name else 0
        self._form = _Form.of(query)
        self._connection, self._notes = connection, notes
        self._turn = self._partials = self._fed = 0
        self._hears = False
        self._last = 0.0
        self._timers: list[asyncio.TimerHandle] = []
        notes.opened.setdefault(self._call, time.monotonic())

    def message(self, payload: bytes, is_text: bool) -> None:
        """Take sound, or a wish."""
        if not is_text:
            self._sound(payload)
            return
        wish = json.loads(payload).get("type")
        if wish == "Finalize" and not self._hears:
            _later(FINALIZE_S, self._say, "", True, True)
        elif wish == "Finalize":
            at = min(time.monotonic() + FINALIZE_S, self._last + FINAL_S)
            self._timers.append(_later(at - time.monotonic(), self._final, True))
        elif wish == "CloseStream":
            self._connection.close()

    def lost(self) -> None:
        """Say nothing more."""
        for timer in self._timers:
            timer.cancel()

    def _sound(self, sound: bytes) -> None:
        self._fed += len(sound)
        if not self._form.has_speech(sound):
            return
        self._last = time.monotonic()
        if self._hears:
            return
        self._hears, self._partials = True, 0
        self._turn += 1
        self._timers = [_later(PARTIAL_S, self._partial),
                        _later(FINAL_S, self._look)]  # fmt: skip

    def _look(self) -> None:
        left_s = self._last + FINAL_S - time.monotonic()
        if left_s > 0.0005:
            self._timers.append(_later(left_s, self._look))
        else:
            self._final(False)

    def _partial(self) -> None:
        if self._hears:
            self._partials += 1
            words = self._words.split()
            self._say(" ".join(words[: 3 + 3 * self._partials]), False, False)
            self._timers.append(_later(2 * PARTIAL_S, self._partial))

    def _final(self, asked: bool) -> None:
        if not self._hears:
            return
        self._hears = False
        for timer in self._timers:
            timer.cancel()
        turn = self._call, self._turn
        self._notes.mark("last_sound", turn, self._last)
        self._say(self._words, True, asked)
        self._notes.mark("final", turn)

    @property
    def _words(self) -> str:
        return _HEARD.format(call=self._call, turn=self._turn)

    def _say(self, text: str, final: bool, asked: bool) -> None:
        words, end_s = text.split(), self._fed / self._form.bytes_per_s
        begin_s = max(0.0, end_s - 0.3 * len(words))
        heard = [
            {"word": word.lower().strip("?"), "punctuated_word": word, "confidence": 0.99,
             "start": round(begin_s + 0.3 * at, 2), "end": round(begin_s + 0.3 * (at + 1), 2)}
            for at, word in enumerate(words)
        ]  # fmt: skip
        best = {"transcript": text, "confidence": 0.99 if words else 0.0, "words": heard}
        model = {"name": "fixed", "version": "1", "arch": "fixed"}
        told = {
            "type": "Results", "channel_index": [0, 1], "start": round(begin_s, 2),
            "duration": round(end_s - begin_s, 2), "is_final": final, "speech_final": final,
            "from_finalize": asked, "channel": {"alternatives": [best]},
            "metadata": {"request_id": "r", "model_info": model, "model_uuid": "m"},
        }  # fmt: skip
        self._connection.send(json.dumps(told).encode())


def _reply(connection: Connection, asked: dict[str, Any], notes: Notes) -> None:
    """Stream an answer, a token every 20 ms; the first sentence is whole at its last token."""
    users = [one["content"] for one in asked["messages"] if one["role"] == "user"]
    content = users[-1] if users else ""
    if not isinstance(content, str):
        content = " ".join(part.get("text", "") for part in content)
    turn_of = about(content)
    notes.mark("asked_model", turn_of)
    call, turn = turn_of or (0, 0)
    sentences = [re.findall(r" ?\w+|\.", text.format(call=call, turn=turn)) for text in CLAUSES]
    tokens = [token for sentence in sentences for token in sentence]
    head = {"id": f"chatcmpl-{call}-{turn}", "object": "chat.completion.chunk", "created": 0,
            "model": "fixed"}  # fmt: skip
    usage = {"prompt_tokens": 1, "completion_tokens": len(tokens), "total_tokens": 1 + len(tokens)}

    def event(delta: dict[str, str], finish: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        connection.part(b"data: %b\n\n" % json.dumps({**head, "choices": [choice]}).encode())

    def token(at: int) -> None:
        if at == len(tokens):
            event({}, "stop")
            if (asked.get("stream_options") or {}).get("include_usage"):
                last = json.dumps({**head, "choices": [], "usage": usage}).encode()
                connection.part(b"data: %b\n\n" % last)
            connection.part(b"data: [DONE]\n\n")
            connection.part(b"")
            return
        event({"role": "assistant", "content": tokens[at]} if not at else {"content": tokens[at]})
        if at == len(sentences[0]) - 1:
            notes.mark("first_sentence", turn_of)

    if asked.get("stream"):
        connection.begin("text/event-stream")
        _one_by_one(len(tokens) + 1, FIRST_TOKEN_S, TOKEN_S, token, _aliveness(connection))
        return
    message = {"role": "assistant", "content": "".join(tokens)}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    whole = {**head, "object": "chat.completion", "choices": [choice], "usage": usage}
    connection.answer(json.dumps(whole).encode())


def _one_by_one(
    count: int, first_s: float, step_s: float, do: Callable[[int], None], alive: Callable[[], bool]
) -> None:
    """Do things at fixed times, the first after ``first_s``, as long as somebody is there."""
    loop = asyncio.get_running_loop()
    start = loop.time() + first_s

    def step(at: int) -> None:
        if alive():
            do(at)
            if at + 1 < count:
                loop.call_at(start + (at + 1) * step_s, step, at + 1)

    loop.call_at(start, step, 0)


class _Speech:
    """Says texts in one format."""

    def __init__(self, notes: Notes, voice: bytes, form: str) -> None:
        self._notes = notes
        self._sound, self._bytes_per_s = _in_form(voice, form)

    def say(
        self,
        text: str,
        emit: Callable[[bytes], None],
        end: Callable[[], None],
        alive: Callable[[], bool],
    ) -> None:
        """Stream a text, as much sound as it has characters."""
        turn = about(text)
        self._notes.mark("asked_voice", turn)
        size = len(text.strip()) * CHARACTER_MS * self._bytes_per_s // 1000 & ~1
        sound = (self._sound * (size // len(self._sound) + 1))[:size]
        step = self._bytes_per_s * PIECE_MS // 1000
        pieces = [sound[at : at + step] for at in range(0, size, step)]

        def piece(at: int) -> None:
            if at == len(pieces):
                end()
                return
            emit(pieces[at])
            self._notes.mark("first_sound", turn)

        _one_by_one(len(pieces) + 1, FIRST_SOUND_S, PIECE_S, piece, alive)


@lru_cache(maxsize=8)
def _in_form(voice: bytes, form: str) -> tuple[bytes, int]:
    """Return the voice in a vendor's output format, and its bytes per second."""
    kind, rate_hz = form.split("_")[0], int(form.split("_")[1])
    if kind == "ulaw":
        return voice, rate_hz
    samples = np.frombuffer(g711.mulaw_to_pcm(voice), "<i2")
    at = np.arange(len(samples) * rate_hz // 8000) * 8000 // rate_hz
    return samples[at].tobytes(), 2 * rate_hz


class _Speaking:
    """A voice's WebSocket: text in as it comes, sound out; one text after another in a context."""

    def __init__(
        self, connection: Connection, speech: _Speech, query: dict[str, str], many: bool
    ) -> None:
        self._connection, self._speech, self._many = connection, speech, many
        self._eager = query.get("auto_mode") == "true"
        self._contexts: dict[str, _Spoken] = {}

    def message(self, payload: bytes, is_text: bool) -> None:
        """Take text and what is to be done with it."""
        told = json.loads(payload)
        name = told.get("context_id") or ""
        text = told.get("text") or ""
        if told.get("close_socket"):
            self._connection.close()
            return
        known = self._contexts.get(name)
        if known is None:
            if not text:
                return
            known = self._contexts[name] = _Spoken()
        known.text += text
        known.last = bool(
            known.last or told.get("close_context") or (not self._many and told.get("text") == "")
        )
        wanted = (
            known.last or self._eager or told.get("flush") or told.get("try_trigger_generation")
        )
        if known.text.strip() and (wanted or known.text.rstrip().endswith((".", "?", "!"))):
            known.waiting.append(known.text.strip())
            known.text = ""
        self._go_on(name)

    def lost(self) -> None:
        """Say nothing more."""
        self._contexts.clear()

    def _go_on(self, name: str) -> None:
        known = self._contexts.get(name)
        if known is None or known.busy:
            return
        if known.waiting:
            known.busy = True
            text = known.waiting.pop(0)
            self._speech.say(
                text, self._emitter(name, text), lambda: self._said(name),
                lambda: self._contexts.get(name) is known,
            )  # fmt: skip
        elif known.last:
            del self._contexts[name]
            self._tell(name, {"isFinal": True, "audio": None})
            if not self._many:
                self._connection.close()

    def _said(self, name: str) -> None:
        self._contexts[name].busy = False
        self._go_on(name)

    def _emitter(self, name: str, text: str) -> Callable[[bytes], None]:
        count = PIECE_MS // CHARACTER_MS
        letters = iter([text[at : at + count] for at in range(0, len(text), count)])

        def emit(sound: bytes) -> None:
            part = next(letters, "")
            times = [CHARACTER_MS * at for at in range(len(part))]
            shown = {
                "chars": list(part), "charStartTimesMs": times, "charsStartTimesMs": times,
                "charDurationsMs": [CHARACTER_MS] * len(part),
            } if part else None  # fmt: skip
            self._tell(name, {
                "audio": b64encode(sound).decode(), "isFinal": None,
                "alignment": shown, "normalizedAlignment": shown,
            })  # fmt: skip

        return emit

    def _tell(self, name: str, told: dict[str, Any]) -> None:
        more = {"contextId": name} if self._many else {}
        self._connection.send(json.dumps({**told, **more}).encode())


@dataclass(slots=True)
class _Spoken:
    """What one context has been given and not said yet."""

    text: str = ""
    waiting: list[str] = field(default_factory=list)
    busy: bool = False
    last: bool = False
