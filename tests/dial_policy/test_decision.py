"""The decision by table, and against a generator of disguised spellings."""

from __future__ import annotations

import random

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.dial_policy import Allowed, DialRequest, DialRules, Refused, TrunkDialing, decide
from tests.counts import count

US = DialRules(countries=frozenset({"US"}), home_country="US")
DE = DialRules(countries=frozenset({"DE"}), home_country="DE")
ANY = TrunkDialing(allow_any=True)


def code(number: str | int, rules: DialRules = US, trunk: TrunkDialing | None = None) -> str:
    """Return the number that would be dialled, or the code of the refusal."""
    decision = decide(DialRequest(number=number, trunk=trunk), rules)
    return decision.number if isinstance(decision, Allowed) else decision.code


@pytest.mark.parametrize(
    ("number", "rules", "expected"),
    [
        ("+12025550123", US, "+12025550123"),
        ("12025550123", US, "+12025550123"),
        ("2025550123", US, "+12025550123"),
        (2025550123, US, "+12025550123"),
        ("(202) 555-0123", US, "+12025550123"),
        ("tel:+1-202-555-0123", US, "+12025550123"),
        ("+１２０２５５５０１２３", US, "+12025550123"),
        ("8005551234", US, "+18005551234"),
        ("+49 (0) 30 123456", DE, "+4930123456"),
        ("030 123456", DE, "+4930123456"),
        ("0049 30 123456", DE, "+4930123456"),
        ("4930123456", DE, "+4930123456"),
        ("01149301234567", DE, "not_a_number"),
        ("01149301234567", US, "country_refused"),
        ("+18765551234", US, "country_refused"),
        ("+12423456789", US, "country_refused"),
        ("+14165550123", US, "country_refused"),
        ("18765551234", US, "country_refused"),
        ("+4930123456", US, "country_refused"),
        ("+19005551234", US, "class_refused"),
        ("+12129761234", US, "class_refused"),
        ("+12025551212", US, "class_refused"),
        ("+15005550006", US, "class_refused"),
        ("+491805123456", DE, "class_refused"),
        ("+447011234567", DE, "class_refused"),
        ("+881612345678", US, "class_refused"),
        ("+882161234567", US, "class_refused"),
        ("+883510012345", US, "class_refused"),
        ("+979123456789", US, "class_refused"),
        ("+49900123456", DE, "not_a_number"),
        ("+11234567890", US, "not_a_number"),
        ("+0012025550123", US, "not_a_number"),
        ("911", US, "emergency"),
        ("9911", US, "emergency"),
        ("+1911", US, "emergency"),
        ("112", DE, "emergency"),
        ("110", DE, "emergency"),
        ("0110", DE, "emergency"),
        ("+49110", US, "emergency"),
        ("00 112", DE, "emergency"),
        ("９１１", US, "emergency"),
        ("411", US, "short_code"),
        ("11833", DE, "short_code"),
        ("12345678901234567", US, "malformed"),
        ("1234567890123456789", US, "malformed"),
        ("1-900-FLOWERS", US, "malformed"),
        ("+12025550123;ext=7", US, "malformed"),
        ("+12025550123,,9", US, "malformed"),
        ("+12025550123w9", US, "malformed"),
        ("sip:+12025550123@evil.example;user=phone", US, "malformed"),
        ("+1202%35550123", US, "malformed"),
        ("*312025550123", US, "malformed"),
        ("", US, "malformed"),
    ],
)
def test_the_table(number: str | int, rules: DialRules, expected: str) -> None:
    """Each spelling is dialled in its one canonical form, or refused for its one reason."""
    assert code(number, rules) == expected


def test_nothing_is_dialled_by_default() -> None:
    """Without rules every number is refused, and the refusal names the setting."""
    decision = decide(DialRequest(number="+12025550123"), DialRules())
    assert isinstance(decision, Refused)
    assert decision.setting == "CORDBOARD_DIAL_COUNTRIES"


@pytest.mark.parametrize(
    ("number", "trunk", "expected"),
    [
        ("11234567890", ANY, "+11234567890"),
        ("100", ANY, "100"),
        ("reception", ANY, "reception"),
        ("911", ANY, "emergency"),
        ("9112", ANY, "emergency"),
        ("9911", ANY, "emergency"),
        ("+49112", ANY, "emergency"),
        ("911x", ANY, "malformed"),
        ("1800FLOWERS", ANY, "malformed"),
        ("a@b", ANY, "malformed"),
        ("a;ext=5", ANY, "malformed"),
        ("100", TrunkDialing(prefixes=("10",)), "100"),
        ("200", TrunkDialing(prefixes=("10",)), "short_code"),
        ("reception", TrunkDialing(prefixes=("10",)), "malformed"),
        ("11234567890", TrunkDialing(prefixes=("1",)), "+11234567890"),
        ("+12025550123", TrunkDialing(prefixes=("+1",)), "+12025550123"),
        ("+18765551234", TrunkDialing(prefixes=("1",)), "country_refused"),
        ("+18765551234", TrunkDialing(prefixes=("1876",)), "+18765551234"),
        ("+19005551234", TrunkDialing(prefixes=("1",)), "class_refused"),
        ("+4930123456", TrunkDialing(prefixes=("49",)), "+4930123456"),
        ("+12025550123", TrunkDialing(prefixes=("49",)), "prefix_refused"),
        ("+12025550123", TrunkDialing(prefixes=("",)), "prefix_refused"),
    ],
)
def test_a_trunk_opens_what_it_names(number: str, trunk: TrunkDialing, expected: str) -> None:
    """A trunk's prefixes open countries and extensions, never emergencies or dear classes."""
    rules = DialRules(home_country="US")
    assert code(number, rules, trunk) == expected


