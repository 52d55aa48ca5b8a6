"""Numbers as people, scripts and attackers write them, brought into one spelling."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_CHARS_MAX: Final = 64
_DIGITS_MIN: Final = 3
_DIGITS_MAX: Final = 15  # ITU-T E.164
_INTEGER_END: Final = 10**18
_SEPARATORS: Final = frozenset(" -.()/−")
_SPELT: Final = re.compile(r"\+?[0-9]+")
_USER_PART: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.!~*'+-]{0,63}")
_ABROAD: Final = re.compile(r"00(?=[1-9][0-9]{6})")


class NumberMalformed(ValueError):
    """What was given is no telephone number in any spelling we read."""


def read_digits(value: str | int) -> str:
    """Return ``value`` as ASCII digits, after a ``+`` where it had one.

    Separators, ``tel:``, invisible characters and the digits of other scripts are understood;
    letters, parameters, extensions, pauses and a host are not, since each of them could carry
    something else than the number to the wire.

    Raises:
        NumberMalformed: anything but a number is left.

    """
    if isinstance(value, bool) or (isinstance(value, int) and not 0 <= value < _INTEGER_END):
        raise NumberMalformed("must be a telephone number")
    text = str(value)
    if len(text) > _CHARS_MAX:
        raise NumberMalformed(f"must have at most {_CHARS_MAX} characters")
    folded = unicodedata.normalize("NFKC", text).strip()
    if folded[:4].lower() == "tel:":
        folded = folded[4:]
    spelt = "".join(_plain(char) for char in folded)
    if not _SPELT.fullmatch(spelt):
        raise NumberMalformed("must be a telephone number: digits, with + and the country code")
    return spelt


def normalise_number(value: str | int, *, sip_trunk: bool = False) -> str:
    """Return a number as it is stored: 3 to 15 digits without ``+``.

    On a SIP trunk a number may be any user part, such as ``100`` or ``reception``. Whether a
    number exists or may be dialled is not asked here; that is judged when it is dialled.

    Raises:
        NumberMalformed: it cannot be stored.

    """
    try:
        spelt = read_digits(value)
    except NumberMalformed:
        if sip_trunk and isinstance(value, str) and is_user_part(value):
            return value
        raise
    digits = _ABROAD.sub("", spelt, count=1).lstrip("+")
    if sip_trunk and 1 <= len(digits) <= _DIGITS_MAX:
        return digits
    if not _DIGITS_MIN <= len(digits) <= _DIGITS_MAX:
        raise NumberMalformed(f"must have {_DIGITS_MIN} to {_DIGITS_MAX} digits")
    return digits


def is_user_part(text: str) -> bool:
    """Tell whether ``text`` can stand before the ``@`` of a SIP URI as it is (RFC 3261, 25.1)."""
    return _USER_PART.fullmatch(text) is not None


def _plain(char: str) -> str:
    if char in _SEPARATORS or unicodedata.category(char) in ("Pd", "Zs", "Cf"):
        return ""
    value = unicodedata.decimal(char, None)
    return char if value is None else str(value)
