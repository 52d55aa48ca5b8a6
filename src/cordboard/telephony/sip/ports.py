"""RTP ports: handed out from a range, and kept out of use for a while after a call."""

from __future__ import annotations

from collections import deque

QUARANTINE_MS = 30_000
"""So long a freed port rests: late packets of its last call must not reach the next one."""


class NoPortLeft(Exception):
    """Every port of the range is in use or resting."""


class PortRange:
    """Even ports from ``first`` to ``last``, longest rested first."""

    def __init__(self, first: int, last: int, quarantine_ms: int = QUARANTINE_MS) -> None:
        self._free = deque(port for port in range(first, last + 1) if port % 2 == 0)
        self._resting: deque[tuple[int, int]] = deque()
        self._in_use: set[int] = set()
        self._quarantine_ms = quarantine_ms

    @property
    def in_use_count(self) -> int:
        """How many ports calls hold now."""
        return len(self._in_use)

    def take(self, now_ms: int) -> int:
        """Return a port. Raises ``NoPortLeft``."""
        while self._resting and self._resting[0][0] <= now_ms:
            self._free.append(self._resting.popleft()[1])
        if not self._free:
            raise NoPortLeft
        port = self._free.popleft()
        self._in_use.add(port)
        return port

    def give_back(self, port: int, now_ms: int) -> None:
        """Return a port after its last packet; it rests before it is used again."""
        if port in self._in_use:
            self._in_use.remove(port)
            self._resting.append((now_ms + self._quarantine_ms, port))

    def discard(self, port: int) -> None:
        """Drop a port for good: somebody else on this machine holds it."""
        self._in_use.discard(port)
