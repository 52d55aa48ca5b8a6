"""Times of words."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cordboard.ports import WordTime
from cordboard.providers.synthesizers.elevenlabs.wire import Alignment
from cordboard.providers.synthesizers.elevenlabs.words import WordTimes


def _aligned(text: str) -> Alignment:
    return Alignment(list(text), [at * 10.0 for at in range(len(text))], [10.0] * len(text))


def test_words_across_messages() -> None:
    """A word that is cut between two messages is one word, from its first to its last sound."""
    times = WordTimes("Good morning, sir")
    assert times.push(_aligned("Good mor"), 0) == (WordTime(0, 4, 0, 40),)
    assert times.push(None, 50) == ()
    assert times.push(_aligned("ning, "), 80) == (WordTime(5, 13, 50, 130),)
    assert times.push(_aligned("sir"), 200) == ()
    assert times.finish() == (WordTime(14, 17, 200, 230),)
    assert times.finish() == ()


def test_words_that_are_not_in_the_text() -> None:
    """What is said otherwise than written, or twice, has no time; what follows has."""
    times = WordTimes("It is 9 now")
    found = times.push(_aligned("It is nine is now "), 0)
    assert [(word.text_start, word.text_end) for word in found] == [(0, 2), (3, 5), (8, 11)]


def test_a_word_far_ahead_is_not_meant() -> None:
    """A word that occurs much later only is not taken for that."""
    times = WordTimes("a " * 60 + "zebra end")
    assert times.push(_aligned("zebra "), 0) == ()
    assert times.push(_aligned("a "), 0) == (WordTime(0, 1, 0, 10),)


def test_rows_of_different_length() -> None:
    """Times that are missing leave their characters out."""
    times = WordTimes("one two")
    assert times.push(Alignment(list("one two "), [0.0] * 4, [1.0] * 9), 0) == (
        WordTime(0, 3, 0, 1),
    )


_CHARACTERS = st.characters(categories=["L", "N", "P", "Z"])
_NUMBERS = st.floats(-1e6, 1e6)


@given(
    st.text(_CHARACTERS, max_size=40),
    st.lists(
        st.builds(
            Alignment,
            st.lists(st.text(_CHARACTERS, max_size=2), max_size=8),
            st.lists(_NUMBERS, max_size=8),
            st.lists(_NUMBERS, max_size=8),
        ),
        max_size=5,
    ),
)
def test_anything_the_vendor_says(text: str, alignments: list[Alignment]) -> None:
    """Whatever it says, words lie in the text, in order, and never end before they begin."""
    times = WordTimes(text)
    words = [word for alignment in alignments for word in times.push(alignment, 100)]
    words += times.finish()
    for word in words:
        assert 0 <= word.text_start < word.text_end <= len(text)
        assert 0 <= word.start_ms <= word.end_ms
    for before, after in pairwise(words):
        assert before.text_end <= after.text_start
        assert before.end_ms <= after.start_ms
