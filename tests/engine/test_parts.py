"""Which provider is asked."""

from __future__ import annotations

import pytest

from cordboard.engine.parts import Choice

CHOICE = Choice({"a": "A", "b": "B", "c": "C"}, "b", {"b": ("c", "gone"), "lost": ("a",)})


@pytest.mark.parametrize(
    ("name", "asked"),
    [("a", ("A",)), ("auto", ("B", "C")), ("b", ("B", "C")), ("lost", ("A",)), ("new", ())],
)
def test_candidates(name: str, asked: tuple[str, ...]) -> None:
    """The named one first, then its fallbacks; names that are not configured are left out."""
    assert CHOICE.candidates(name) == asked
