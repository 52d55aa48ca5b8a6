"""As whom a call is shown: what of an app's words can stand in a header."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cordboard.wiring.caller_ids import NAME_CHARS_MAX, readable_name, shown_caller


def test_names_and_numbers() -> None:
    """A name is one line; a number is stored digits, and nonsense is none."""
    assert readable_name(" Front\r\n desk\x00 ") == "Front desk"
    assert shown_caller("+49 30 555010", "DE") == "4930555010"
    assert shown_caller("Front desk; <sip:x>", "DE") is None
    assert shown_caller(None, "DE") is None


@given(st.text())
def test_no_name_breaks_a_header(text: str) -> None:
    """Whatever an app calls itself, no line ends in it."""
    name = readable_name(text)
    assert len(name) <= NAME_CHARS_MAX
    assert len(name.splitlines()) <= 1
    assert name.isprintable()
