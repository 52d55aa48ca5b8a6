"""Numbers in words: ``twenty five`` is 25."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cordboard.providers.spoken import number_words, ordinal_words

_SMALL = {number_words(number): number for number in range(20)}
_TENS = {number_words(number): number for number in range(20, 100, 10)}
_SCALES = {"thousand": 1000, "million": 1_000_000}
_NAMED = {"dozen": 12, "couple": 2}
_ORDINALS = {ordinal_words(number): number for number in range(1, 32)}
_DIGITS = {**{word: str(number) for word, number in _SMALL.items() if number < 10}, "oh": "0"}


@dataclass(frozen=True, slots=True)
class Found:
    """A number and the words it was read from, ``words[start:end]``."""

    value: float
    start: int
    end: int


def whole_at(words: Sequence[str], at: int) -> tuple[int, int] | None:
    """Read a whole number that begins at a word; return it and the word after it.

    ``nine thirty`` is read as 9: a number goes on only where English lets it.
    """
    if at < len(words) and words[at] in ("a", "an") and words[at + 1 : at + 2] == ["hundred"]:
        return _hundreds(words, at + 1, 1)
    total = 0
    start = at
    while (below := _below_hundred(words, at)) is not None:
        part, at = _hundreds(words, below[1], below[0])
        scale = _SCALES.get(words[at]) if at < len(words) else None
        if scale is None:
            return total + part, at
        total += part * scale
        at += 1
    return (total, at) if at > start else None


def numbers(words: Sequence[str]) -> list[Found]:
    """Find all numbers, with ``and a half`` and ``point five``; a dozen, a couple."""
    words = list(words)
    found: list[Found] = []
    at = 0
    while at < len(words):
        whole = whole_at(words, at)
        if whole is None and words[at] in _NAMED:
            whole = (_NAMED[words[at]], at + 1)
        if whole is None:
            at += 1
            continue
        value, end = _fraction(words, whole[1])
        found.append(Found(whole[0] + value, at, end))
        at = end
    return found


def ordinal_at(words: Sequence[str], at: int) -> tuple[int, int] | None:
    """Read an ordinal from first to thirty first; return it and the word after it."""
    for length in (2, 1):
        value = _ORDINALS.get(" ".join(words[at : at + length]))
        if value is not None and at + length <= len(words):
            return value, at + length
    return None


def digit_rows(words: Sequence[str]) -> list[tuple[str, int, int]]:
    """Find rows of digits said one by one or in groups: ``double four one five`` is "4415"."""
    rows: list[tuple[str, int, int]] = []
    at = 0
    while at < len(words):
        row, end = _row(words, at)
        if row:
            rows.append((row, at, end))
        at = max(end, at + 1)
    return rows


def _row(words: Sequence[str], at: int) -> tuple[str, int]:
    row = ""
    while at < len(words):
        times = {"double": 2, "triple": 3}.get(words[at], 1)
        digit = words[at + 1] if times > 1 and at + 1 < len(words) else words[at]
        if digit in _DIGITS:
            row += _DIGITS[digit] * times
            at += 2 if times > 1 else 1
            continue
        below = _below_hundred(words, at)
        if below is None:
            break
        row += str(below[0])
        at = below[1]
    return row, at


def _below_hundred(words: Sequence[str], at: int) -> tuple[int, int] | None:
    if at >= len(words):
        return None
    word = words[at]
    if word in _SMALL:
        return _SMALL[word], at + 1
    if word not in _TENS:
        return None
    ones = _SMALL.get(words[at + 1], 0) if at + 1 < len(words) else 0
    return (_TENS[word] + ones, at + 2) if 0 < ones < 10 else (_TENS[word], at + 1)


def _hundreds(words: Sequence[str], at: int, value: int) -> tuple[int, int]:
    if at >= len(words) or words[at] != "hundred":
        return value, at
    value, at = value * 100, at + 1
    rest_at = at + 1 if at < len(words) and words[at] == "and" else at
    rest = _below_hundred(words, rest_at)
    return (value + rest[0], rest[1]) if rest else (value, at)


def _fraction(words: Sequence[str], at: int) -> tuple[float, int]:
    if list(words[at : at + 3]) == ["and", "a", "half"]:
        return 0.5, at + 3
    if words[at : at + 1] == ["point"] and at + 1 < len(words):
        row = ""
        end = at + 1
        while end < len(words) and words[end] in _DIGITS:
            row += _DIGITS[words[end]]
            end += 1
        if row:
            return float(f"0.{row}"), end
    return 0.0, at
