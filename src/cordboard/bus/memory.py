"""The bus of a server that is one process."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from cordboard.bus.port import (
    REQUEST_TIMEOUT_MS,
    SUBSCRIPTION_COUNT,
    Delivery,
    Handler,
    Message,
    NoAnswer,
    NobodyServes,
    Refused,
    checked_pattern,
    checked_subject,
    encoded,
    matches,
)

_MAX_REQUESTS_COUNT: Final = 100
_LEASES: Final = "leases"
_SWEEP_COUNT: Final = 1_000


class MemoryBus:
    """``port.Bus`` within one event loop; ``now_ms`` is monotonic and serves the leases."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._subscriptions: list[MemorySubscription] = []
        self._servers: dict[str, _Server] = {}
        self._leases: dict[str, tuple[str, int]] = {}

    def publish(self, subject: str, message: Message) -> None:
        """Hand a copy of the message to every subscription that means the subject."""
        words = checked_subject(subject)
        payload = encoded(message)
        for subscription in self._subscriptions:
            if matches(subscription.pattern, words):
                subscription.offer(Delivery(subject, json.loads(payload)))

    @asynccontextmanager
    async def subscribe(
        self, pattern: str, *, max_count: int = SUBSCRIPTION_COUNT
    ) -> AsyncIterator[MemorySubscription]:
        """Receive what is published from now on; when full, the oldest message is dropped."""
        subscription = MemorySubscription(checked_pattern(pattern), max_count)
        self._subscriptions.append(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.remove(subscription)

    async def request(
        self, subject: str, message: Message, *, timeout_ms: int = REQUEST_TIMEOUT_MS
    ) -> Message:
        """Run the handler of ``subject`` in the requester's own task, within the deadline."""
        checked_subject(subject)
        payload = encoded(message)
        server = self._servers.get(subject)
        if server is None:
            raise NobodyServes(subject)
        if server.running_count >= _MAX_REQUESTS_COUNT:
            raise Refused("busy")
        server.running_count += 1
        deadline = asyncio.timeout(timeout_ms / 1000)
        try:
            async with deadline:
                answer: Message = json.loads(
                    encoded(await server.handler(subject, json.loads(payload)))
                )
                return answer
        except TimeoutError:
            if not deadline.expired():
                raise
            raise NoAnswer(subject) from None
        finally:
            server.running_count -= 1

    @asynccontextmanager
    async def serve(self, subject: str, handler: Handler) -> AsyncIterator[None]:
        """Answer requests for ``subject`` within the scope."""
        checked_subject(subject)
        if subject in self._servers:
            raise Refused("the subject is served already")
        self._servers[subject] = _Server(handler)
        try:
            yield
        finally:
            del self._servers[subject]

    async def lease(self, name: str, holder: str, duration_ms: int) -> bool:
        """Take or renew a lease."""
        checked_subject(f"{_LEASES}.{name}")
        now_ms = self._now_ms()
        current, until_ms = self._leases.get(name, ("", now_ms))
        if current != holder and until_ms > now_ms:
            return False
        if len(self._leases) >= _SWEEP_COUNT:
            self._leases = {k: v for k, v in self._leases.items() if v[1] > now_ms}
        self._leases[name] = (holder, now_ms + duration_ms)
        if current != holder:
            self.publish(f"{_LEASES}.{name}", {"holder": holder})
        return True

    async def release(self, name: str, holder: str) -> None:
        """Give a lease back."""
        if self._leases.get(name, ("", 0))[0] == holder:
            del self._leases[name]
            self.publish(f"{_LEASES}.{name}", {"holder": None})

    @asynccontextmanager
    async def watch(self, name: str) -> AsyncIterator[MemorySubscription]:
        """Receive who holds a lease whenever that changes hands."""
        async with self.subscribe(f"{_LEASES}.{name}") as subscription:
            yield subscription


@dataclass(slots=True)
class _Server:
    handler: Handler
    running_count: int = 0


class MemorySubscription:
    """``port.Subscription`` of a ``MemoryBus``."""

    def __init__(self, pattern: tuple[str, ...], max_count: int) -> None:
        if max_count < 1:
            raise ValueError("max_count: at least 1")
        self.pattern = pattern
        self.dropped_count = 0
        self._waiting: deque[Delivery] = deque()
        self._max_count = max_count
        self._some = asyncio.Event()

    def offer(self, delivery: Delivery) -> None:
        """Take a message; the oldest makes room."""
        if len(self._waiting) >= self._max_count:
            self._waiting.popleft()
            self.dropped_count += 1
        self._waiting.append(delivery)
        self._some.set()

    def __aiter__(self) -> AsyncIterator[Delivery]:
        """Wait for messages, one after the other."""
        return self

    async def __anext__(self) -> Delivery:
        """Wait for the next message."""
        while not self._waiting:
            self._some.clear()
            await self._some.wait()
        return self._waiting.popleft()
