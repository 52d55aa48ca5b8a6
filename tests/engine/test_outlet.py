"""What lies under speech and silence on the way to a leg."""

from __future__ import annotations

import pytest

from cordboard.call.sound import Sound
from cordboard.engine.outlet import Outlet
from cordboard.media.codec import PCMU
from cordboard.media.tones import noise
from tests.engine.rig import Rig

LOUD = Sound(noise(1_000, 8_000), 8_000)


def _heard(outlet: Outlet, ticks: int = 150) -> int:
    """Return how many frames of so many are more than silence."""
    frames = [outlet.tick() for _ in range(ticks)]
    return sum(frame not in (None, PCMU.silence_frame) for frame in frames)


def test_loop() -> None:
    """A loop sounds without end, until it is taken away."""
    outlet = Outlet(Rig().leg())
    outlet.mix(LOUD, 0.5)
    assert _heard(outlet) >= 148
    outlet.mix(None, 0.5)
    assert _heard(outlet) <= 3


@pytest.mark.parametrize(
    ("sound", "volume"), [(LOUD, 0.0), (Sound(bytes(16_000), 8_000), 1.0), (Sound(b"", 8_000), 1.0)]
)
def test_silent_loop(sound: Sound, volume: float) -> None:
    """A loop that cannot be heard leaves the sign that somebody is at work."""
    outlet = Outlet(Rig().leg())
    outlet.mix(sound, volume)
    outlet.wait(on=True)
    assert _heard(outlet) > 10
