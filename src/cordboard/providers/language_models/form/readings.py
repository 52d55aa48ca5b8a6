"""What the caller's words may mean for a field: readings, of which one is taken."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rapidfuzz import fuzz

from cordboard.providers.language_models.form.dates import dates
from cordboard.providers.language_models.form.fields import Choice, Field, FieldKind
from cordboard.providers.language_models.form.intents import polarity, without_polarity
from cordboard.providers.language_models.form.numbers import digit_rows, numbers, ordinal_at
from cordboard.providers.language_models.form.quantities import quantities
from cordboard.providers.language_models.form.times import TimeFound, times
from cordboard.providers.language_models.form.written import (
    day_forms,
    said_day,
    said_time,
    time_forms,
)

_STOP = frozenset(
    [
        "a",
        "an",
        "the",
        "to",
        "and",
        "of",
        "for",
        "at",
        "on",
        "in",
        "or",
        "between",
        "with",
        "my",
        "i",
        "is",
        "it",
    ]
)
_CLOSE = 82
_LITERAL_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_LITERAL_DIGITS = re.compile(r"\d[\d ()/-]*\d")
_SIGNS = {"dot": ".", "point": ".", "underscore": "_", "dash": "-", "hyphen": "-", "plus": "+"}


@dataclass(frozen=True, slots=True)
class Reading:
    """A value read from ``words[start:end]``; ``fits`` tells whether the schema allows it.

    ``said`` is how an agent says the value. ``score`` is 0 to 100.
    """

    value: object
    said: str
    start: int
    end: int
    score: int
    fits: bool = True


@dataclass(frozen=True, slots=True)
class Utterance:
    """What the caller said: as it came, and as spoken words."""

    text: str
    words: tuple[str, ...]
    now: datetime


def readings(field: Field, said: Utterance, asked: bool) -> list[Reading]:
    """Return what the words may mean for a field; ``asked`` allows readings that need a question.

    Free words are not read here: they are what is left over.
    """
    return list(_BY_KIND[field.kind](field, said, asked))


def _choice(field: Field, said: Utterance, asked: bool) -> Iterator[Reading]:
    words = said.words
    amounts = quantities(words)
    for choice in field.choices:
        spoken = " ".join(choice.ways[0])
        if choice.seconds is not None:
            for amount in amounts:
                if amount.seconds == choice.seconds:
                    yield Reading(choice.value, spoken, amount.start, amount.end, 100)
        elif choice.number is not None and asked:
            for number in numbers(words):
                if number.value == choice.number:
                    yield Reading(choice.value, spoken, number.start, number.end, 80)
    yield from _close_choices(field.choices, words)
    if asked:
        yield from _by_place(field.choices, words)
        known = {choice.seconds for choice in field.choices}
        for amount in amounts:
            if amount.seconds not in known:
                what = " ".join(words[amount.start : amount.end])
                yield Reading(None, what, amount.start, amount.end, 50, fits=False)


def _close_choices(choices: Sequence[Choice], words: Sequence[str]) -> Iterator[Reading]:
    """Compare each choice with every stretch of words about as long, small words left out."""
    for choice in choices:
        for way in choice.ways:
            wanted = [word for word in way if word not in _STOP] or list(way)
            best: Reading | None = None
            for start in range(len(words)):
                for end in range(start + 1, min(start + len(way) + 2, len(words)) + 1):
                    heard = [word for word in words[start:end] if word not in _STOP]
                    score = round(fuzz.ratio(" ".join(wanted), " ".join(heard)))
                    if score >= _CLOSE and (best is None or score > best.score):
                        best = Reading(choice.value, " ".join(choice.ways[0]), start, end, score)
            if best is not None:
                yield best
        yield from _distinctive(choice, choices, words)


def _distinctive(
    choice: Choice, choices: Sequence[Choice], words: Sequence[str]
) -> Iterator[Reading]:
    """A word that only one choice has stands for it: "outdoor" for "outdoor seating"."""
    others = {word for each in choices if each is not choice for way in each.ways for word in way}
    for word in choice.ways[0]:
        if len(word) > 2 and word not in _STOP and word not in others and word in words:
            at = words.index(word)
            yield Reading(choice.value, " ".join(choice.ways[0]), at, at + 1, 78)


def _by_place(choices: Sequence[Choice], words: Sequence[str]) -> Iterator[Reading]:
    """``the second one``."""
    for at in range(len(words)):
        place = ordinal_at(words, at)
        if place is not None and place[0] <= len(choices):
            choice = choices[place[0] - 1]
            yield Reading(choice.value, " ".join(choice.ways[0]), at, place[1], 60)


def _yes_no(field: Field, said: Utterance, asked: bool) -> Iterator[Reading]:
    answer = polarity(said.words) if asked else None
    if answer is not None:
        yield Reading(answer, "yes" if answer else "no", 0, 1, 70)
    core = [word for word in field.label.split() if word not in _STOP]
    if len(core) > 1 and all(word in said.words for word in core):
        value = not any(word in said.words for word in ("no", "not", "without", "don't"))
        yield Reading(value, "yes" if value else "no", said.words.index(core[0]), 0, 65)


def _number(field: Field, said: Utterance, asked: bool) -> Iterator[Reading]:
    about = {word.rstrip("s") for word in f"{field.label} {field.hint}".lower().split()} - _STOP
    about |= {"people", "person"} if about & {"guest", "party", "people", "person"} else set()
    for number in numbers(said.words):
        near = {word.rstrip("s") for word in said.words[number.end : number.end + 2]}
        near |= {word.rstrip("s") for word in said.words[max(number.start - 2, 0) : number.start]}
        close = bool(near & about) or bool({"people", "person"} & near & about)
        counted = said.words[max(number.start - 1, 0)] == "for"
        if not asked and not close and not counted:
            continue
        whole = number.value == int(number.value)
        value: object = int(number.value) if whole else number.value
        text = str(value)
        fits = field.accepts(value)
        score = 85 if close else 70 if asked else 50
        yield Reading(value, text, number.start, number.end, score, fits)


def _time(field: Field, said: Utterance, asked: bool) -> Iterator[Reading]:
    for time in times(said.words):
        if time.bare and not asked:
            preposition = said.words[time.start - 1] if time.start else ""
            if preposition not in ("at", "around", "about"):
                continue
        value, hour = _fit_time(field, time)
        text = said_time(hour, time.minute)
        score = 62 if time.bare else 95
        yield Reading(value, text, time.start, time.end, score, value is not None)


def _fit_time(field: Field, time: TimeFound) -> tuple[str | None, int]:
    """Return the time as the field writes it, and the hour of day that was taken."""
    hour = time.hour_of_day
    hours = (hour,) if time.half or time.hour > 12 else (hour, (hour + 12) % 24)
    for each in hours:
        if "pattern" not in field.schema and field.schema.get("format") == "time":
            return f"{each:02d}:{time.minute:02d}:00", each
        if "pattern" not in field.schema:
            return said_time(each, time.minute), each
        for form in time_forms(each, time.minute):
            if field.accepts(form):
                return form, each
    return None, hour


def _date(field: Field, said: Utterance, asked: bool) -> Iterator[Reading]:
    for found in dates(said.words, said.now.date()):
        value = next((form for form in day_forms(found.day) if field.accepts(form)), None)
        yield Reading(value, said_day(found.day), found.start, found.end, 95, value is not None)


def _date_time(field: Field, said: Utterance, asked: bool) -> Iterator[Reading]:
    clock = [time for time in times(said.words) if not time.bare or asked]
    days = dates(said.words, said.now.date())
    if not clock or not (days or asked):
        return
    time = clock[-1]
    moment = said.now.replace(hour=time.hour_of_day, minute=time.minute, second=0, microsecond=0)
    if days:
        day = days[-1].day
        moment = moment.replace(year=day.year, month=day.month, day=day.day)
    elif moment <= said.now:
        moment += timedelta(days=1)
    text = f"{said_day(moment.date())} at {said_time(moment.hour, moment.minute)}"
    value = moment.isoformat()
    start = min([time.start, *(day.start for day in days)])
    end = max([time.end, *(day.end for day in days)])
    yield Reading(value, text, start, end, 97, field.accepts(value))


def _email(field: Field, said: Utterance, asked: bool) -> Iterator[Reading]:
    literal = _LITERAL_EMAIL.search(said.text)
    if literal is not None:
        address = literal.group().rstrip(".").lower()
        yield Reading(address, address, 0, len(said.words), 100, field.accepts(address))
        return
    words = said.words
    if "dot" not in words or "at" not in words:
        return
    at = max(index for index, word in enumerate(words) if word == "at" and "dot" in words[index:])
    start = at
    while start > 0 and (len(words[start - 1]) == 1 or words[start - 1] in _SIGNS or start == at):
        start -= 1
    while start > 1 and words[start - 1] in _SIGNS:
        start -= 2
    end = max(index for index, word in enumerate(words) if word == "dot") + 2
    local = "".join(_SIGNS.get(word, word) for word in words[start:at])
    domain = "".join(_SIGNS.get(word, word) for word in words[at + 1 : end])
    address = f"{local}@{domain}"
    fits = _LITERAL_EMAIL.fullmatch(address) is not None and field.accepts(address)
    yield Reading(address if fits else None, address, start, min(end, len(words)), 100, fits)


def _digits(field: Field, said: Utterance, asked: bool) -> Iterator[Reading]:
    for written in _LITERAL_DIGITS.findall(said.text):
        row = re.sub(r"\D", "", written)
        for form in (row, f"+{row}", written.strip()):
            if (asked or len(row) > 4) and field.accepts(form):
                yield Reading(form, " ".join(row), 0, len(said.words), 90)
                return
    for row, start, end in digit_rows(said.words):
        if not asked and len(row) < 5:
            continue
        fits = field.accepts(row)
        if not fits and field.accepts(f"+{row}"):
            row, fits = f"+{row}", True
        score = 70 if asked else 60
        yield Reading(row, " ".join(row), start, end, score, fits)


def _spelled(field: Field, said: Utterance, asked: bool) -> Iterator[Reading]:
    if not asked:
        return
    words = without_polarity(said.words)
    start = len(said.words) - len(words)
    parts = [_SIGNS.get(word, word) for word in words if word not in ("and", "please")]
    rows = digit_rows(parts)
    for row, first, last in reversed(rows):
        parts[first:last] = [row]
    joined = "".join(parts)
    for form in (joined, joined.upper(), joined.title(), "-".join(parts), " ".join(parts)):
        if form and field.accepts(form):
            yield Reading(form, " ".join(form), start, len(said.words), 66)
            return
    if joined:
        yield Reading(None, " ".join(joined), start, len(said.words), 40, fits=False)


def _words(field: Field, said: Utterance, asked: bool) -> Iterator[Reading]:
    return iter(())


_BY_KIND = {
    FieldKind.CHOICE: _choice,
    FieldKind.YES_NO: _yes_no,
    FieldKind.NUMBER: _number,
    FieldKind.TIME: _time,
    FieldKind.DATE: _date,
    FieldKind.DATE_TIME: _date_time,
    FieldKind.EMAIL: _email,
    FieldKind.DIGITS: _digits,
    FieldKind.SPELLED: _spelled,
    FieldKind.WORDS: _words,
}
