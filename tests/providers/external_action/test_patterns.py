"""Patterns that lost their backslashes."""

from __future__ import annotations

import pytest

from cordboard.providers.external_action.patterns import lost_backslashes, restored_pattern


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        ("^d{2}:d0[ap]m$", r"^\d{2}:\d0[ap]m$"),
        ("^d+$", r"^\d+$"),
        ("^[A-Z]d{4}$", r"^[A-Z]\d{4}$"),
        ("^w+@w+$", r"^\w+@\w+$"),
        ("^(d{3})-s*(d{4})$", r"^(\d{3})-\s*(\d{4})$"),
    ],
)
def test_a_lost_backslash_is_seen_and_restored(pattern: str, meant: str) -> None:
    """Counted single letters that are classes with a backslash are taken for such."""
    assert lost_backslashes(pattern)
    assert restored_pattern(pattern) == meant


@pytest.mark.parametrize(
    "pattern",
    [
        r"^\d{2}:\d0[ap]m$",
        r"^\d+ d+$",
        "^(30m|1hr)$",
        "^and+$",
        "^[dws]+$",
        "^yes|no$",
        "^.*$",
        "^[0-9]{2}d$",
        "words?",
        "",
    ],
)
def test_other_patterns_are_left_alone(pattern: str) -> None:
    """Patterns with backslashes, words and classes are not suspected."""
    assert not lost_backslashes(pattern)
    assert restored_pattern(pattern) == pattern
