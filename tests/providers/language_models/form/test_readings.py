"""Times, days, amounts and what they fit."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.providers.language_models.form.dates import dates
from cordboard.providers.language_models.form.fields import FieldKind, fields_of, plain_name
from cordboard.providers.language_models.form.intents import polarity, says_goodbye
from cordboard.providers.language_models.form.numbers import digit_rows
from cordboard.providers.language_models.form.patterns import fits_times, restored
from cordboard.providers.language_models.form.quantities import quantities, ways_to_say
from cordboard.providers.language_models.form.times import times
from cordboard.providers.spoken import spoken_words, time_words

FRIDAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("text", "hour", "minute"),
    [
        ("nine thirty", 9, 30),
        ("half past nine", 9, 30),
        ("ten a m", 10, 0),
        ("ten thirty in the morning", 10, 30),
        ("quarter to three", 14, 45),
        ("ten minutes to four in the morning", 3, 50),
        ("six o'clock", 18, 0),
        ("noon", 12, 0),
        ("midnight", 0, 0),
        ("fourteen thirty", 14, 30),
        ("nine oh five p m", 21, 5),
        ("9:30 pm", 21, 30),
        ("twelve thirty", 12, 30),
    ],
)
def test_times(text: str, hour: int, minute: int) -> None:
    """Ways of saying a time; without am or pm a working day from 7 to 18 is meant."""
    [found] = times(spoken_words(text))
    assert (found.hour_of_day, found.minute) == (hour, minute)


@given(st.integers(1, 12), st.integers(0, 59), st.sampled_from("ap"))
def test_times_read_back(hour: int, minute: int, half: str) -> None:
    """Every time in words is read as itself."""
    [found] = times(time_words(hour, minute, half).split())
    assert (found.hour, found.minute, found.half) == (hour, minute, half)


@pytest.mark.parametrize("text", ["thirty minutes", "four people", "an hour", "one hour"])
def test_amounts_are_no_times(text: str) -> None:
    """A number with a unit is not a time of day."""
    assert not times(spoken_words(text))


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("today", date(2026, 11, 20)),
        ("tomorrow", date(2026, 11, 21)),
        ("the day after tomorrow", date(2026, 11, 22)),
        ("next friday", date(2026, 11, 27)),
        ("on monday", date(2026, 11, 23)),
        ("march the third", date(2027, 3, 3)),
        ("the twenty first of november", date(2026, 11, 21)),
        ("the third", date(2026, 12, 3)),
        ("in two weeks", date(2026, 12, 4)),
        ("december 24th", date(2026, 12, 24)),
    ],
)
def test_days(text: str, day: date) -> None:
    """Ways of saying a day, never one that is over."""
    assert [found.day for found in dates(spoken_words(text), FRIDAY)] == [day]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("thirty minutes", 1800),
        ("half an hour", 1800),
        ("an hour", 3600),
        ("an hour and a half", 5400),
        ("one hour and thirty minutes", 5400),
        ("two days", 172_800),
        ("a quarter of an hour", 900),
    ],
)
def test_amounts(text: str, seconds: int) -> None:
    """Ways of saying an amount of time."""
    assert [found.seconds for found in quantities(spoken_words(text))] == [seconds]


@given(st.sampled_from([60, 900, 1800, 2700, 3600, 5400, 7200, 86_400, 604_800]))
def test_amounts_read_back(seconds: int) -> None:
    """Every way that is offered is understood."""
    ways = ways_to_say(seconds)
    assert ways
    for way in ways:
        assert [found.seconds for found in quantities(way.split())] == [seconds]


def test_digits_in_any_grouping() -> None:
    """Digits come one by one, doubled, or in pairs."""
    rows = digit_rows(["four", "double", "one", "fifty", "two", "oh"])
    assert rows == [("411520", 0, 6)]


def test_lost_backslashes_are_restored_only_where_nothing_fits() -> None:
    """The documented pattern is repaired; a pattern that means the letter d is left alone."""
    assert restored("^d{2}:d0[ap]m$") == r"^\d{2}:\d0[ap]m$"
    assert fits_times(restored("^d{2}:d0[ap]m$"))
    assert restored(r"^\d{2}$") == r"^\d{2}$"
    assert restored("^[ab]{2}$") == "^[ab]{2}$"


def test_names_become_words() -> None:
    """Identifiers are said as words."""
    assert plain_name("partySize") == plain_name("party_size") == "party size"


def test_fields_follow_required_references_and_nesting() -> None:
    """Optional fields are not asked for; references are followed; objects are laid flat."""
    fields = fields_of(
        {
            "type": "object",
            "properties": {
                "who": {
                    "type": "object",
                    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
                    "required": ["name"],
                },
                "when": {"$ref": "#/$defs/clock"},
                "kind": {"const": "x"},
                "title": {"type": ["string", "null"]},
            },
            "required": ["who", "when"],
            "$defs": {"clock": {"type": "string", "pattern": r"^\d\d:\d\d$"}},
        }
    )
    assert [(field.path, field.required, field.kind) for field in fields] == [
        (("who", "name"), True, FieldKind.WORDS),
        (("who", "age"), False, FieldKind.NUMBER),
        (("when",), True, FieldKind.TIME),
        (("title",), False, FieldKind.WORDS),
    ]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("yes", True),
        ("um yeah sure", True),
        ("no", False),
        ("well that's not right", False),
        ("no thank you", False),
        ("nine thirty", None),
        ("", None),
    ],
)
def test_polarity(text: str, answer: bool | None) -> None:
    """Yes, no, or neither."""
    assert polarity(spoken_words(text)) is answer


def test_goodbye() -> None:
    """Taking leave is told from giving thanks."""
    assert says_goodbye(spoken_words("Okay, that's all, bye!"))
    assert not says_goodbye(spoken_words("thank you"))


@given(st.dictionaries(st.text(max_size=5), st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["type", "enum", "pattern", "properties", "required", "items", "anyOf"]),
        inner, max_size=3,
    ),
    max_leaves=12,
)))  # fmt: skip
def test_any_schema_gives_fields(properties: dict[str, object]) -> None:
    """Whatever a schema holds, reading its fields raises nothing."""
    for field in fields_of({"type": "object", "properties": properties}):
        field.accepts("x")
