"""Where a reply is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.engine.clauses import LONGEST_CLAUSE, ClauseSplitter

CASES = [
    ("Yes, I can do that. When?", ["Yes, I can do that.", "When?"]),
    (
        "Of course, which day? Monday, or Tuesday?",
        ["Of course,", "which day?", "Monday, or Tuesday?"],
    ),
    ("The slot at 10:30 is free. OK?", ["The slot at 10:30 is free.", "OK?"]),
    ("It costs 3.5 euros, plus 1,000 more.", ["It costs 3.5 euros,", "plus 1,000 more."]),
    ("Please ask Dr. Lee about it.", ["Please ask Dr. Lee about it."]),
    ("I met J. Smith, e.g. at work.", ["I met J. Smith,", "e.g. at work."]),
    ("No! Really? Yes.", ["No!", "Really?", "Yes."]),
    ('He said "stop." Then he left.', ['He said "stop."', "Then he left."]),
    ("Wait... what?", ["Wait...", "what?"]),
    ("one\ntwo", ["one", "two"]),
    ("It is 5. Good.", ["It is 5.", "Good."]),
    ("So am I. Fine.", ["So am I.", "Fine."]),
    ("...", []),
    ("  ", []),
]


@pytest.mark.parametrize(("text", "clauses"), CASES)
@pytest.mark.parametrize("step", [1, 3, 1000])
def test_cuts(text: str, clauses: list[str], step: int) -> None:
    """The clauses are the same however the text is streamed, up to dots that stream in a row."""
    splitter = ClauseSplitter()
    cut: list[str] = []
    for start in range(0, len(text), step):
        cut += splitter.push(text[start : start + step])
    cut += splitter.finish()
    if "..." in text and step < len(text):
        assert "".join(cut).replace(" ", "") == "".join(clauses).replace(" ", "")
    else:
        assert cut == clauses


def test_decides_at_the_punctuation() -> None:
    """A clause leaves with its mark, without waiting for what follows."""
    splitter = ClauseSplitter()
    assert splitter.push("All right,") == ["All right,"]
    assert splitter.push(" that works for me.") == ["that works for me."]


def test_a_dot_within_a_piece_ends_nothing() -> None:
    """A name with a dot is whole when its letters come with the dot, as tokens do."""
    splitter = ClauseSplitter()
    assert splitter.push("see example") == []
    assert splitter.push(".com for more") == []
    assert splitter.finish() == ["see example.com for more"]


def test_waits_after_a_digit() -> None:
    """A mark behind a digit may be part of a number: the next character decides."""
    splitter = ClauseSplitter()
    assert splitter.push("Shall we say at 10:") == []
    assert splitter.push("30?") == ["Shall we say at 10:30?"]


@given(st.text(alphabet="ab .,:?1", max_size=700), st.integers(1, 50))
def test_loses_nothing(text: str, step: int) -> None:
    """Whatever comes, every letter and digit is said once, in order, in bounded pieces."""
    splitter = ClauseSplitter()
    cut: list[str] = []
    for start in range(0, len(text), step):
        cut += splitter.push(text[start : start + step])
    cut += splitter.finish()
    said = [character for character in "".join(cut) if character.isalnum()]
    assert said == [character for character in text if character.isalnum()]
    assert all(0 < len(clause) <= LONGEST_CLAUSE + step + 1 for clause in cut)
