"""Times of day in words: ``half past nine``, ``ten thirty in the morning``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cordboard.providers.language_models.form.numbers import whole_at

_NAMED = {"noon": (12, 0, "p"), "midday": (12, 0, "p"), "midnight": (12, 0, "a")}
_HALVES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("a", "m"), "a"),
    (("p", "m"), "p"),
    (("am",), "a"),
    (("pm",), "p"),
    (("in", "the", "morning"), "a"),
    (("in", "the", "afternoon"), "p"),
    (("in", "the", "evening"), "p"),
    (("at", "night"), "p"),
    (("this", "morning"), "a"),
    (("this", "afternoon"), "p"),
    (("this", "evening"), "p"),
    (("tonight",), "p"),
)
_AFTER, _BEFORE = ("past", "after"), ("to", "before", "till")
_UNITS = frozenset(
    [
        "minute",
        "minutes",
        "min",
        "mins",
        "m",
        "hour",
        "hours",
        "hr",
        "hrs",
        "h",
        "second",
        "seconds",
        "day",
        "days",
        "week",
        "weeks",
        "percent",
        "people",
        "persons",
        "guests",
        "of",
    ]
)
_EARLIEST_WORKING_HOUR = 7


@dataclass(frozen=True, slots=True)
class TimeFound:
    """A time and its words. ``half`` is "a", "p" or nothing; ``bare`` says an hour stood alone."""

    hour: int
    minute: int
    half: str
    start: int
    end: int
    bare: bool = False

    @property
    def hour_of_day(self) -> int:
        """The hour from 0 to 23; without a half of the day that of a working day, 7 to 18."""
        if self.hour > 12 or self.hour == 0:
            return self.hour
        half = self.half or ("a" if _EARLIEST_WORKING_HOUR <= self.hour < 12 else "p")
        return self.hour % 12 + (12 if half == "p" else 0)


def times(words: Sequence[str]) -> list[TimeFound]:
    """Find all times of day; of two that overlap, the one that begins first."""
    words = list(words)
    found: list[TimeFound] = []
    at = 0
    while at < len(words):
        time = next(_readings(words, at), None)
        if time is not None:
            found.append(time)
        at = time.end if time is not None else at + 1
    return found


def _readings(words: Sequence[str], at: int) -> Iterator[TimeFound]:
    named = _NAMED.get(words[at])
    if named is not None:
        yield TimeFound(*named, at, at + 1)
    relative = _relative(words, at)
    if relative is not None:
        yield relative
    clock = _clock(words, at)
    if clock is not None:
        yield clock


def _relative(words: Sequence[str], at: int) -> TimeFound | None:
    """``half past nine``, ``ten minutes to four``."""
    start = at
    if words[at] == "half":
        minutes, at = 30, at + 1
    elif words[at] == "quarter" or words[at : at + 2] == ["a", "quarter"]:
        minutes, at = 15, at + (1 if words[at] == "quarter" else 2)
    else:
        number = whole_at(words, at)
        if number is None or not 0 < number[0] < 60:
            return None
        minutes, at = number
        at += words[at : at + 1] in (["minutes"], ["minute"])
    if at + 1 >= len(words) or words[at] not in _AFTER + _BEFORE:
        return None
    hour = _hour(words, at + 1)
    if hour is None or (words[hour[1] : hour[1] + 1] and words[hour[1]] in _UNITS):
        return None
    half, end = _half(words, hour[1])
    if words[at] in _AFTER:
        return TimeFound(hour[0], minutes, half, start, end)
    return TimeFound((hour[0] - 2) % 12 + 1, 60 - minutes, half, start, end)


def _clock(words: Sequence[str], at: int) -> TimeFound | None:
    hour = _hour(words, at)
    if hour is None:
        return None
    value, end = hour
    if words[end : end + 1] == ["o'clock"]:
        half, end = _half(words, end + 1)
        return TimeFound(value, 0, half, at, end)
    minute = _minute(words, end)
    if minute is not None:
        half, after = _half(words, minute[1])
        if half or words[after : after + 1] == [] or words[after] not in _UNITS:
            return TimeFound(value, minute[0], half, at, after)
    half, after = _half(words, end)
    if half:
        return TimeFound(value, 0, half, at, after)
    if words[end : end + 1] and words[end] in _UNITS:
        return None
    return TimeFound(value, 0, "", at, end, bare=True)


def _hour(words: Sequence[str], at: int) -> tuple[int, int] | None:
    number = whole_at(words, at)
    return number if number is not None and number[0] <= 23 else None


def _minute(words: Sequence[str], at: int) -> tuple[int, int] | None:
    if words[at : at + 1] in (["oh"], ["zero"]):
        ones = whole_at(words, at + 1)
        return ones if ones is not None and ones[0] < 10 else None
    if words[at : at + 1] == ["hundred"]:
        return 0, at + 1
    number = whole_at(words, at)
    return number if number is not None and 10 <= number[0] < 60 else None


def _half(words: Sequence[str], at: int) -> tuple[str, int]:
    for phrase, half in _HALVES:
        if tuple(words[at : at + len(phrase)]) == phrase:
            return half, at + len(phrase)
    return "", at
