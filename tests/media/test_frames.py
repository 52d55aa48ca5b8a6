"""Slicing streams into frames."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.media.codec import PCMU
from cordboard.media.frames import Slicer


@given(st.lists(st.binary(max_size=50), max_size=30), st.integers(1, 40))
def test_every_byte_comes_out_once(pieces: list[bytes], frame_bytes: int) -> None:
    """Frames are whole and in order; the flushed one is filled with silence."""
    silence = bytes([7]) * frame_bytes
    slicer = Slicer(frame_bytes, silence)
    frames = [frame for piece in pieces for frame in slicer.push(piece)]
    sound = b"".join(pieces)
    rest = len(sound) % frame_bytes
    assert slicer.waiting_bytes == rest
    last = slicer.flush()
    assert {len(frame) for frame in frames} <= {frame_bytes}
    if rest:
        assert last is not None
        frames.append(last)
        sound += silence[rest:]
    else:
        assert last is None
    assert b"".join(frames) == sound
    assert slicer.flush() is None


def test_forgetting() -> None:
    """What waits may be thrown away."""
    slicer = Slicer(PCMU.frame_bytes, PCMU.silence_frame)
    slicer.push(b"abc")
    slicer.clear()
    assert slicer.flush() is None


def test_impossible_frames_are_refused() -> None:
    """A frame has a size, and its silence is as long."""
    with pytest.raises(ValueError, match="frame_bytes"):
        Slicer(0)
    with pytest.raises(ValueError, match="silence"):
        Slicer(10, b"abc")
