"""One form for telephone numbers, so that a number is found however it was written."""

from __future__ import annotations

import re
from typing import Final

import phonenumbers

_SEPARATORS: Final = re.compile(r"[ ()./\-\u00a0]+")
_DIGITS: Final = re.compile(r"[0-9]{3,15}")
_USER_PART: Final = re.compile(r"[A-Za-z0-9_.~*#!-]{1,64}")


def stored_number(text: str, home_country: str) -> str:
    """Return a number as it is stored: 3 to 15 digits without ``+``.

    A valid national number of ``home_country`` gets its country code, so ``(202) 555-0123`` is
    ``12025550123``; anything else is kept as the digits it has and judged when it is dialled.

    Raises:
        ValueError: it is no number; the text says why.

    """
    bare = _SEPARATORS.sub("", text.strip())
    international = bare.startswith("+")
    digits = bare.removeprefix("+")
    if not _DIGITS.fullmatch(digits):
        raise ValueError("must be a telephone number of 3 to 15 digits")
    return digits if international else _with_country_code(digits, home_country)


def stored_user_part(text: str, home_country: str) -> str:
    """Return the user part of a SIP address as it is stored: a number, or else a plain name.

    Raises:
        ValueError: it is neither.

    """
    try:
        return stored_number(text, home_country)
    except ValueError:
        name = text.strip()
        if not _USER_PART.fullmatch(name) or name.isdigit():
            raise ValueError(
                "must be a telephone number of 3 to 15 digits, or a SIP user part"
            ) from None
        return name


def shown_number(text: str, home_country: str) -> str:
    """Return a far end's number in its stored form, or as it came where it is none."""
    try:
        return stored_user_part(text, home_country)
    except ValueError:
        return text


def _with_country_code(digits: str, home_country: str) -> str:
    try:
        parsed = phonenumbers.parse(digits, home_country)
    except phonenumbers.NumberParseException:
        return digits
    if not phonenumbers.is_valid_number_for_region(parsed, home_country):
        return digits
    return f"{parsed.country_code}{phonenumbers.national_significant_number(parsed)}"
