"""Writing as speech."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.providers.language_models.form.numbers import numbers, ordinal_at
from cordboard.providers.spoken import number_words, ordinal_words, spoken_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("9:30 am", "nine thirty a m"),
        ("09:30am", "nine thirty a m"),
        ("10:05", "ten oh five"),
        ("9:00", "nine o'clock"),
        ("30m", "thirty m"),
        ("the 21st of June", "the twenty first of june"),
        ("Joe & Anna's", "joe and anna's"),
        ("1,5", "one point five"),
        ("0049", "zero zero four nine"),
        ("Half past nine, please.", "half past nine please"),
        ("", ""),
    ],
)
def test_text_becomes_words(text: str, words: str) -> None:
    """Numbers, times and signs are spelled out, the rest of the signs separates words."""
    assert " ".join(spoken_words(text)) == words


@given(st.integers(0, 999_999))
def test_numbers_read_back(number: int) -> None:
    """Every number in words is read as itself, and as one number."""
    found = numbers(number_words(number).split())
    assert [each.value for each in found] == [number]


@given(st.integers(1, 31))
def test_ordinals_read_back(number: int) -> None:
    """Every ordinal of a day of a month is read as itself."""
    words = ordinal_words(number).split()
    assert ordinal_at(words, 0) == (number, len(words))


@given(st.text(max_size=80))
def test_any_text_gives_plain_words(text: str) -> None:
    """Whatever comes, the words hold letters and inner apostrophes only."""
    for word in spoken_words(text):
        assert word.replace("'", "").isalpha()
