"""How an operator ends a process: ask once, and again to hurry."""

from __future__ import annotations

import asyncio
import signal


class StopSignals:
    """Listens for SIGTERM and SIGINT from its making on: ``stop`` is the first, ``hurry`` the
    second.
    """

    def __init__(self) -> None:
        self.stop, self.hurry = asyncio.Event(), asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._signalled)

    def _signalled(self) -> None:
        (self.hurry if self.stop.is_set() else self.stop).set()
