"""Something like speech, seeded: a pulse train with vibrato through wandering formants."""

from __future__ import annotations

from functools import lru_cache

import numpy as np


@lru_cache(maxsize=32)
def speechlike(seconds: float, seed: int, rate_hz: int = 8000, level: float = 4000.0) -> bytes:
    """Return PCM16 of voiced syllables of 150 to 350 ms with short pauses."""
    rng = np.random.default_rng(seed)
    parts: list[np.ndarray[tuple[int], np.dtype[np.float64]]] = []
    made = 0
    while made < seconds * rate_hz:
        count = int(rng.uniform(0.15, 0.35) * rate_hz)
        time = np.arange(count) / rate_hz
        pitch = rng.uniform(90, 240) * (1 + 0.03 * np.sin(2 * np.pi * 5 * time) + 0.1 * time)
        phase = 2 * np.pi * np.cumsum(pitch) / rate_hz
        formants = rng.uniform((250, 800, 2200), (850, 2200, 3200))
        syllable = np.zeros(count)
        for harmonic in range(1, 30):
            hz = harmonic * pitch.mean()
            if hz > 3800:
                break
            gain = sum(1 / (1 + ((hz - formant) / 90) ** 2) for formant in formants)
            syllable += (gain + 0.01) * np.sin(harmonic * phase) / harmonic**0.5
        syllable *= np.hanning(count) * level / np.abs(syllable).max()
        pause = np.zeros(int(rng.uniform(0.01, 0.15) * rate_hz))
        parts += [syllable, pause]
        made += count + len(pause)
    sound = np.concatenate(parts)[: int(seconds * rate_hz)]
    return bytes(np.rint(sound + rng.normal(0, 20, len(sound))).astype("<i2"))
