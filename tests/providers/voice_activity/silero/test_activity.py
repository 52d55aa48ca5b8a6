"""The neural model of voice activity."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest
import soundfile

from cordboard.media.resample import Resampler
from cordboard.ports import VoiceStream
from cordboard.providers.voice_activity.energy.activity import EnergyVoiceActivity
from cordboard.providers.voice_activity.silero.activity import SileroVoiceActivity


def speech(rate_hz: int) -> bytes:
    """Return half a second of silence and then speech."""
    path = files("cordboard.providers.phrases") / "sound" / "en-goodbye.wav"
    samples, _ = soundfile.read(str(path), dtype="int16")
    pcm = bytes(16_000) + samples.astype("<i2").tobytes()
    return Resampler(16_000, rate_hz).push(pcm)


def judged(
    activity: SileroVoiceActivity, stream: VoiceStream, pcm: bytes, step: int
) -> list[float]:
    """Push sound in steps, run after each, and return the probabilities."""
    found: list[float] = []
    for start in range(0, len(pcm), step):
        stream.push(pcm[start : start + step])
        activity.run()
        probability = stream.take()
        if probability is not None:
            found.append(probability)
    return found


@pytest.mark.parametrize("rate_hz", [8000, 16_000])
def test_speech_is_told_from_silence(rate_hz: int) -> None:
    """At both rates silence is near 0 and speech is near 1."""
    activity = SileroVoiceActivity()
    stream = activity.open(rate_hz)
    probabilities = judged(activity, stream, speech(rate_hz), rate_hz // 25)
    assert max(probabilities[:12]) < 0.3
    assert np.mean(probabilities[18:40]) > 0.7
    stream.close()


def test_batches_give_what_each_stream_gives_alone() -> None:
    """Streams in one batch do not see each other."""
    pcm = speech(8000)
    alone = SileroVoiceActivity()
    wanted = judged(alone, alone.open(8000), pcm, 320)
    together = SileroVoiceActivity()
    streams = [together.open(8000) for _ in range(40)]
    found: list[list[float]] = [[] for _ in streams]
    for start in range(0, len(pcm), 320):
        for number, stream in enumerate(streams):
            stream.push(pcm[start : start + 320] if number % 2 else bytes(320))
        together.run()
        for number, stream in enumerate(streams):
            probability = stream.take()
            if probability is not None:
                found[number].append(probability)
    assert np.allclose(found[1], wanted, atol=1e-3)
    assert max(found[0]) < 0.3


def test_reset_forgets() -> None:
    """After a reset a stream is as good as new."""
    activity = SileroVoiceActivity()
    stream = activity.open(16_000)
    pcm = speech(16_000)
    first = judged(activity, stream, pcm, 640)
    stream.reset()
    assert np.allclose(judged(activity, stream, pcm, 640), first, atol=1e-5)


def test_closed_rows_are_used_again() -> None:
    """Nothing is kept for a stream that is gone; a closed stream is not judged."""
    activity = SileroVoiceActivity()
    for _ in range(50):
        stream = activity.open(8000)
        stream.push(bytes(4000))
        stream.close()
    activity.run()
    assert stream.take() is None


def test_nothing_new_is_none() -> None:
    """Without a whole window since the last call there is no probability."""
    activity = SileroVoiceActivity()
    stream = activity.open(8000)
    assert stream.take() is None
    stream.push(bytes(100))
    activity.run()
    assert stream.take() is None


@pytest.mark.parametrize("activity", [SileroVoiceActivity(), EnergyVoiceActivity()])
def test_other_rates_are_refused(activity: SileroVoiceActivity | EnergyVoiceActivity) -> None:
    """Only 8 and 16 kHz are known."""
    with pytest.raises(ValueError, match="rate_hz"):
        activity.open(44_100)
