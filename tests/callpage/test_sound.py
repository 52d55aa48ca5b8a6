"""What is drawn and measured of a recording is what is in it."""

from __future__ import annotations

import base64
import io
import random

import numpy as np
import pytest
import soundfile

from cordboard.callpage import sound
from cordboard.callpage.sound import Sound, Stretch
from tests.callpage.sample import RATE_HZ, recording, speech
from tests.counts import count


def test_a_recording_is_decoded_by_side() -> None:
    """Left is the caller, right the agent, at the recording's rate."""
    decoded = sound.read(recording())
    assert (decoded.rate_hz, decoded.duration_ms) == (RATE_HZ, 20_000)
    assert sound.stretches(decoded.caller, RATE_HZ)[0] == Stretch(3300, 5200)
    assert sound.stretches(decoded.agent, RATE_HZ)[0] == Stretch(200, 2600)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"x" * 1000])
def test_what_is_no_recording_is_refused(content: bytes) -> None:
    """Anything else is a ValueError that names the field."""
    with pytest.raises(ValueError, match="recording: "):
        sound.read(content)


def test_mono_is_refused() -> None:
    """One side alone is no recording of ours."""
    output = io.BytesIO()
    soundfile.write(output, np.zeros(100, np.int16), 8000, format="WAV")
    with pytest.raises(ValueError, match="stereo"):
        sound.read(output.getvalue())


def test_what_is_played_is_what_was_recorded() -> None:
    """The page's sound is PCM with the same samples; a long call's is MP3 of the same length."""
    decoded = sound.read(recording())
    kind, _, content = sound.playable(decoded).partition(";base64,")
    assert kind == "data:audio/wav"
    samples, rate_hz = soundfile.read(io.BytesIO(base64.b64decode(content)), dtype="int16")
    assert rate_hz == RATE_HZ
    assert np.array_equal(samples[:, 0], decoded.caller)
    assert np.array_equal(samples[:, 1], decoded.agent)
    silence = np.zeros(RATE_HZ * 601, np.int16)
    kind, _, content = sound.playable(Sound(RATE_HZ, silence, silence)).partition(";base64,")
    assert kind == "data:audio/mpeg"
    assert abs(soundfile.info(io.BytesIO(base64.b64decode(content))).duration - 601) < 1


def test_edges_are_found_to_a_few_milliseconds() -> None:
    """Stretches of sound over a noise floor are found within 6 ms of where they are."""
    chance = random.Random(3)
    for seed in range(count(10, 200)):
        begins = sorted(chance.sample(range(200, 8000, 900), 4))
        spans = [(begin, begin + chance.randrange(150, 700, 2)) for begin in begins]
        noise = np.random.default_rng(seed).normal(0, 15, 10 * RATE_HZ)
        samples = (speech(spans, 10_000, seed) + noise).astype(np.int16)
        found = sound.stretches(samples, RATE_HZ)
        assert len(found) == len(spans)
        for stretch, (start_ms, end_ms) in zip(found, spans, strict=True):
            assert abs(stretch.start_ms - start_ms) <= 6
            assert abs(stretch.end_ms - end_ms) <= 6


def test_a_constant_is_no_sound() -> None:
    """What a decoder leaves behind for silence neither counts as sound nor hides a faint onset."""
    samples = speech([(1000, 1400)], 3000, 5) // 80
    assert sound.stretches(samples - 26, RATE_HZ) == sound.stretches(samples, RATE_HZ)
    (stretch,) = sound.stretches(samples - 26, RATE_HZ)
    assert abs(stretch.start_ms - 1000) <= 6
    assert abs(stretch.end_ms - 1400) <= 6
    assert sound.stretches(np.full(80_000, -26, np.int16), RATE_HZ) == []


def test_silence_has_no_stretches() -> None:
    """Neither nothing nor faint noise counts as sound."""
    assert sound.stretches(np.zeros(0, np.int16), RATE_HZ) == []
    assert sound.stretches(np.zeros(80_000, np.int16), RATE_HZ) == []
    faint = np.random.default_rng(1).normal(0, 8, 80_000).astype(np.int16)
    assert sound.stretches(faint, RATE_HZ) == []


def test_peaks_are_bounded_and_find_the_loudest() -> None:
    """At most 6,000 pieces, each as loud as its loudest sample; full scale is 100."""
    samples = np.zeros(RATE_HZ * 3600, np.int16)
    samples[RATE_HZ * 1800] = -32768
    values = sound.peaks(samples, RATE_HZ)
    assert len(values) <= 6000
    assert max(values) == 100
    assert values.index(100) == pytest.approx(len(values) / 2, abs=1)
    assert sum(value > 0 for value in values) == 1
    assert sound.peaks(samples[:0], RATE_HZ) == []
