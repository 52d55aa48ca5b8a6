"""Chat completions as they are on the wire: what is sent, and what streams back.

Written after the vendor's reference of ``POST /chat/completions`` and its streaming chunks
(https://platform.openai.com/docs/api-reference/chat-streaming), and lenient where servers that
imitate it differ: ``choices: null``, arguments as an object, every call under index 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

MOST_ARGUMENTS_CHARACTERS = 65_536
MOST_CALLS = 16
DONE = b"[DONE]"


class BadChunk(ValueError):
    """What the server sent is no chunk of a completion; the text names the field."""


class FunctionDelta(msgspec.Struct, frozen=True):
    """Some more of a call's name and arguments."""

    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class CallDelta(msgspec.Struct, frozen=True):
    """Some more of a call. A new ``id`` begins a new call even under an old index."""

    index: int | None = None
    id: str | None = None
    function: FunctionDelta | None = None


class Delta(msgspec.Struct, frozen=True):
    """What a chunk adds to the answer."""

    content: str | None = None
    tool_calls: list[CallDelta] | None = None


class ChunkChoice(msgspec.Struct, frozen=True):
    """The first and only choice that is asked for."""

    delta: Delta | None = None
    finish_reason: str | None = None


class Chunk(msgspec.Struct, frozen=True):
    """One event of the stream; ``error`` instead of choices when the server gives up."""

    choices: list[ChunkChoice] | None = None
    error: msgspec.Raw | None = None


class ErrorDetail(msgspec.Struct, frozen=True):
    """Why a request failed, in the server's own closed words."""

    code: str | int | None = None
    type: str | None = None


class ErrorAnswer(msgspec.Struct, frozen=True):
    """The body of a failure."""

    error: ErrorDetail | str | None = None


_chunks = msgspec.json.Decoder(Chunk)
_errors = msgspec.json.Decoder(ErrorAnswer)


def read_chunk(event: bytes) -> Chunk:
    """Return the chunk that an event holds. Raises ``BadChunk``."""
    try:
        return _chunks.decode(event)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadChunk(f"chunk: {type(error).__name__}") from None


def failure_of(status: int, body: bytes = b"") -> tuple[str, bool]:
    """Return the class of failure of an HTTP status, and whether to try again.

    An account that has run out is told from too many requests by the body's code alone.
    """
    if status in (401, 403):
        return "bad_credentials", False
    if status in (402, 429):
        return "over_quota", status == 429 and not _is_spent(body)
    if status in (408, 425) or status >= 500:
        return "unavailable", True
    return "rejected", False


def _is_spent(body: bytes) -> bool:
    try:
        detail = _errors.decode(body).error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return isinstance(detail, ErrorDetail) and "insufficient_quota" in (detail.code, detail.type)


class SpokenText:
    """Leaves out what a model thinks before it answers, where its server sends that as text.

    Only thoughts at the very beginning, between ``<think>`` and ``</think>``, are known as such.
    """

    _OPENS = "<think>"
    _CLOSES = "</think>"

    def __init__(self) -> None:
        self._held = ""
        self._thinking = False
        self._answering = False

    def push(self, text: str) -> str:
        """Take more text; return what of it is to be said."""
        if self._answering:
            return text
        self._held += text
        if not self._thinking:
            begun = self._held.lstrip()
            if self._OPENS.startswith(begun):
                return ""
            if not begun.startswith(self._OPENS):
                return self._answer(self._held)
            self._thinking = True
        before, closed, after = self._held.partition(self._CLOSES)
        if closed:
            self._answering = True
            return self._answer(after)
        self._held = before[-len(self._CLOSES) :]
        return ""

    def finish(self) -> str:
        """The text is over: return what was held back and is no thought after all."""
        return "" if self._thinking and not self._answering else self._answer(self._held)

    def _answer(self, text: str) -> str:
        # White space alone decides nothing yet.
        self._held = ""
        self._answering = self._answering or bool(text.strip())
        return text


class CallCollector:
    """Puts streamed tool calls together; each is handed out once it is whole."""

    def __init__(self) -> None:
        self._calls: dict[int, list[str]] = {}
        self._ids: dict[int, str] = {}
        self._last = -1

    def push(self, deltas: Sequence[CallDelta]) -> None:
        """Take the calls' deltas of one chunk. Raises ``BadChunk``."""
        for delta in deltas:
            call = self._call(delta)
            function = delta.function
            if function is None:
                continue
            call[0] += function.name or ""
            arguments = function.arguments
            if isinstance(arguments, dict):
                arguments = msgspec.json.encode(arguments).decode()
            call[1] += arguments or ""
            if len(call[0]) + len(call[1]) > MOST_ARGUMENTS_CHARACTERS:
                raise BadChunk("tool_calls: longer than any action's arguments")

    def take(self) -> list[tuple[str, str]]:
        """Return all calls as name and arguments (a JSON object), and begin anew. Raises
        ``BadChunk`` if one has no name or its arguments are no JSON object.
        """
        calls = [(name, arguments.strip() or "{}") for name, arguments in self._calls.values()]
        self._calls.clear()
        self._ids.clear()
        for name, arguments in calls:
            if not name:
                raise BadChunk("tool_calls: a call without a name")
            _check_object(arguments)
        return calls

    def _call(self, delta: CallDelta) -> list[str]:
        index = self._last if delta.index is None else delta.index
        known = self._ids.get(index)
        if delta.id and known is not None and delta.id != known:
            index = max(self._calls) + 1
        if index not in self._calls:
            if len(self._calls) >= MOST_CALLS:
                raise BadChunk("tool_calls: too many calls")
            self._calls[index] = ["", ""]
        if delta.id:
            self._ids[index] = delta.id
        self._last = index
        return self._calls[index]


def _check_object(arguments: str) -> None:
    try:
        value = msgspec.json.decode(arguments)
    except (msgspec.MsgspecError, RecursionError):
        raise BadChunk("arguments: not JSON") from None
    if not isinstance(value, dict):
        raise BadChunk("arguments: not an object")
