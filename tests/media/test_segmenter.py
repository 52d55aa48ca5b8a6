"""Frames to stretches of speech."""

from __future__ import annotations

import pytest

from cordboard.media.segmenter import Segmenter

CASES = [
    ("never enough", "110010011000", []),
    ("starts after four, dated back", "001111", [(True, 40)]),
    ("a hole in the onset", "0110110", [(True, 20)]),
    ("too far apart", "1010101000", []),
    ("a short pause is no end", "1111" + "0" * 9 + "1", [(True, 0)]),
    ("stops after 200 ms, dated back", "111111" + "0" * 10, [(True, 0), (False, 120)]),
    ("again", "1111" + "0" * 10 + "1111", [(True, 0), (False, 80), (True, 280)]),
]


@pytest.mark.parametrize(("name", "votes", "changes"), CASES, ids=[case[0] for case in CASES])
def test_changes(name: str, votes: str, changes: list[tuple[bool, int]]) -> None:
    """Speech begins at its first frame and ends behind its last one, whenever that is noticed."""
    segmenter = Segmenter()
    seen: list[tuple[bool, int]] = []
    for number, vote in enumerate(votes):
        if segmenter.push(vote == "1", number * 20):
            seen.append((segmenter.speaking, segmenter.changed_at_ms))
    assert seen == changes
