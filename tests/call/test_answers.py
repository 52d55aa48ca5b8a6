"""Whole answers."""

from __future__ import annotations

import pytest

from cordboard.call.answers import is_whole_answer, needs_patience
from cordboard.call.expectation import ANYTHING, Expectation, ExpectationKind

YES_NO = Expectation(ExpectationKind.YES_NO)
TIMES = Expectation(ExpectationKind.CHOICE, choices=("Half past nine",), also=("goodbye",))
DIGITS = Expectation(ExpectationKind.DIGITS, format="4")


@pytest.mark.parametrize(
    ("text", "expectation", "wanted"),
    [
        ("yes", YES_NO, True),
        ("No, thank you.", YES_NO, True),
        ("um yes", YES_NO, True),
        ("yes but later", YES_NO, False),
        ("yes", ANYTHING, False),
        ("at half past nine, please", TIMES, True),
        ("half past", TIMES, False),
        ("Goodbye!", TIMES, True),
        ("um the a", TIMES, False),
        ("12 34", DIGITS, True),
        ("123", DIGITS, False),
        ("12345", DIGITS, True),
        ("1234", Expectation(ExpectationKind.DIGITS), False),
        ("anything", Expectation(ExpectationKind.DIGITS, format="0"), False),
        ("", YES_NO, False),
    ],
)
def test_whole_answer(text: str, expectation: Expectation, wanted: bool) -> None:
    """An answer is whole if it is one of those expected, but for fillers, or has all its digits."""
    assert is_whole_answer(text, expectation) is wanted


@pytest.mark.parametrize("kind", ExpectationKind)
def test_patience(kind: ExpectationKind) -> None:
    """Digits, spelling and addresses are given time."""
    patient = {"digits", "spelled", "email", "address"}
    assert needs_patience(Expectation(kind)) is (kind.value in patient)
