"""Sockets that are open already when something is to be said."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from cordboard.providers.synthesizers.elevenlabs.socket import LooseSocket
from cordboard.providers.synthesizers.elevenlabs.wire import INACTIVITY_S, Wanted

MOST_EACH = 8
MOST_KINDS = 100
_LIFE_S = INACTIVITY_S - 10


@dataclass(frozen=True, slots=True)
class Kind:
    """What a socket was opened for, with whose key, and where."""

    wanted: Wanted
    api_key: str = field(repr=False)
    base_url: str = ""


class Spares:
    """Open sockets by kind, at most eight of one kind; each is closed after 50 s unused."""

    def __init__(self) -> None:
        self._waiting: dict[Kind, deque[tuple[LooseSocket, asyncio.TimerHandle]]] = {}
        self._opening: dict[Kind, int] = {}

    def wants(self, kind: Kind) -> bool:
        """Tell whether one more of this kind may be opened."""
        if kind not in self._waiting and len(self._waiting) >= MOST_KINDS:
            return False
        return len(self._waiting.get(kind, ())) + self._opening.get(kind, 0) < MOST_EACH

    def opening(self, kind: Kind, count: int) -> None:
        """Count one that is being opened (1), or no longer (-1)."""
        self._opening[kind] = self._opening.get(kind, 0) + count
        if not self._opening[kind]:
            del self._opening[kind]

    def put(self, kind: Kind, opened: LooseSocket) -> None:
        """Keep a socket for later."""
        timer = asyncio.get_running_loop().call_later(_LIFE_S, self._expire, kind, opened)
        self._waiting.setdefault(kind, deque()).append((opened, timer))

    def take(self, kind: Kind) -> LooseSocket | None:
        """Return the newest socket of this kind, or None."""
        waiting = self._waiting.get(kind)
        if not waiting:
            return None
        opened, timer = waiting.pop()
        timer.cancel()
        self._forget_empty(kind)
        return opened

    def free(self) -> None:
        """Close them all."""
        for waiting in self._waiting.values():
            for opened, timer in waiting:
                timer.cancel()
                opened.free()
        self._waiting.clear()

    def _expire(self, kind: Kind, opened: LooseSocket) -> None:
        opened.free()
        kept = [entry for entry in self._waiting.get(kind, ()) if entry[0] is not opened]
        self._waiting[kind] = deque(kept)
        self._forget_empty(kind)

    def _forget_empty(self, kind: Kind) -> None:
        if not self._waiting.get(kind):
            self._waiting.pop(kind, None)
