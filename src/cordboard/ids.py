"""Random numbers and identifiers as something that is handed in.

Nothing else in the package draws random numbers: the server gets :meth:`Randomness.system`, a
simulation :meth:`Randomness.seeded`, and both look the same to who uses them.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from typing import TypeVar
from uuid import UUID

T = TypeVar("T")


class Randomness:
    """A source of random numbers, tokens and identifiers."""

    def __init__(self, source: random.Random, seed: str | None = None) -> None:
        """Draw from ``source``; prefer :meth:`system` and :meth:`seeded`."""
        self._source = source
        self._seed = seed

    @classmethod
    def system(cls) -> Randomness:
        """Return the operating system's source, fit for keys and tags."""
        return cls(random.SystemRandom())

    @classmethod
    def seeded(cls, seed: int | str) -> Randomness:
        """Return a source that repeats itself for the same seed; never for anything secret."""
        return cls(random.Random(str(seed)), str(seed))  # noqa: S311

    def fork(self, name: str) -> Randomness:
        """Return an independent source, so that one part's draws do not shift another's."""
        if self._seed is None:
            return self
        mixed = hashlib.sha256(f"{self._seed}/{name}".encode()).hexdigest()
        return Randomness.seeded(mixed)

    def random_bytes(self, count: int) -> bytes:
        """Return ``count`` random bytes."""
        return self._source.randbytes(count)

    def bits(self, count: int) -> int:
        """Return a whole number of ``count`` random bits."""
        return self._source.getrandbits(count)

    def token(self, bits: int = 128) -> str:
        """Return lower-case hexadecimal text of at least ``bits`` random bits."""
        if bits < 1:
            raise ValueError("a token needs at least one bit")
        return self.random_bytes((bits + 7) // 8).hex()

    def uuid(self) -> str:
        """Return a random UUID (RFC 9562, version 4) as text."""
        return str(UUID(bytes=self.random_bytes(16), version=4))

    def random(self) -> float:
        """Return a number from 0 up to but not including 1."""
        return self._source.random()

    def uniform(self, low: float, high: float) -> float:
        """Return a number between ``low`` and ``high``, for jitter."""
        return self._source.uniform(low, high)

    def integer(self, low: int, high: int) -> int:
        """Return a whole number from ``low`` to ``high``, both included."""
        return self._source.randint(low, high)

    def choice(self, options: Sequence[T]) -> T:
        """Return one of ``options``, which must not be empty."""
        return self._source.choice(options)

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """Return ``items`` in a random order."""
        return self._source.sample(items, len(items))
