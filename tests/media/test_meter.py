"""The energy gate and the segmenter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.media import g711
from cordboard.media.meter import EnergyGate, SpeechEdge, SpeechSegmenter
from cordboard.media.tone_code import encode
from cordboard.media.tones import noise
from tests.media.speech import speechlike


def gated(pcm: bytes, gate: EnergyGate) -> list[bool]:
    """Push frames of 20 ms at 8 kHz."""
    return [gate.push(pcm[at : at + 320]) for at in range(0, len(pcm) - 319, 320)]


def test_silence_and_steady_noise_keep_it_shut() -> None:
    """Nothing, and quiet noise, never open the gate; louder noise does not keep it open."""
    gate = EnergyGate()
    assert not any(gated(bytes(16_000), gate))
    assert not any(gated(noise(3000, 8000, -50), gate))
    opened = gated(noise(30_000, 8000, -36), gate)
    assert not any(opened[-500:])


@pytest.mark.parametrize("level", [1500.0, 4000.0, 15_000.0])
def test_speech_opens_it_at_once(level: float) -> None:
    """Syllables open it with the second loud frame at the latest, and are not cut to pieces."""
    gate = EnergyGate()
    gated(noise(2000, 8000, -58), gate)
    opened = gated(speechlike(10, 5, level=level), gate)
    assert opened.index(True) <= 3
    assert sum(opened[opened.index(True) :]) >= 0.95 * len(opened[opened.index(True) :])


def test_the_tone_code_is_speech_to_it() -> None:
    """Words in tone code open the gate from the first frame, after any silence."""
    gate = EnergyGate()
    gated(bytes(16_000), gate)
    pcm, _ = encode("one two three four five six seven", 8000)
    assert all(gated(pcm, gate))


def test_an_echo_at_minus_20_db_after_speech() -> None:
    """The gate tells the level, so that its user may ask for more than an echo has."""
    gate = EnergyGate()
    pcm, _ = encode("one two three", 8000)
    gated(g711.scale(pcm, 0.1), gate)
    assert gate.rms < 1000


def test_the_hangover_is_counted_in_frames() -> None:
    """After the last loud frame the gate stays open for as many frames as asked."""
    gate = EnergyGate(hangover_frames=3)
    gated(bytes(3200), gate)
    loud = noise(20, 8000, -15)
    assert gated(loud + bytes(320 * 6), gate) == [True] * 4 + [False] * 3


def test_onset_and_hangover() -> None:
    """Speech starts after 80 ms of it and stops after 200 ms without, at its own edges."""
    segmenter = SpeechSegmenter(onset_ms=80, hangover_ms=200)
    edges = {}
    votes = [0.0] * 10 + [0.9] * 10 + [0.0] * 5 + [0.9] * 5 + [0.0] * 20
    for index, probability in enumerate(votes):
        edge = segmenter.push(probability, 20)
        if edge is not None:
            edges[index] = edge
    assert edges == {13: SpeechEdge.STARTED, 39: SpeechEdge.STOPPED}
    assert (segmenter.started_ms, segmenter.stopped_ms) == (200, 600)


def test_a_click_is_no_speech() -> None:
    """Less than the onset, or as much in crumbs far apart, starts nothing."""
    segmenter = SpeechSegmenter(onset_ms=80)
    for _ in range(20):
        votes = [1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]
        assert [segmenter.push(vote, 20) for vote in votes] == [None] * 7


@given(
    st.lists(st.tuples(st.floats(0, 1), st.sampled_from([10, 20, 32])), max_size=200),
    st.integers(20, 200),
    st.integers(60, 600),
)
def test_edges_alternate(votes: list[tuple[float, int]], onset_ms: int, hangover_ms: int) -> None:
    """Whatever comes, starts and stops take turns and lie in the order of time."""
    segmenter = SpeechSegmenter(onset_ms, hangover_ms)
    now_ms = 0
    expected = SpeechEdge.STARTED
    for probability, duration_ms in votes:
        edge = segmenter.push(probability, duration_ms)
        now_ms += duration_ms
        if edge is None:
            continue
        assert edge is expected
        assert segmenter.started_ms < segmenter.stopped_ms <= now_ms
        if edge is SpeechEdge.STOPPED:
            assert now_ms - segmenter.stopped_ms >= hangover_ms
        expected = SpeechEdge.STOPPED if edge is SpeechEdge.STARTED else SpeechEdge.STARTED
