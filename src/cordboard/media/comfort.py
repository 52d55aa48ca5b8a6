"""The sound of somebody at work, for a caller who waits."""

from __future__ import annotations

from functools import lru_cache

from cordboard.media.tones import chord

_PULSE_MS = 240
_PERIOD_MS = 2_000
_LEVEL_DBOV = -34.0


@lru_cache(maxsize=4)
def waiting_loop(rate_hz: int) -> bytes:
    """Return two seconds of PCM16 to be repeated: a soft pulse of two notes, then quiet."""
    low = chord((392.0,), _PULSE_MS, rate_hz, _LEVEL_DBOV)
    high = chord((523.25,), _PULSE_MS, rate_hz, _LEVEL_DBOV)
    rest_bytes = 2 * (rate_hz * _PERIOD_MS // 1000) - len(low) - len(high)
    return low + high + bytes(rest_bytes)
