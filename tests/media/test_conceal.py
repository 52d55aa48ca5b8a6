"""Concealment: a lost frame sounds like its surroundings and a long gap fades to silence."""

from __future__ import annotations

import numpy as np
import pytest

from cordboard.media import g711
from cordboard.media.codec import (
    G722_WIDE,
    L16_8K,
    L16_16K,
    PCMA,
    PCMU,
    Codec,
    new_decoder,
    new_encoder,
)
from cordboard.media.conceal import Concealer
from cordboard.media.tones import chord, sine
from tests.media.speech import speechlike

LINEAR = (PCMU, PCMA, L16_8K, L16_16K)


def frames_of(pcm: bytes, codec: Codec) -> list[bytes]:
    """Encode and cut."""
    payload = new_encoder(codec).from_pcm(pcm)
    size = codec.frame_bytes
    return [payload[at : at + size] for at in range(0, len(payload) - size + 1, size)]


def played(frames: list[bytes], lost: set[int], codec: Codec) -> bytes:
    """Return the PCM of a stream in which some frames are lost."""
    concealer = Concealer(codec)
    decoder = new_decoder(codec)
    sound = [
        concealer.conceal() if index in lost else concealer.good(frame)
        for index, frame in enumerate(frames)
    ]
    assert {len(frame) for frame in sound} == {codec.frame_bytes}
    return b"".join(map(decoder.to_pcm, sound))


@pytest.mark.parametrize("codec", LINEAR)
@pytest.mark.parametrize("hz", [100.0, 130.0, 187.0, 300.0, 440.0])
def test_a_periodic_sound_goes_on(codec: Codec, hz: float) -> None:
    """One lost frame of a periodic sound is nearly restored: 10 dB or more above the error."""
    pcm = chord((hz, 2 * hz, 3 * hz), 600, codec.rate_hz, -25)
    frames = frames_of(pcm, codec)
    whole = np.frombuffer(played(frames, set(), codec), "<i2").astype(float)
    patched = np.frombuffer(played(frames, {10, 20}, codec), "<i2").astype(float)
    size = codec.pcm_frame_bytes // 2
    for lost in (10, 20):
        part = slice(lost * size, lost * size + size // 2)
        error = ((whole[part] - patched[part]) ** 2).mean() + 1e-9
        assert 10 * np.log10((whole[part] ** 2).mean() / error) >= 10


@pytest.mark.parametrize("codec", LINEAR)
def test_no_clicks(codec: Codec) -> None:
    """Neither at the loss nor at its end does the sound leap more than it does by itself."""
    pcm = sine(150, 1000, codec.rate_hz, -15)
    frames = frames_of(pcm, codec)
    patched = np.frombuffer(played(frames, {10, 20, 21, 30, 31, 32}, codec), "<i2")
    whole = np.frombuffer(pcm, "<i2").astype(int)
    steps = np.abs(np.diff(patched.astype(int)))
    assert steps.max() <= 4 * np.abs(np.diff(whole)).max()


@pytest.mark.parametrize("codec", [*LINEAR, G722_WIDE])
def test_a_long_gap_fades_to_silence(codec: Codec) -> None:
    """After 60 ms of nothing there is silence."""
    frames = frames_of(speechlike(1, 3, codec.rate_hz), codec)
    concealer = Concealer(codec)
    for frame in frames:
        concealer.good(frame)
    made = [concealer.conceal() for _ in range(5)]
    assert made[3:] == [codec.silence_frame] * 2
    if codec is not G722_WIDE:
        levels = [g711.rms(new_decoder(codec).to_pcm(frame)) for frame in made]
        assert levels == sorted(levels, reverse=True)


@pytest.mark.parametrize("codec", [*LINEAR, G722_WIDE])
def test_nothing_before_is_silence(codec: Codec) -> None:
    """A stream that begins with a loss begins with silence."""
    assert Concealer(codec).conceal() == codec.silence_frame


def test_frames_are_untouched_without_loss() -> None:
    """Good frames after good frames are passed on as they are."""
    concealer = Concealer(PCMU)
    for frame in frames_of(speechlike(1, 1), PCMU):
        assert concealer.good(frame) is frame


@pytest.mark.parametrize("first", [1, 2, 3])
def test_a_short_history_is_enough(first: int) -> None:
    """A loss right after the first frames is concealed without an error."""
    frames = frames_of(speechlike(1, 2), PCMU)
    assert played(frames[:10], set(range(first, first + 2)), PCMU)
