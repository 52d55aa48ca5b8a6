"""Voice activity by loudness."""

from __future__ import annotations

import numpy as np

from cordboard.media.tone_code import encode
from cordboard.providers.voice_activity.energy.activity import EnergyVoiceActivity


def noise(level: float, count: int) -> bytes:
    """Return white noise, the same each time."""
    source = np.random.default_rng(1)
    return (source.standard_normal(count) * level).astype("<i2").tobytes()


def probabilities(pcm: bytes) -> list[float]:
    """Return what a fresh stream says of each 20 ms at 8 kHz."""
    stream = EnergyVoiceActivity().open(8000)
    found: list[float] = []
    for start in range(0, len(pcm) - 319, 320):
        stream.push(pcm[start : start + 320])
        probability = stream.take()
        assert probability is not None
        found.append(probability)
    return found


def test_tone_code_is_activity_and_silence_is_not() -> None:
    """The tone code counts as speech from its first window to its last."""
    tones, _ = encode("one two three", 8000)
    found = probabilities(bytes(3200) + tones + bytes(3200))
    assert max(found[:10]) < 0.1
    assert np.median(found[10:-11]) > 0.9
    assert max(found[-9:]) < 0.1


def test_steady_noise_becomes_the_floor() -> None:
    """Noise that lasts is no activity after a while; a louder voice still is."""
    found = probabilities(noise(60, 8000 * 30) + noise(3000, 8000))
    assert np.mean(found[-100:-50]) < 0.3
    assert np.mean(found[-40:]) > 0.9


def test_reset_forgets_the_floor() -> None:
    """After a reset nothing waits."""
    stream = EnergyVoiceActivity().open(8000)
    stream.push(noise(5000, 200))
    stream.reset()
    assert stream.take() is None
