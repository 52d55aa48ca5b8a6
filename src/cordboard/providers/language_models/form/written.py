"""The ways in which times and days are written, to find the one that a pattern wants."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

_DAY_FORMS = (
    "%Y-%m-%d",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%Y/%m/%d",
    "%m-%d-%Y",
    "%d-%m-%Y",
    "%Y%m%d",
    "%m/%d/%y",
    "%d.%m.%y",
    "%m/%d",
    "%d.%m.",
    "%A",
    "%a",
    "%B %d",
    "%d %B %Y",
    "%B %d, %Y",
)


def time_forms(hour_of_day: int, minute: int) -> Iterator[str]:
    """Yield a time of day as schemas write it, the likeliest first."""
    hour = (hour_of_day - 1) % 12 + 1
    half = "a" if hour_of_day < 12 else "p"
    for hours in (f"{hour:02d}", f"{hour}"):
        for gap in ("", " "):
            yield f"{hours}:{minute:02d}{gap}{half}m"
            yield f"{hours}:{minute:02d}{gap}{half.upper()}M"
            yield f"{hours}:{minute:02d}{gap}{half}.m."
            if minute == 0:
                yield f"{hours}{gap}{half}m"
                yield f"{hours}{gap}{half.upper()}M"
    yield f"{hour_of_day:02d}:{minute:02d}"
    yield f"{hour_of_day}:{minute:02d}"
    yield f"{hour_of_day:02d}:{minute:02d}:00"
    yield f"{hour_of_day:02d}:{minute:02d}Z"
    yield f"{hour_of_day:02d}:{minute:02d}:00Z"
    yield f"{hour_of_day:02d}{minute:02d}"
    yield f"{hour_of_day:02d}.{minute:02d}"
    yield f"{hour_of_day:02d}h{minute:02d}"
    if minute == 0:
        yield f"{hour_of_day:02d}"
        yield f"{hour_of_day}"


def day_forms(day: date) -> Iterator[str]:
    """Yield a day as schemas write it, the likeliest first; weekdays in capitals and small."""
    for form in _DAY_FORMS:
        written = day.strftime(form)
        yield written
        if form in ("%A", "%a"):
            yield written.lower()
            yield written.upper()


def said_time(hour_of_day: int, minute: int) -> str:
    """Return a time as an agent says it: ``9:30 am``."""
    hour = (hour_of_day - 1) % 12 + 1
    half = "am" if hour_of_day < 12 else "pm"
    return f"{hour}:{minute:02d} {half}" if minute else f"{hour} {half}"


def said_day(day: date) -> str:
    """Return a day as an agent says it: ``Friday, November 27``."""
    return f"{day.strftime('%A, %B')} {day.day}"
