"""How numbers are read and stored."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.dial_policy import NumberMalformed, normalise_number


@pytest.mark.parametrize(
    ("given_value", "stored"),
    [
        ("11234567890", "11234567890"),
        ("+11234567890", "11234567890"),
        (" 11234567890", "11234567890"),
        (11234567890, "11234567890"),
        ("+1 (123) 456-7890", "11234567890"),
        ("0049 30 1234567", "49301234567"),
        ("１１２３４５６７８９０", "11234567890"),
        ("٠٣٠١٢٣٤", "0301234"),
        ("\u202a+1\u202c202\u00a0555\u20110123", "12025550123"),
        ("tel:+12025550123", "12025550123"),
        ("100", "100"),
        ("123456789012345", "123456789012345"),
    ],
)
def test_a_number_is_stored_as_digits(given_value: str | int, stored: str) -> None:
    """Every usual spelling is stored as the same 3 to 15 digits."""
    assert normalise_number(given_value) == stored


@pytest.mark.parametrize(
    "value",
    [
        "",
        "+",
        "12",
        -5,
        -12025550123,
        10**400,
        True,
        "1234567890123456",
        "1-800-FLOWERS",
        "+1202;ext=5",
        "+1202w5",
        "1,2025550123",
        "+1+2025550123",
        "2025550123+",
        "sip:100@example.com",
        "*31#2025550123",
        "1" * 1000,
        "12025550123\r\nVia: x",
        "½02555",
    ],
)
def test_what_is_no_number_is_refused(value: str | int) -> None:
    """Letters, parameters, pauses, hosts and wrong lengths are refused."""
    with pytest.raises(NumberMalformed):
        normalise_number(value)


@pytest.mark.parametrize("value", ["100", "1", "reception", "desk-7.a", "a+b"])
def test_a_trunk_may_have_any_user_part(value: str) -> None:
    """On a SIP trunk a number may be any user part."""
    assert normalise_number(value, sip_trunk=True) == value


@pytest.mark.parametrize("value", ["a b", "a@b", "<x>", 'a"b', "", "ä", "a;b", "-a"])
def test_a_user_part_cannot_break_out(value: str) -> None:
    """What would end the user part of a URI or header is refused, on a trunk as well."""
    with pytest.raises(NumberMalformed):
        normalise_number(value, sip_trunk=True)


@given(st.text(max_size=30))
def test_reading_ends_in_digits_or_the_one_error(text: str) -> None:
    """Any text is read as digits or refused, and what is stored is stored the same again."""
    with contextlib.suppress(NumberMalformed):
        stored = normalise_number(text)
        assert stored.isascii()
        assert stored.isdecimal()
        assert 3 <= len(stored) <= 15
