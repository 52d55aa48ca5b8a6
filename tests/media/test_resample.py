"""Resampling: purity, aliases, timing, and independence of how the stream is cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cordboard.media.resample import Resampler
from tests.counts import count

RATES = (8000, 16_000, 22_050, 24_000, 44_100, 48_000)


def sine(rate_hz: int, hz: float, seconds: float = 1.0) -> bytes:
    """Return a sine of half the full scale."""
    time = np.arange(int(rate_hz * seconds)) / rate_hz
    return bytes(np.rint(16_000 * np.sin(2 * np.pi * hz * time)).astype("<i2"))


def resampled(pcm: bytes, from_hz: int, to_hz: int, chunk: int = 0) -> NDArray[np.float64]:
    """Resample in chunks (20 ms if not given) and return the samples."""
    size = chunk or from_hz // 50 * 2
    stream = Resampler(from_hz, to_hz)
    parts = [stream.push(pcm[start : start + size]) for start in range(0, len(pcm), size)]
    return np.frombuffer(b"".join(parts), "<i2").astype(np.float64)


def fit(samples: NDArray[np.float64], rate_hz: int, hz: float) -> tuple[float, float]:
    """Return the sine's gain against half full scale and its distance to all else, in dB."""
    samples = samples[rate_hz // 10 :]
    angle = 2 * np.pi * hz * np.arange(len(samples)) / rate_hz
    parts = np.stack((np.cos(angle), np.sin(angle)), axis=1)
    weights = np.linalg.lstsq(parts, samples, rcond=None)[0]
    rest = samples - parts @ weights
    gain = 20 * np.log10(np.hypot(*weights) / 16_000)
    return float(gain), float(10 * np.log10((weights**2).sum() / 2 / (rest**2).mean()))


@pytest.mark.parametrize("from_hz", RATES)
@pytest.mark.parametrize("to_hz", RATES)
def test_a_tone_stays_pure(from_hz: int, to_hz: int) -> None:
    """1 kHz keeps its level and stands 80 dB above everything else, between any two rates."""
    gain, snr = fit(resampled(sine(from_hz, 1000), from_hz, to_hz), to_hz, 1000)
    assert abs(gain) < 0.05
    assert snr >= 80


def test_the_telephone_band_stays_flat() -> None:
    """3 kHz keeps its level and its purity both ways."""
    for from_hz, to_hz in ((8000, 16_000), (16_000, 8000), (24_000, 8000)):
        gain, snr = fit(resampled(sine(from_hz, 3000), from_hz, to_hz), to_hz, 3000)
        assert abs(gain) < 0.5
        assert snr >= 60


@pytest.mark.parametrize("from_hz", [16_000, 22_050, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("hz", [5000.0, 6000.0, 7000.0])
def test_what_8_khz_cannot_hold_is_gone(from_hz: int, hz: float) -> None:
    """A tone above the new band leaves at least 60 dB less."""
    left = resampled(sine(from_hz, hz), from_hz, 8000)[800:]
    assert 20 * np.log10(np.sqrt((left**2).mean()) / (16_000 / 2**0.5) + 1e-9) <= -60


@given(
    st.sampled_from(RATES),
    st.sampled_from(RATES),
    st.lists(st.integers(0, 700), min_size=1, max_size=30),
)
@settings(max_examples=count(60, 1000), deadline=None)
def test_cutting_does_not_matter(from_hz: int, to_hz: int, sizes: list[int]) -> None:
    """Any cuts, odd ones included, give the same samples, and nothing is held back."""
    noise = np.random.default_rng(1).integers(-9000, 9000, sum(sizes) // 2 + 1)
    pcm = bytes(noise.astype("<i2"))[: sum(sizes)]
    stream, whole = Resampler(from_hz, to_hz), Resampler(from_hz, to_hz)
    made, at = b"", 0
    for size in sizes:
        made += stream.push(pcm[at : at + size])
        at += size
        assert len(made) // 2 == -(-(at // 2) * to_hz // from_hz)
    difference = np.frombuffer(made, "<i2").astype(int) - np.frombuffer(whole.push(pcm), "<i2")
    assert np.abs(difference).max(initial=0) <= 1


@pytest.mark.parametrize(("from_hz", "to_hz"), [(8000, 16_000), (16_000, 8000), (22_050, 8000)])
def test_the_delay_is_the_filters(from_hz: int, to_hz: int) -> None:
    """A click comes out 2 ms later (half the lower rate's 32 taps), whole after a flush."""
    click = bytes(np.array([0] * 100 + [20_000] + [0] * 5, "<i2"))
    stream = Resampler(from_hz, to_hz)
    out = np.frombuffer(stream.push(click) + stream.flush(), "<i2").astype(float)
    delay_ms = 1000 * (np.abs(out).argmax() / to_hz - 100 / from_hz)
    assert 1.7 <= delay_ms <= 2.3
    assert abs(out.sum() * from_hz / to_hz / 20_000 - 1) < 0.05
    assert set(stream.push(bytes(320))) == {0}


def test_equal_rates_pass_through() -> None:
    """Nothing is done where nothing is to do."""
    stream = Resampler(8000, 8000)
    assert stream.push(b"\1\2\3") == b"\1\2"
    assert stream.push(b"\4") == b"\3\4"
    assert stream.flush() == b""


@pytest.mark.parametrize("rate_hz", [0, -1, 96_000])
def test_impossible_rates_are_refused(rate_hz: int) -> None:
    """A rate outside 1 to 48000 Hz is named."""
    with pytest.raises(ValueError, match="rate"):
        Resampler(rate_hz, 8000)
