"""What kind of answer is awaited."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.call.expectation import Expectation, ExpectationKind

EXPECTATIONS = st.builds(
    Expectation,
    kind=st.sampled_from(ExpectationKind),
    choices=st.lists(st.text(), max_size=3).map(tuple),
    also=st.lists(st.text(), max_size=3).map(tuple),
    format=st.none() | st.text(),
    language=st.text(min_size=1, max_size=5),
)


@given(EXPECTATIONS)
def test_round_trip(expectation: Expectation) -> None:
    """What is written to the timeline reads back equal."""
    assert Expectation.from_json(expectation.to_json()) == expectation


@given(EXPECTATIONS)
def test_digit_count_is_small_or_unknown(expectation: Expectation) -> None:
    """Whatever a model gives as format, the count of digits is none or 1 to 999."""
    count = expectation.digit_count
    assert count is None or 1 <= count <= 999


@pytest.mark.parametrize(
    ("kind", "form", "count"),
    [
        (ExpectationKind.DIGITS, "4", 4),
        (ExpectationKind.DIGITS, "0", None),
        (ExpectationKind.DIGITS, "\u00b2", None),
        (ExpectationKind.DIGITS, "9" * 5_000, None),
        (ExpectationKind.DIGITS, "hh:mm", None),
        (ExpectationKind.DIGITS, None, None),
        (ExpectationKind.NUMBER, "4", None),
    ],
)
def test_digit_count(kind: ExpectationKind, form: str | None, count: int | None) -> None:
    """Only a plain positive count of digits that are asked for counts."""
    assert Expectation(kind, format=form).digit_count == count


@pytest.mark.parametrize("value", [{}, {"kind": "no such"}, {"kind": "date", "choices": 3}])
def test_anything_else_is_refused(value: dict[str, object]) -> None:
    """Reading raises one of its three documented errors."""
    with pytest.raises((KeyError, TypeError, ValueError)):
        Expectation.from_json(value)
