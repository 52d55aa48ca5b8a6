"""Amounts of time, however they are written or said: ``30m``, ``half an hour``, ``1.5 hrs``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cordboard.providers.language_models.form.numbers import numbers
from cordboard.providers.spoken import number_words

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
_LONG = {
    **{name: name for name in _SECONDS},
    **{f"{name}s": name for name in _SECONDS},
    "min": "minute",
    "mins": "minute",
    "hr": "hour",
    "hrs": "hour",
    "sec": "second",
}
_SHORT = {**_LONG, "m": "minute", "h": "hour", "s": "second", "d": "day", "w": "week"}


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount of time and its words."""

    seconds: int
    start: int
    end: int


def quantities(words: Sequence[str], *, written: bool = False) -> list[Quantity]:
    """Find all amounts of time; ``written`` allows units of one letter, as schemas have them."""
    words = list(words)
    units = _SHORT if written else _LONG
    found: list[Quantity] = []
    for number in numbers(words):
        unit = units.get(words[number.end]) if number.end < len(words) else None
        if unit is not None:
            end = _and_a_half(words, number.end + 1)
            extra = _SECONDS[unit] / 2 if end > number.end + 1 else 0
            seconds = round(number.value * _SECONDS[unit] + extra)
            found.append(Quantity(seconds, number.start, end))
    taken = {at for quantity in found for at in range(quantity.start, quantity.end)}
    found += (each for each in _fractions(words, units) if each.start not in taken)
    return _joined(sorted(found, key=lambda each: each.start), words)


def ways_to_say(seconds: int) -> tuple[str, ...]:
    """Return how an amount is said, the plainest first: ``30 minutes``, ``half an hour``."""
    ways: list[str] = []
    for name, size in sorted(_SECONDS.items(), key=lambda item: -item[1]):
        count, rest = divmod(seconds, size)
        if count and not rest:
            plural = "" if count == 1 else "s"
            ways.append(f"{number_words(count)} {name}{plural}")
            if count == 1:
                ways.append(f"{'an' if name == 'hour' else 'a'} {name}")
    if seconds == 1800:
        ways.append("half an hour")
    if seconds == 5400:
        ways += ["an hour and a half", "one and a half hours"]
    if seconds == 900:
        ways.append("a quarter of an hour")
    return tuple(ways)


def _fractions(words: Sequence[str], units: dict[str, str]) -> list[Quantity]:
    """``half an hour``, ``a quarter of an hour``, ``an hour``, ``an hour and a half``."""
    found: list[Quantity] = []
    at = 0
    while at < len(words):
        quantity = _fraction_at(words, at, units)
        if quantity is not None:
            found.append(quantity)
        at = quantity.end if quantity is not None else at + 1
    return found


def _fraction_at(words: Sequence[str], at: int, units: dict[str, str]) -> Quantity | None:
    start = at
    part = 1.0
    if words[at] in ("half", "quarter"):
        part = 0.5 if words[at] == "half" else 0.25
        at += 1
        at += words[at : at + 1] == ["of"]
    article = words[at : at + 1] in (["a"], ["an"])
    at += article
    unit = _LONG.get(words[at]) if at < len(words) else None
    if unit is None or (part == 1.0 and not article) or words[at] not in units:
        return None
    end = _and_a_half(words, at + 1)
    extra = 0.5 if end > at + 1 else 0.0
    return Quantity(round((part + extra) * _SECONDS[unit]), start, end)


def _and_a_half(words: Sequence[str], at: int) -> int:
    return at + 3 if list(words[at : at + 3]) == ["and", "a", "half"] else at


def _joined(found: list[Quantity], words: Sequence[str]) -> list[Quantity]:
    """``one hour and thirty minutes`` is one amount."""
    joined: list[Quantity] = []
    for quantity in found:
        before = joined[-1] if joined else None
        gap = list(words[before.end : quantity.start]) if before is not None else None
        if before is not None and gap in ([], ["and"]) and before.seconds > quantity.seconds:
            seconds = before.seconds + quantity.seconds
            joined[-1] = Quantity(seconds, before.start, quantity.end)
        else:
            joined.append(quantity)
    return joined
