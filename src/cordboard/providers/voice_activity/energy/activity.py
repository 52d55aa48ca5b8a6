"""Loudness over a noise floor that is learnt from the quiet parts."""

from __future__ import annotations

from math import exp, log10

from cordboard.media import g711

_WINDOW_MS = 20
_QUIETEST_DBOV = -90.0
_LOUDEST_FLOOR_DBOV = -42.0
_RISE_DB = 0.02  # a window; 1 dB a second
_FALL = 0.2
_LEAST_DBOV = -52.0
_ABOVE_FLOOR_DB = 12.0
_SLOPE_DB = 2.0


class EnergyVoiceActivity:
    """Judges each stream by itself; needs nothing but the samples."""

    def open(self, rate_hz: int) -> EnergyStream:
        """Open a stream; raises ``ValueError`` for a rate other than 8,000 or 16,000 Hz."""
        if rate_hz not in (8000, 16000):
            raise ValueError(f"rate_hz: {rate_hz} is not 8000 or 16000")
        return EnergyStream(rate_hz)

    def run(self) -> None:
        """Nothing to do: windows are judged as they come."""


class EnergyStream:
    """One leg's stream: windows of 20 ms."""

    __slots__ = ("_best", "_floor_dbov", "_sound", "_window_bytes")

    def __init__(self, rate_hz: int) -> None:
        self._window_bytes = 2 * rate_hz * _WINDOW_MS // 1000
        self._sound = bytearray()
        self._floor_dbov = _QUIETEST_DBOV
        self._best: float | None = None

    def push(self, pcm: bytes) -> None:
        """Take the next samples and judge the windows they complete."""
        self._sound += pcm
        while len(self._sound) >= self._window_bytes:
            probability = self._judge(bytes(self._sound[: self._window_bytes]))
            del self._sound[: self._window_bytes]
            if self._best is None or probability > self._best:
                self._best = probability

    def take(self) -> float | None:
        """Return the highest probability since the last call, or None without a new window."""
        best, self._best = self._best, None
        return best

    def reset(self) -> None:
        """Forget the noise floor and sound that waits."""
        self._sound.clear()
        self._floor_dbov = _QUIETEST_DBOV
        self._best = None

    def close(self) -> None:
        """Free the sound."""
        self._sound.clear()

    def _judge(self, window: bytes) -> float:
        level = g711.rms(window)
        level_dbov = 20 * log10(level / g711.FULL_SCALE) if level else _QUIETEST_DBOV
        level_dbov = max(level_dbov, _QUIETEST_DBOV)
        floor = self._floor_dbov
        floor += (level_dbov - floor) * _FALL if level_dbov < floor else _RISE_DB
        self._floor_dbov = min(floor, _LOUDEST_FLOOR_DBOV)
        threshold = max(_LEAST_DBOV, self._floor_dbov + _ABOVE_FLOOR_DB)
        return 1 / (1 + exp((threshold - level_dbov) / _SLOPE_DB))
