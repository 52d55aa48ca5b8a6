"""Words that only acknowledge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.call.backchannel import is_backchannel, is_hum, plain, word_count


@pytest.mark.parametrize(
    ("text", "language", "wanted"),
    [
        ("Mm-hmm.", "en", True),
        ("uh huh, yeah", "en", True),
        ("That's right!", "en", True),
        ("That\u2019s not bad", "en", True),
        ("all right I see", "en", True),
        ("I see a problem", "en", False),
        ("yes but", "en", False),
        ("ach so", "de-DE", True),
        ("ach so", "en", False),
        ("alles klar okay", "de", True),
        ("", "en", False),
        ("?!", "en", False),
    ],
)
def test_backchannel(text: str, language: str, wanted: bool) -> None:
    """A row of listed phrases and hums of the language, and nothing else, is a backchannel."""
    assert is_backchannel(text, language) is wanted


@pytest.mark.parametrize(
    ("text", "wanted"), [("mmmm", True), ("uh uhh", True), ("mm no", False), ("", False)]
)
def test_hum(text: str, wanted: bool) -> None:
    """A hum has no word in it."""
    assert is_hum(text) is wanted


@given(st.text(max_size=40))
def test_plain_is_settled(text: str) -> None:
    """Folding twice changes nothing more, and words are counted as they are folded."""
    assert plain(plain(text)) == plain(text)
    assert word_count(text) == len(plain(text).split())
