"""Mixing and interleaving."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.media.mixing import interleave, mix, separate

SAMPLE = st.integers(-32768, 32767)


def pcm(samples: list[int]) -> bytes:
    """Return samples as PCM16."""
    return array("h", samples).tobytes()


@given(st.lists(st.lists(SAMPLE, min_size=8, max_size=8), min_size=1, max_size=6))
def test_sums_keep_their_shape(frames: list[list[int]]) -> None:
    """A sum that fits is exact; one that does not is made quieter as a whole."""
    total = [sum(column) for column in zip(*frames, strict=True)]
    mixed = array("h", mix([pcm(frame) for frame in frames])).tolist()
    highest = max(map(abs, total))
    if highest <= 32767 or len(frames) == 1:
        assert mixed == total
    else:
        for made, wanted in zip(mixed, total, strict=True):
            assert abs(made - wanted * 32767 / highest) <= 1


def test_nothing_and_unequal_frames() -> None:
    """No frames are no sound; frames of different lengths are an error."""
    assert mix([]) == b""
    with pytest.raises(ValueError, match="frames"):
        mix([bytes(2), bytes(4)])


@given(st.binary(max_size=40), st.sampled_from([1, 2]))
def test_interleaving_and_separating(sound: bytes, sample_bytes: int) -> None:
    """Two channels come apart as they went in, for one and two bytes a sample."""
    left = sound[: len(sound) // 4 * 2]
    right = sound[len(left) :][: len(left)]
    stereo = interleave(left, right, sample_bytes)
    assert separate(stereo, sample_bytes) == (left, right)
    assert stereo[:sample_bytes] == left[:sample_bytes]


def test_unequal_channels_are_refused() -> None:
    """Channels of different lengths, and half samples, are errors."""
    for left, right in ((b"ab", b"abcd"), (b"a", b"b")):
        with pytest.raises(ValueError, match="channels"):
            interleave(left, right)
    with pytest.raises(ValueError, match="stereo"):
        separate(b"abc")
