"""What a bus does for the rest of the server.

Subjects are words joined by dots, such as ``calls.<id>.end`` or ``calls.<id>.live``. In a pattern
``*`` stands for one word and a last ``>`` for one or more. Messages are JSON objects of at most
64 KiB; each receiver gets its own copy. Nothing is kept: who is not subscribed misses a message,
and the truth is in the database.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol

MAX_MESSAGE_BYTES: Final = 64 * 1024
SUBSCRIPTION_COUNT: Final = 256
REQUEST_TIMEOUT_MS: Final = 2_000

Message = Mapping[str, Any]
Handler = Callable[[str, Message], Awaitable[Message]]

_WORD: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")


class BusError(Exception):
    """A message could not be delivered or a request came to nothing."""


class NobodyServes(BusError):
    """No process serves the subject, so nothing was done."""


class NoAnswer(BusError):
    """The deadline passed; whether the request had an effect is not known."""


class Refused(BusError):
    """The server of a subject says no. Handlers raise it; the requester gets it with its reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message and the subject it came by."""

    subject: str
    message: Message


class Subscription(Protocol):
    """Messages of a pattern, in the order they were published by each publisher."""

    @property
    def dropped_count(self) -> int:
        """How many messages were lost because this subscriber was slow."""
        ...

    def __aiter__(self) -> AsyncIterator[Delivery]:
        """Wait for messages, one after the other."""
        ...


class Bus(Protocol):
    """Messages, requests and leases between processes.

    A bad subject, pattern or message raises ``ValueError``.
    """

    def publish(self, subject: str, message: Message) -> None:
        """Tell whoever is subscribed; never waits, and nobody may be there."""
        ...

    def subscribe(
        self, pattern: str, *, max_count: int = SUBSCRIPTION_COUNT
    ) -> AbstractAsyncContextManager[Subscription]:
        """Receive what is published from now on.

        At most ``max_count`` messages wait; then the oldest is dropped and counted.
        """
        ...

    async def request(
        self, subject: str, message: Message, *, timeout_ms: int = REQUEST_TIMEOUT_MS
    ) -> Message:
        """Ask who serves ``subject``; raises ``NobodyServes``, ``NoAnswer`` or ``Refused``."""
        ...

    def serve(self, subject: str, handler: Handler) -> AbstractAsyncContextManager[None]:
        """Answer requests for ``subject`` with ``handler(subject, message)`` within the scope.

        A subject is served once: a second server raises ``Refused``. At most 100 requests run at
        once, more are refused. What a handler raises besides ``Refused`` is a programming error.
        """
        ...

    async def lease(self, name: str, holder: str, duration_ms: int) -> bool:
        """Take or renew the lease ``name``; False while somebody else holds it."""
        ...

    async def release(self, name: str, holder: str) -> None:
        """Give a lease back; nothing happens if ``holder`` does not hold it."""
        ...

    def watch(self, name: str) -> AbstractAsyncContextManager[Subscription]:
        """Receive ``{"holder": …}`` whenever the lease ``name`` is taken or given back (None).

        A lease that runs out is noticed by who takes it next, not here.
        """
        ...


def checked_subject(subject: str) -> tuple[str, ...]:
    """Return the words of a subject; raises ``ValueError``."""
    words = tuple(subject.split("."))
    if len(words) > 16 or not all(_WORD.fullmatch(word) for word in words):
        raise ValueError(f"subject: {subject[:200]!r} is not words joined by dots")
    return words


def checked_pattern(pattern: str) -> tuple[str, ...]:
    """Return the words of a pattern; raises ``ValueError``."""
    words = tuple(pattern.split("."))
    plain = words[:-1] if words[-1] == ">" else words
    if len(words) > 16 or not all(word == "*" or _WORD.fullmatch(word) for word in plain):
        raise ValueError(f"pattern: {pattern[:200]!r} is not words, * and a last > joined by dots")
    return words


def matches(pattern: tuple[str, ...], subject: tuple[str, ...]) -> bool:
    """Tell whether a subject is meant by a pattern."""
    if pattern[-1] == ">":
        pattern = pattern[:-1]
        if len(subject) <= len(pattern):
            return False
        subject = subject[: len(pattern)]
    return len(pattern) == len(subject) and all(
        wanted in ("*", word) for wanted, word in zip(pattern, subject, strict=True)
    )


def encoded(message: Message) -> bytes:
    """Return a message as it travels; raises ``ValueError``."""
    try:
        text = json.dumps(dict(message), allow_nan=False)
    except TypeError as error:
        raise ValueError(f"message: {error}") from None
    if len(text) > MAX_MESSAGE_BYTES:
        raise ValueError(f"message: longer than {MAX_MESSAGE_BYTES} bytes")
    return text.encode()
