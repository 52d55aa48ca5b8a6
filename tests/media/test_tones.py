"""Tones: levels, cadences, noise, and beeps."""

from __future__ import annotations

import pytest

from cordboard.media import g711
from cordboard.media.dtmf import DIGITS
from cordboard.media.tones import (
    BUSY,
    BUSY_EUROPE,
    RINGBACK,
    RINGBACK_EUROPE,
    BeepDetector,
    Cadence,
    ComfortNoise,
    cadence,
    digit_tone,
    level_dbov,
    noise,
    sine,
    tone_share,
)
from tests.counts import count
from tests.media.speech import speechlike


def beeps(pcm: bytes, rate_hz: int = 8000) -> list[int]:
    """Return at which frames a beep ended."""
    detector = BeepDetector(rate_hz)
    size = rate_hz // 50 * 2
    return [at // size for at in range(0, len(pcm), size) if detector.push(pcm[at : at + size])]


@pytest.mark.parametrize("wanted", [-6.0, -13.0, -40.0])
@pytest.mark.parametrize("rate_hz", [8000, 16_000, 24_000])
def test_levels(wanted: float, rate_hz: int) -> None:
    """A sine and noise have the level that was asked for."""
    assert abs(level_dbov(sine(440, 1000, rate_hz, wanted)) - wanted) < 0.2
    assert abs(level_dbov(noise(1000, rate_hz, wanted)) - wanted) < 0.3
    assert len(sine(440, 1000, rate_hz)) == 2 * rate_hz


def test_level_of_nothing() -> None:
    """Silence and no sound at all are the lowest level."""
    assert level_dbov(b"") == level_dbov(bytes(320)) == -127.0


@pytest.mark.parametrize("pattern", [RINGBACK, RINGBACK_EUROPE, BUSY, BUSY_EUROPE])
def test_cadences(pattern: Cadence) -> None:
    """Tone and pause alternate as the pattern says, and the tone is its frequencies."""
    sound = cadence(pattern, 13_000, 8000)
    assert len(sound) == 2 * 8 * 13_000
    period_ms = pattern.on_ms + pattern.off_ms
    for start_ms in range(0, 12_900, 100):
        part = sound[16 * start_ms : 16 * (start_ms + 100)]
        sounding = start_ms % period_ms < pattern.on_ms
        assert (g711.rms(part) > 500) is sounding
        if sounding and start_ms % period_ms:
            shares = sum(tone_share(part, hz, 8000) for hz in pattern.frequencies_hz)
            assert shares > 0.9


def test_tone_share() -> None:
    """All of a sine is its frequency, nothing of another, and nothing of silence."""
    assert tone_share(sine(1000, 100, 8000), 1000, 8000) > 0.97
    assert tone_share(sine(1000, 100, 8000), 1500, 8000) < 0.001
    assert tone_share(bytes(320), 1000, 8000) == 0


def test_comfort_noise_never_ends() -> None:
    """The noise goes on beyond its store, in whole frames, differently where it begins later."""
    stream, later = ComfortNoise(8000), ComfortNoise(8000, start=777)
    frames = [stream.take(320) for _ in range(500)]
    assert {len(frame) for frame in frames} == {320}
    assert frames[0] == frames[100]
    assert all(-64 < level_dbov(frame) < -56 for frame in frames)
    assert later.take(320) not in frames


@pytest.mark.parametrize("hz", [700.0, 850.0, 1000.0, 1400.0, 2000.0])
@pytest.mark.parametrize("offset", [0, 70, 130])
@pytest.mark.parametrize("duration_ms", [200, 500, 1500])
def test_a_beep_is_heard_when_it_ends(hz: float, offset: int, duration_ms: int) -> None:
    """The end of a single tone is noticed within two frames."""
    sound = bytes(2 * offset) + sine(hz, duration_ms, 8000) + bytes(3200)
    assert len(found := beeps(sound)) == 1
    assert 0 <= found[0] * 20 - duration_ms <= 60


@pytest.mark.parametrize("seed", range(count(3, 100)))
def test_a_beep_after_speech(seed: int) -> None:
    """Speech holds no beep; the beep after it is heard, through mu-law."""
    greeting = speechlike(20, seed)
    sound = greeting + bytes(4000) + sine(1000, 400, 8000) + bytes(3200)
    found = beeps(g711.mulaw_to_pcm(g711.pcm_to_mulaw(sound)))
    assert [at for at in found if at * 320 < len(greeting)] == []
    assert len(found) == 1


def test_other_tones_are_no_beeps() -> None:
    """Digits, ringback, busy, too short and too long tones are not beeps."""
    for digit in DIGITS:
        assert beeps(digit_tone(digit, 300, 8000) + bytes(3200)) == []
    for pattern in (RINGBACK, RINGBACK_EUROPE, BUSY, BUSY_EUROPE):
        assert beeps(cadence(pattern, 9000, 8000)) == []
    for duration_ms in (60, 2500):
        assert beeps(sine(1000, duration_ms, 8000) + bytes(3200)) == []
