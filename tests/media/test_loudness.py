"""The energy gate against noise, echo and quiet."""

from __future__ import annotations

import random

from cordboard.media import g711
from cordboard.media.loudness import EnergyGate
from cordboard.media.tone_code import encode


def noise(dbov: float, frames: int, seed: int = 1) -> list[bytes]:
    """Return white noise of a level, cut into frames of 8 kHz."""
    chance = random.Random(seed)
    scale = 32768 * 10 ** (dbov / 20)
    return [
        b"".join(
            max(-32768, min(32767, round(chance.gauss(0, scale)))).to_bytes(
                2, "little", signed=True
            )
            for _ in range(160)
        )
        for _ in range(frames)
    ]


def speech(gain: float = 1.0) -> list[bytes]:
    """Return tone code (-12 dBov) in frames."""
    pcm = g711.scale(encode("some words that are said", 8000)[0], gain)
    return [pcm[start : start + 320] for start in range(0, len(pcm), 320)]


def share(gate: EnergyGate, frames: list[bytes], *, loud: bool = True) -> float:
    """Return the share of frames that pass."""
    passed = 0
    for frame in frames:
        gate.heard(frame)
        passed += gate.loud if loud else gate.audible
    return passed / len(frames)


def test_speech_passes_at_once() -> None:
    """The first loud frame after silence is loud; silence never is."""
    gate = EnergyGate()
    assert share(gate, [bytes(320)] * 50, loud=False) == 0
    gate.heard(speech()[0])
    assert gate.loud
    assert share(gate, speech()) > 0.8


def test_quiet_speech_passes() -> None:
    """20 dB quieter than usual is still heard on a quiet line."""
    gate = EnergyGate()
    share(gate, [bytes(320)] * 50)
    assert share(gate, speech(0.1)) > 0.8


def test_steady_noise_becomes_the_floor() -> None:
    """Noise is taken for sound for three seconds at most; speech above it is still heard."""
    gate = EnergyGate()
    share(gate, noise(-38, 150))
    assert share(gate, noise(-38, 500, seed=2), loud=False) < 0.05
    assert share(gate, speech(0.5)) > 0.8


def test_own_echo_is_not_speech() -> None:
    """Our own sound 20 dB down and up to 200 ms late does not pass; the caller over it does."""
    for delay in (1, 5, 10):
        gate = EnergyGate()
        share(gate, [bytes(320)] * 50)
        said = speech() * 3
        passed = 0
        for number, frame in enumerate(said):
            gate.played(frame)
            back = said[number - delay] if number >= delay else bytes(320)
            gate.heard(g711.scale(back, 0.1))
            passed += gate.audible
        assert passed == 0
        gate.played(said[0])
        gate.heard(g711.scale(said[1], 0.5))
        assert gate.loud
