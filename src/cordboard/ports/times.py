"""Time and chance, injectable."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Time, injectable: ``now_ms`` is monotonic and for deciding, ``wall`` is UTC and for records
    only.
    """

    def now_ms(self) -> int:
        """Return monotonic milliseconds."""
        ...

    def wall(self) -> datetime:
        """Return the time of day in UTC."""
        ...


class Randomness(Protocol):
    """Chance and identifiers, injectable."""

    def token(self, bits: int = 128) -> str:
        """Return an unguessable lower-case hexadecimal word."""
        ...

    def uuid(self) -> str:
        """Return a version 4 UUID as text."""
        ...

    def random_bytes(self, count: int) -> bytes:
        """Return ``count`` random bytes."""
        ...

    def uniform(self, low: float, high: float) -> float:
        """Return a number between ``low`` and ``high``."""
        ...
