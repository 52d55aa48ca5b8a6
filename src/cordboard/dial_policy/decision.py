"""Whether a number may be dialled: one pure decision, on the last step before the wire."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType

from cordboard.dial_policy.spelling import NumberMalformed, is_user_part, read_digits

COUNTRIES_SETTING: Final = "CORDBOARD_DIAL_COUNTRIES"

_SHORT_DIGITS_MAX: Final = 6
_DIGITS_MAX: Final = 15
_NANP: Final = 1
# Emergency numbers a phone knows without any home network (3GPP TS 22.101, 10.1.1).
_EMERGENCY: Final = frozenset({"112", "911", "000", "08", "110", "999", "118", "119"})
_SWITCH_PREFIXES: Final = ("", "0", "00", "011", "1", "9")
_SATELLITE_CODES: Final = frozenset({870, 881, 882, 883})


class NumberClass(StrEnum):
    """What kind of line a number is, by the numbering plans."""

    FIXED = "fixed"
    MOBILE = "mobile"
    FIXED_OR_MOBILE = "fixed_or_mobile"
    TOLL_FREE = "toll_free"
    VOIP = "voip"
    PREMIUM = "premium"
    SHARED_COST = "shared_cost"
    PERSONAL = "personal"
    PAGER = "pager"
    COMPANY = "company"
    VOICEMAIL = "voicemail"
    SATELLITE = "satellite"
    UNKNOWN = "unknown"


ORDINARY_CLASSES: Final = frozenset(
    {
        NumberClass.FIXED,
        NumberClass.MOBILE,
        NumberClass.FIXED_OR_MOBILE,
        NumberClass.TOLL_FREE,
        NumberClass.VOIP,
    }
)
_CLASS_OF_TYPE: Final = {
    PhoneNumberType.FIXED_LINE: NumberClass.FIXED,
    PhoneNumberType.MOBILE: NumberClass.MOBILE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE: NumberClass.FIXED_OR_MOBILE,
    PhoneNumberType.TOLL_FREE: NumberClass.TOLL_FREE,
    PhoneNumberType.VOIP: NumberClass.VOIP,
    PhoneNumberType.PREMIUM_RATE: NumberClass.PREMIUM,
    PhoneNumberType.SHARED_COST: NumberClass.SHARED_COST,
    PhoneNumberType.PERSONAL_NUMBER: NumberClass.PERSONAL,
    PhoneNumberType.PAGER: NumberClass.PAGER,
    PhoneNumberType.UAN: NumberClass.COMPANY,
    PhoneNumberType.VOICEMAIL: NumberClass.VOICEMAIL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DialRules:
    """What the operator allows; nothing by default.

    ``countries`` are ISO 3166-1 codes (``001`` for numbers of no country), ``classes`` the kinds
    of line in them, ``home_country`` the one whose national spellings are understood.
    """

    countries: frozenset[str] = frozenset()
    classes: frozenset[NumberClass] = ORDINARY_CLASSES
    home_country: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkDialing:
    """What one trunk adds. With ``prefixes`` (digits of the full number) it dials nothing else.

    A prefix opens its country, and numbers that no numbering plan knows (extensions, test
    numbers), but no class of line that the rules refuse, and not the other countries under a
    shared country code unless it is longer than that code. ``allow_any`` is for a test bench.
    """

    allow_any: bool = False
    prefixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DialRequest:
    """A wish to dial: the number as it was given, and the trunk that would carry it, if any."""

    number: str | int
    trunk: TrunkDialing | None = None


@dataclass(frozen=True, slots=True)
class Allowed:
    """The number may be dialled, in exactly this spelling: E.164 with ``+``, or a user part."""

    number: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The number may not be dialled; ``setting`` names what would allow it, if anything does."""

    code: str
    message: str
    setting: str | None = None


_EMERGENCY_REFUSED: Final = Refused("emergency", "emergency numbers are never dialled")
_NO_NUMBER: Final = Refused("not_a_number", "no numbering plan has this number")


def decide(request: DialRequest, rules: DialRules) -> Allowed | Refused:
    """Decide whether ``request`` may go to the wire, and in which spelling."""
    trunk = request.trunk or TrunkDialing()
    try:
        spelt = read_digits(request.number)
    except NumberMalformed as error:
        return _decide_name(request.number, trunk, str(error))
    if len(spelt.lstrip("+")) > _DIGITS_MAX + 3:  # room for an international prefix
        return Refused("malformed", f"the number has more than {_DIGITS_MAX} digits")
    number = _parse(spelt, rules.home_country)
    if _is_emergency(spelt, number, rules.home_country):
        return _EMERGENCY_REFUSED
    if number is None:
        return _decide_extension(spelt, trunk, rules.home_country)
    return _decide_number(number, trunk, rules)


def number_class(number: PhoneNumber) -> NumberClass:
    """Return the kind of line, stricter than the plans where money is lost."""
    national = phonenumbers.national_significant_number(number)
    if number.country_code in _SATELLITE_CODES:
        return NumberClass.SATELLITE
    if number.country_code == _NANP and (national[3:6] == "976" or national[3:] == "5551212"):
        return NumberClass.PREMIUM  # pay-per-call exchange; directory assistance
    return _CLASS_OF_TYPE.get(phonenumbers.number_type(number), NumberClass.UNKNOWN)


