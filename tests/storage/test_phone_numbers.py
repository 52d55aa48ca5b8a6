"""One stored form, however a number is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.storage.phone_numbers import shown_number, stored_number, stored_user_part


@pytest.mark.parametrize(
    ("written", "country", "stored"),
    [
        ("+1 202 555 0123", "US", "12025550123"),
        (" 1 202 555 0123", "US", "12025550123"),
        ("(202) 555-0123", "US", "12025550123"),
        ("202.555.0123", "US", "12025550123"),
        ("+2025550123", "US", "2025550123"),
        ("11234567890", "US", "11234567890"),
        ("100", "US", "100"),
        ("030 901820", "DE", "4930901820"),
        ("4930901820", "DE", "4930901820"),
        ("4930901820", "US", "4930901820"),
    ],
)
def test_stored_number(written: str, country: str, stored: str) -> None:
    """National numbers of the home country get its code, all others stay as they are."""
    assert stored_number(written, country) == stored


@pytest.mark.parametrize("written", ["", "12", "1" * 16, "abc", "1a2", "+", "++123", "١٢٣٤"])
def test_no_number(written: str) -> None:
    """What is not 3 to 15 digits is refused."""
    with pytest.raises(ValueError, match="3 to 15 digits"):
        stored_number(written, "US")


def test_user_parts() -> None:
    """On a trunk a number may be a plain name, but nothing that could break out of a URI."""
    assert stored_user_part("front-desk", "US") == "front-desk"
    for written in ("a b", "a@b", "a;b", "a\r\nb", "x" * 65, "12", ""):
        with pytest.raises(ValueError, match="must be"):
            stored_user_part(written, "US")


def test_shown_number() -> None:
    """A caller's number is told in its stored form, whatever else it sends as it is."""
    assert shown_number("+12025550123", "US") == "12025550123"
    assert shown_number("anonymous", "US") == "anonymous"
    assert shown_number("a b", "US") == "a b"


@given(st.text(max_size=30))
def test_any_text(written: str) -> None:
    """Any text is stored in a form that stays the same when stored again, or refused."""
    try:
        stored = stored_user_part(written, "US")
    except ValueError:
        return
    assert stored_user_part(f"+{stored}" if stored.isdigit() else stored, "US") == stored
