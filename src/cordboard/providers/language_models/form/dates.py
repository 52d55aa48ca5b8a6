"""Days in words: ``tomorrow``, ``next friday``, ``the third of march``, ``in two weeks``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from cordboard.providers.language_models.form.numbers import ordinal_at, whole_at

MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_RELATIVE = {"today": 0, "tonight": 0, "tomorrow": 1}


@dataclass(frozen=True, slots=True)
class DateFound:
    """A day and its words."""

    day: date
    start: int
    end: int


def dates(words: Sequence[str], today: date) -> list[DateFound]:
    """Find all days, none before ``today``: a month and day that are over mean next year's."""
    words = list(words)
    found: list[DateFound] = []
    at = 0
    while at < len(words):
        reading = _reading(words, at, today)
        if reading is not None:
            found.append(DateFound(reading[0], at, reading[1]))
        at = reading[1] if reading is not None else at + 1
    return found


def _reading(words: Sequence[str], at: int, today: date) -> tuple[date, int] | None:
    if list(words[at : at + 4]) == ["the", "day", "after", "tomorrow"]:
        return today + timedelta(days=2), at + 4
    if words[at] in _RELATIVE:
        return today + timedelta(days=_RELATIVE[words[at]]), at + 1
    for read in (_weekday, _in_days, _month_and_day, _day_of_month):
        reading = read(words, at, today)
        if reading is not None:
            return reading
    return None


def _weekday(words: Sequence[str], at: int, today: date) -> tuple[date, int] | None:
    following = words[at] == "next"
    if words[at] in ("next", "this"):
        at += 1
    if at >= len(words):
        return None
    if words[at] == "week" and following:
        return today + timedelta(days=7 - today.weekday()), at + 1
    if words[at] not in WEEKDAYS:
        return None
    days = (WEEKDAYS.index(words[at]) - today.weekday()) % 7
    return today + timedelta(days=days or 7), at + 1


def _in_days(words: Sequence[str], at: int, today: date) -> tuple[date, int] | None:
    if words[at] != "in" or at + 1 >= len(words):
        return None
    number = (1, at + 2) if words[at + 1] in ("a", "one") else whole_at(words, at + 1)
    if number is None or number[1] >= len(words):
        return None
    days = {"day": 1, "days": 1, "week": 7, "weeks": 7}.get(words[number[1]])
    return (
        (today + timedelta(days=days * number[0]), number[1] + 1)
        if days and number[0] < 500
        else None
    )


def _month_and_day(words: Sequence[str], at: int, today: date) -> tuple[date, int] | None:
    if words[at] not in MONTHS:
        return None
    month = MONTHS.index(words[at]) + 1
    at += 2 if words[at + 1 : at + 2] == ["the"] else 1
    day = ordinal_at(words, at) or whole_at(words, at)
    return _coming(day[0], month, today, day[1]) if day is not None else None


def _day_of_month(words: Sequence[str], at: int, today: date) -> tuple[date, int] | None:
    at += words[at] == "the"
    day = ordinal_at(words, at)
    if day is None:
        return None
    value, end = day
    if words[end : end + 1] == ["of"]:
        end += 1
    if words[end : end + 1] and words[end] in MONTHS:
        return _coming(value, MONTHS.index(words[end]) + 1, today, end + 1)
    month = today.month if value >= today.day else today.month % 12 + 1
    return _coming(value, month, today, day[1])


def _coming(day: int, month: int, today: date, end: int) -> tuple[date, int] | None:
    for year in (today.year, today.year + 1):
        try:
            coming = date(year, month, day)
        except ValueError:
            continue
        if coming >= today:
            return coming, end
    return None