def _decide_number(number: PhoneNumber, trunk: TrunkDialing, rules: DialRules) -> Allowed | Refused:
    text = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    country = phonenumbers.region_code_for_number(number)
    prefix = _prefix_of(text, trunk)
    if trunk.allow_any:
        return Allowed(text)
    if trunk.prefixes and prefix is None:
        return Refused("prefix_refused", "the trunk does not dial numbers that begin so")
    if not phonenumbers.is_valid_number(number):
        return _NO_NUMBER if prefix is None else Allowed(text)
    kind = number_class(number)
    if kind not in rules.classes:
        return Refused("class_refused", f"{kind} numbers may not be dialled")
    opened = prefix is not None and _opens_country(prefix, number.country_code, country)
    if not opened and country not in rules.countries:
        return Refused("country_refused", "this country may not be dialled", COUNTRIES_SETTING)
    return Allowed(text)


def _decide_extension(spelt: str, trunk: TrunkDialing, home: str | None) -> Allowed | Refused:
    """Decide on digits that are no international number: only a trunk may know what they mean."""
    digits = spelt.lstrip("+")
    if len(digits) > _DIGITS_MAX:
        return Refused("malformed", f"the number has more than {_DIGITS_MAX} digits")
    if not trunk.allow_any and _prefix_of(digits, trunk) is None:
        if len(digits) <= _SHORT_DIGITS_MAX:
            return Refused("short_code", "short numbers are never dialled")
        return _NO_NUMBER
    if home is not None and phonenumbers.connects_to_emergency_number(digits, home):
        return _EMERGENCY_REFUSED
    return Allowed(digits)


def _decide_name(value: str | int, trunk: TrunkDialing, problem: str) -> Allowed | Refused:
    named = isinstance(value, str) and is_user_part(value) and any(map(str.isalpha, value))
    if named and trunk.allow_any and not _looks_dialled(str(value)):
        return Allowed(str(value))
    return Refused("malformed", f"the number {problem}")


def _looks_dialled(name: str) -> bool:
    """Tell whether a name begins like a number, as ``911x`` and ``1800FLOWERS`` do."""
    return not name[0].isalpha() or sum(map(str.isdigit, name)) >= 3


def _parse(spelt: str, home: str | None) -> PhoneNumber | None:
    """Return the international number ``spelt`` means, or None if it means none."""
    if not spelt.startswith("+"):
        national = _parse_national(spelt, home)
        if national is not None:
            return national
        if spelt.startswith("0") and not spelt.startswith("00"):
            return None
        spelt = "+" + spelt.removeprefix("00")
    if len(spelt) <= _SHORT_DIGITS_MAX + 1 or spelt[1] == "0":
        return None
    return _parsed(spelt, None)


def _parse_national(digits: str, home: str | None) -> PhoneNumber | None:
    """Read digits as dialled at home: with its prefixes, or ten digits in North America.

    Digits that begin with a country code are not tried as national ones; stored numbers look so.
    """
    if home is None:
        return None
    ten_in_north_america = len(digits) == 10 and phonenumbers.country_code_for_region(home) == _NANP
    if not digits.startswith("0") and not ten_in_north_america:
        return None
    number = _parsed(digits, home)
    return number if number is not None and phonenumbers.is_valid_number(number) else None


def _parsed(text: str, home: str | None) -> PhoneNumber | None:
    """Parse, and accept only what stays itself when its E.164 form is parsed again."""
    try:
        number = phonenumbers.parse(text, home)
        form = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        again = phonenumbers.parse(form, None)
    except phonenumbers.NumberParseException:
        return None
    same = (again.country_code, again.national_number) == (
        number.country_code,
        number.national_number,
    )
    return again if same and len(form) <= _DIGITS_MAX + 1 else None


def _is_emergency(spelt: str, number: PhoneNumber | None, home: str | None) -> bool:
    """Tell whether any reading of the digits ends at an emergency desk.

    A switch may strip a prefix for going abroad, an outside line or a country code before it
    reads the rest, so ``9911``, ``+49112`` and ``0111911``, which no plan knows, count as well.
    """
    digits = spelt.lstrip("+")
    regions = {home} if home else set()
    if number is not None and number.country_code is not None:
        regions.update(phonenumbers.region_codes_for_country_code(number.country_code))
        if _is_known_emergency(phonenumbers.national_significant_number(number), regions):
            return True
    for prefix in _SWITCH_PREFIXES:
        if not digits.startswith(prefix):
            continue
        rest = digits[len(prefix) :]
        if _is_known_emergency(rest, regions) or _is_known_emergency(rest.lstrip("0"), regions):
            return True
        if any(_is_known_emergency(rest[size:], codes) for size, codes in _country_codes(rest)):
            return True
    return False


def _country_codes(digits: str) -> list[tuple[int, set[str]]]:
    """Return the lengths at which ``digits`` begin with a country code, and its countries."""
    found = []
    for size in range(1, min(4, len(digits))):
        regions = phonenumbers.region_codes_for_country_code(int(digits[:size]))
        if regions:
            found.append((size, set(regions)))
    return found


def _is_known_emergency(digits: str, regions: set[str]) -> bool:
    if not digits or len(digits) > _SHORT_DIGITS_MAX:
        return False
    if digits in _EMERGENCY:
        return True
    return any(phonenumbers.is_emergency_number(digits, region) for region in regions)


def _prefix_of(text: str, trunk: TrunkDialing) -> str | None:
    """Return the longest prefix of ``trunk`` that the number begins with."""
    digits = text.lstrip("+")
    found = [prefix.lstrip("+") for prefix in trunk.prefixes]
    found = [prefix for prefix in found if prefix and digits.startswith(prefix)]
    return max(found, key=len, default=None)


def _opens_country(prefix: str, code: int | None, country: str | None) -> bool:
    if code is None or len(prefix) > len(str(code)):
        return code is not None
    return prefix == str(code) and country == phonenumbers.region_code_for_country_code(code)
