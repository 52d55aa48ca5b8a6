"""A signal whose way through a call can be measured: never silent, a mark every half second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cordboard.media.tones import sine, tone_share

RATE_HZ = 8_000
MARK_EVERY_MS = 500
MARK_MS = 40
CARRIER_HZ, MARK_HZ = 440.0, 1_800.0
_STEP_MS = 5
_WINDOW_MS = 20
_FRAME_MS = 20
_PRESENT_RMS = 300.0


def signal(duration_ms: int) -> bytes:
    """Return the signal as 8 kHz PCM; the first mark is its beginning."""
    mark = sine(MARK_HZ, MARK_MS, RATE_HZ)
    between = sine(CARRIER_HZ, MARK_EVERY_MS - MARK_MS, RATE_HZ)
    return (mark + between) * (duration_ms // MARK_EVERY_MS)


@dataclass(frozen=True, slots=True)
class Measured:
    """What became of the signal in a stretch: frames of 20 ms without it, and how late its marks
    were. ``missing`` is a fraction.
    """

    missing: float
    longest_gap_ms: int
    delays_ms: list[float]

    @property
    def delay_ms(self) -> float:
        """The delay that half of the marks had at most."""
        return float(np.median(self.delays_ms)) if self.delays_ms else float("nan")


def measure(pcm: bytes, sent_at_ms: float, from_ms: float, to_ms: float) -> Measured:
    """Measure between two moments of the signal, which was sent from ``sent_at_ms`` on.

    All times are of the recording's own timeline, without the delay that is to be measured.
    """
    delays = [
        delay
        for found in _marks(pcm)
        if from_ms <= found - (delay := (found - sent_at_ms + 100) % MARK_EVERY_MS - 100) < to_ms
    ]
    delay = float(np.median(delays)) if delays else 0.0
    present = _present(pcm, from_ms + delay, to_ms + delay)
    return Measured(
        missing=1 - sum(present) / max(1, len(present)),
        longest_gap_ms=_longest_gap(present) * _FRAME_MS,
        delays_ms=delays,
    )


def _marks(pcm: bytes) -> list[float]:
    """Return where marks begin, in milliseconds."""
    found: list[float] = []
    step, window = (ms * RATE_HZ // 500 for ms in (_STEP_MS, _WINDOW_MS))
    inside = False
    for at in range(0, len(pcm) - window, step):
        is_mark = tone_share(pcm[at : at + window], MARK_HZ, RATE_HZ) > 0.6
        # The window turns into mostly mark when about two thirds of it lie in the mark.
        if is_mark and not inside:
            found.append(at * 500 / RATE_HZ + _WINDOW_MS / 3)
        inside = is_mark
    return found


def _present(pcm: bytes, from_ms: float, to_ms: float) -> list[bool]:
    size = _FRAME_MS * RATE_HZ // 500
    first, last = (int(ms / _FRAME_MS) for ms in (from_ms, to_ms))
    return [_rms(pcm[at * size : (at + 1) * size]) > _PRESENT_RMS for at in range(first, last)]


def _rms(pcm: bytes) -> float:
    samples = np.frombuffer(pcm, "<i2").astype(np.float64)
    return float(np.sqrt(np.mean(samples**2))) if len(samples) else 0.0


def _longest_gap(present: list[bool]) -> int:
    longest = run = 0
    for here in present:
        run = 0 if here else run + 1
        longest = max(longest, run)
    return longest
