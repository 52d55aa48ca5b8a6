"""A bad network in user space: a mirror address whose ports pass datagrams on, or do not.

The mirror stands at an address of its own (``127.0.0.9``) between two parties that both live on
another (``127.0.0.1``). Whatever party A sends from its port ``q`` to the mirror's port ``p``
reaches port ``p`` of the other address, and comes from the mirror's port ``q``. So each party
takes the mirror for the other, in SIP and in RTP, if only it is told to advertise the mirror's
address; nothing is rewritten. Ports are opened when somebody sends from them or a session
description that passes names them.

What befalls the n-th datagram of a flow follows from the seed alone.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections import Counter, deque
from dataclasses import dataclass, field
from random import Random
from types import TracebackType

_AUDIO = re.compile(rb"^m=audio (\d{4,5}) ", re.MULTILINE)
_MOST_PORTS = 3_000

MIRROR = "127.0.0.9"
BEHIND = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Conditions:
    """What may happen to a datagram; fractions are of 1.

    ``jitter_ms`` is the most by which one is held up, evenly drawn; ``reordered`` are held up by
    ``late_ms`` besides; ``copies`` of each arrive.
    """

    loss: float = 0.0
    jitter_ms: float = 0.0
    delay_ms: float = 0.0
    reordered: float = 0.0
    late_ms: float = 50.0
    duplicated: float = 0.0
    copies: int = 1


@dataclass(slots=True)
class _Flow:
    """All datagrams from one port to another."""

    fate: Random


@dataclass(slots=True)
class _Routes:
    """Which port stands for which after a NAT has changed its mind, and what waits."""

    seen_as: dict[int, int] = field(default_factory=dict)
    truly: dict[int, int] = field(default_factory=dict)
    frozen: deque[tuple[bytes, int, int]] | None = None


class Mirror:
    """Use as ``async with``; ``conditions`` may be replaced while it runs."""

    def __init__(self, seed: int, conditions: Conditions | None = None) -> None:
        self.conditions = conditions or Conditions()
        self.counts: Counter[str] = Counter()
        self._seed = seed
        self._sockets: dict[int, socket.socket] = {}
        self._flows: dict[tuple[int, int], _Flow] = {}
        self._routes = _Routes()

    async def __aenter__(self) -> Mirror:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        loop = asyncio.get_running_loop()
        for open_socket in self._sockets.values():
            loop.remove_reader(open_socket)
            open_socket.close()
        self._sockets.clear()

    def open(self, port: int) -> None:
        """Take datagrams for this port; once is enough."""
        if port in self._sockets:
            return
        assert len(self._sockets) < _MOST_PORTS, "the mirror has run out of ports"
        fresh = self._bind(port)
        self._sockets[port] = fresh

    def rebind(self, port: int) -> int:
        """Let what comes from ``port`` come from another port from now on, as a NAT would."""
        fresh = self._bind(0)
        seen_as = int(fresh.getsockname()[1])
        self._sockets[seen_as] = fresh
        self._routes.seen_as[port] = seen_as
        self._routes.truly[seen_as] = port
        return seen_as

    async def freeze(self, seconds: float) -> None:
        """Hold everything back for that long, then let it go at once."""
        self._routes.frozen = deque()
        await asyncio.sleep(seconds)
        waiting, self._routes.frozen = self._routes.frozen, None
        for payload, source, target in waiting:
            self._pass(payload, source, target)

    def _bind(self, port: int) -> socket.socket:
        fresh = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        fresh.setblocking(False)
        fresh.bind((MIRROR, port))
        own = int(fresh.getsockname()[1])
        asyncio.get_running_loop().add_reader(fresh, self._readable, fresh, own)
        return fresh

    def _readable(self, ready: socket.socket, port: int) -> None:
        for _ in range(64):
            try:
                payload, address = ready.recvfrom(65_535)
            except BlockingIOError:
                return
            except OSError:  # an earlier datagram of ours found nobody
                continue
            if address[0] == BEHIND:
                self._taken(payload, int(address[1]), self._routes.truly.get(port, port))

    def _taken(self, payload: bytes, source: int, target: int) -> None:
        self.open(source)
        self.counts["taken"] += 1
        named = _AUDIO.search(payload)
        if named:
            self.open(int(named[1]))
        if self._routes.frozen is not None:
            self._routes.frozen.append((payload, source, target))
        else:
            self._pass(payload, source, target)

    def _pass(self, payload: bytes, source: int, target: int) -> None:
        fate, conditions = self._fate(source, target), self.conditions
        # Each datagram uses up the same draws whatever the conditions: they may change on the way.
        lost, held_up, late, doubled = (fate.random() for _ in range(4))
        if lost < conditions.loss:
            self.counts["lost"] += 1
            return
        delay_ms = conditions.delay_ms + held_up * conditions.jitter_ms
        if late < conditions.reordered:
            delay_ms += conditions.late_ms
        for _ in range(conditions.copies + (doubled < conditions.duplicated)):
            if delay_ms:
                loop = asyncio.get_running_loop()
                loop.call_later(delay_ms / 1_000, self._send, payload, source, target)
            else:
                self._send(payload, source, target)

    def _fate(self, source: int, target: int) -> Random:
        flow = self._flows.get((source, target))
        if flow is None:
            flow = _Flow(Random(f"{self._seed} {len(self._flows)}"))
            self._flows[source, target] = flow
        return flow.fate

    def _send(self, payload: bytes, source: int, target: int) -> None:
        leaving = self._sockets.get(self._routes.seen_as.get(source, source))
        if leaving is None:
            return
        try:
            leaving.sendto(payload, (BEHIND, target))
        except OSError:
            self.counts["unsent"] += 1
        else:
            self.counts["passed"] += 1
