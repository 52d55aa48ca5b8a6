"""How English says what is written: numbers, times and signs as words."""

from __future__ import annotations

from re import Match
from re import compile as compile_pattern

_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["_", "_", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_SCALES = ((1_000_000_000, "billion"), (1_000_000, "million"), (1000, "thousand"), (100, "hundred"))
_SIGNS = {
    "@": " at ",
    "&": " and ",
    "%": " percent ",
    "+": " plus ",
    "$": " dollars ",
    "€": " euros ",
    "£": " pounds ",
}
_TIME = compile_pattern(r"\b(\d{1,2})[:.](\d\d)\s*([ap])?\.?\s?(?:m\b\.?)?")
_HOUR = compile_pattern(r"\b(\d{1,2})\s*([ap])\.?m\b\.?")
_ORDINAL = compile_pattern(r"\b(\d{1,2})(?:st|nd|rd|th)\b")
_DIGITS_THEN_LETTERS = compile_pattern(r"(\d)([a-z])")
_LETTERS_THEN_DIGITS = compile_pattern(r"([a-z])(\d)")
_DECIMAL = compile_pattern(r"\b(\d+)[.,](\d{1,2})\b")
_NUMBER = compile_pattern(r"\d+")
_NO_WORD = compile_pattern(r"[^a-zäöüßàâçéèêëîïôûñáíóú' ]+")


def number_words(number: int) -> str:
    """Return a whole number from 0 up in words: ``"one hundred five"``; no "and", no hyphen."""
    for size, name in _SCALES:
        if number >= size:
            head, rest = divmod(number, size)
            tail = f" {number_words(rest)}" if rest else ""
            return f"{number_words(head)} {name}{tail}"
    if number < 20:
        return _SMALL[number]
    tens, ones = divmod(number, 10)
    return f"{_TENS[tens]} {_SMALL[ones]}" if ones else _TENS[tens]


def ordinal_words(number: int) -> str:
    """Return the ordinal of a whole number: ``"twenty first"``."""
    *head, last = number_words(number).split()
    if last not in _ORDINALS:
        last = f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th"
    return " ".join([*head, _ORDINALS.get(last, last)])


def digit_words(digits: str) -> str:
    """Return each digit as a word."""
    return " ".join(_SMALL[int(digit)] for digit in digits if digit.isdecimal())


def time_words(hour: int, minute: int, half: str = "") -> str:
    """Return a time as it is said: ``"nine thirty a m"``; ``half`` is "a", "p" or nothing."""
    if minute == 0:
        minutes = "" if half else " o'clock"
    elif minute < 10:
        minutes = f" oh {number_words(minute)}"
    else:
        minutes = f" {number_words(minute)}"
    return f"{number_words(hour)}{minutes}{f' {half} m' if half else ''}"


def spoken_words(text: str) -> list[str]:
    """Return the words in which ``text`` would be said, in small letters.

    Times, ordinals and numbers are spelled out, a few signs are named, everything else that is no
    letter separates words. ``"9:30 am"`` is nine, thirty, a, m; ``"30m"`` is thirty, m.
    """
    line = text.lower().replace("’", "'")
    for sign, name in _SIGNS.items():
        line = line.replace(sign, name)
    line = _TIME.sub(_time, line)
    line = _HOUR.sub(lambda match: f" {_number(match[1])} {match[2]} m ", line)
    line = _ORDINAL.sub(lambda match: f" {ordinal_words(int(match[1]))} ", line)
    line = _DIGITS_THEN_LETTERS.sub(r"\1 \2", line)
    line = _LETTERS_THEN_DIGITS.sub(r"\1 \2", line)
    line = _DECIMAL.sub(r"\1 point \2", line)
    line = _NUMBER.sub(lambda match: f" {_number(match[0])} ", line)
    words = _NO_WORD.sub(" ", line).split()
    return [word for word in (word.strip("'") for word in words) if word]


def _time(match: Match[str]) -> str:
    return f" {time_words(int(match[1]), int(match[2]), match[3] or '')} "


def _number(digits: str) -> str:
    """A long row of digits, or one that begins with 0, is said digit by digit."""
    if len(digits) > 6 or (len(digits) > 1 and digits[0] == "0"):
        return digit_words(digits)
    return number_words(int(digits))
