"""Frames on a pipe."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.providers.frames import MOST_FRAME_BYTES, BadFrame, FrameReader, pack


@given(st.lists(st.binary(max_size=300)), st.integers(1, 50))
def test_frames_survive_any_cutting(payloads: list[bytes], step: int) -> None:
    """Frames come out whole and in order however the stream is cut."""
    stream = b"".join(map(pack, payloads))
    reader = FrameReader()
    out: list[bytes] = []
    for start in range(0, len(stream), step):
        out += reader.push(stream[start : start + step])
    assert out == payloads


def test_too_long_a_frame_is_refused() -> None:
    """A length beyond the bound is an error on both ends."""
    with pytest.raises(BadFrame, match="length"):
        pack(bytes(MOST_FRAME_BYTES + 1))
    with pytest.raises(BadFrame, match="length"):
        FrameReader().push(b"\xff\xff\xff\xff")
