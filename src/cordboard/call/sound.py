"""Sound that comes ready-made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """One channel of 16-bit little-endian samples, of which the core knows only the length."""

    pcm: bytes
    rate_hz: int

    @property
    def duration_ms(self) -> int:
        """How long it is."""
        return len(self.pcm) // 2 * 1_000 // self.rate_hz