_PLUS = ("+", "", "00", "011", "+00", "0", "tel:+", "tel:", "sip:+", "＋", "\u200e+", " ", "++")
_TAILS = ("", "", "", "", ";ext=1", "w1", ",,1", "#", "@x.test", "x5", "\n", "\x00", ";user=phone")
_BODIES = [
    "12025550123",
    "2025550123",
    "18765551234",
    "8765551234",
    "19005551234",
    "9005551234",
    "12129761234",
    "16475550123",
    "4930123456",
    "030123456",
    "491805123456",
    "49900123456",
    "4915112345678",
    "447011234567",
    "442079460123",
    "881612345678",
    "882161234567",
    "883510012345",
    "979123456789",
    "870773111111",
    "5352345678",
    "911",
    "112",
    "110",
    "999",
    "1911",
    "49112",
    "411",
    "11833",
    "67712345",
    "2522012345",
    "37112345678",
    "11234567890",
    "88299",
]
_DIGIT_SETS = ("0123456789", "０１２３４５６７８９", "٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗")
_BETWEEN = ("", "", "", " ", "-", ".", "(", ")", "/", "\u00a0", "\u200b", "\u2011", "−", "w", "p")


def _spelling(chance: random.Random) -> str:
    body = chance.choice(_BODIES)
    if chance.random() < 0.3:
        body = "".join(chance.choice("0123456789") for _ in range(chance.randint(1, 16)))
    digits = chance.choice(_DIGIT_SETS if chance.random() < 0.3 else _DIGIT_SETS[:1])
    rare = chance.random() < 0.4
    between = _BETWEEN if rare else ("",)
    spelt = "".join(digits[int(char)] + chance.choice(between) for char in body)
    return chance.choice(_PLUS) + spelt + chance.choice(_TAILS)


@pytest.mark.parametrize("rules", [US, DE, DialRules(home_country="US")])
def test_no_disguise_gets_past(rules: DialRules) -> None:
    """Whatever the spelling, what is dialled is a valid number of an open country and class."""
    chance = random.Random(9)
    for _ in range(count(1_500, 10_000)):
        spelling = _spelling(chance)
        decision = decide(DialRequest(number=spelling), rules)
        if isinstance(decision, Refused):
            assert decision.code
            assert decision.message
            continue
        number = phonenumbers.parse(decision.number, None)
        assert phonenumbers.is_valid_number(number), spelling
        assert phonenumbers.region_code_for_number(number) in rules.countries, spelling
        assert phonenumbers.number_type(number) not in (
            phonenumbers.PhoneNumberType.PREMIUM_RATE,
            phonenumbers.PhoneNumberType.SHARED_COST,
            phonenumbers.PhoneNumberType.PERSONAL_NUMBER,
        ), spelling
        assert decide(DialRequest(number=decision.number), rules) == decision


def test_every_spelling_of_an_allowed_number_is_dialled() -> None:
    """The controls: an allowed number passes in each spelling that is understood."""
    chance = random.Random(5)
    for _ in range(count(300, 3_000)):
        digits = chance.choice(_DIGIT_SETS)
        between = chance.choice(("", " ", "-", ".", "\u00a0", "\u200b"))
        spelt = between.join(digits[int(char)] for char in "12025550123")
        assert code(chance.choice(("+", "", "tel:+", "＋")) + spelt) == "+12025550123"


def test_emergencies_stay_refused_on_the_openest_trunk() -> None:
    """No disguise of an emergency number passes, even where anything may be dialled."""
    chance = random.Random(3)
    for _ in range(count(500, 5_000)):
        body = chance.choice(("911", "112", "110", "999", "000", "1911", "49112", "00112"))
        digits = chance.choice(_DIGIT_SETS)
        between = chance.choice(_BETWEEN)
        spelt = chance.choice(_PLUS) + between.join(digits[int(char)] for char in body)
        assert code(spelt, US, ANY) in ("emergency", "malformed"), spelt


@given(
    st.text(max_size=30) | st.text("0123456789+ -", max_size=20) | st.integers(),
    st.sampled_from([None, ANY, TrunkDialing(prefixes=("1", "+49"))]),
    st.sampled_from([US, DE, DialRules(), DialRules(countries=frozenset({"001"}))]),
)
def test_every_request_is_decided(
    number: str | int, trunk: TrunkDialing | None, rules: DialRules
) -> None:
    """No text raises, and what is allowed is allowed again in the spelling it got."""
    decision = decide(DialRequest(number=number, trunk=trunk), rules)
    if isinstance(decision, Allowed):
        assert decide(DialRequest(number=decision.number, trunk=trunk), rules) == decision
