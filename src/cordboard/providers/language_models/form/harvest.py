"""Deciding which readings of a sentence are taken: one for each field, no word used twice."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from cordboard.providers.language_models.form.fields import Field, FieldKind
from cordboard.providers.language_models.form.intents import polarity, without_polarity
from cordboard.providers.language_models.form.readings import Reading, Utterance, readings

_ASKED_BONUS = 12
_LEAD = re.compile(
    r"^(?:(?:um+|uh+|er|well|hi|hello|yes|yeah|sure|okay|ok|so|oh|no|actually|sorry|please)"
    r"[,.!]?\s+|(?:under the name of|under the name|the name of|my name is|the name is|the name's|"
    r"name is|it is|it's|its|this is|that is|that's|i am|i'm|i'd like|i would like|i want|i need|"
    r"let's say|make it|change it to|under|of|for)\s+)",
    re.IGNORECASE,
)
_TAIL = re.compile(r"[\s,]*(?:\b(?:please|thanks|thank you))?[\s.!?,]*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a field and how an agent says it."""

    value: object
    said: str


@dataclass(slots=True)
class Harvest:
    """What a sentence gave: values by path, and a value that was meant but does not fit."""

    values: dict[tuple[str, ...], Value] = field(default_factory=dict)
    refused: Reading | None = None
    refused_field: Field | None = None


def harvest(fields: Sequence[Field], said: Utterance, asked: Sequence[Field]) -> Harvest:
    """Take what the sentence says about any field; ``asked`` are those it is likely about."""
    found: list[tuple[int, Reading, Field]] = []
    for each in fields:
        bonus = _ASKED_BONUS if each in asked else 0
        found += [
            (reading.score + bonus, reading, each)
            for reading in readings(each, said, each in asked)
        ]
    # Of equals the later one: "nine, no, ten thirty".
    found.sort(key=lambda item: (-item[0], -(item[1].end - item[1].start), -item[1].start))
    result = Harvest()
    used: set[int] = set()
    for _, reading, each in found:
        span = set(range(reading.start, reading.end))
        if span & used or (each.path in result.values and not each.is_array):
            continue
        if reading.fits:
            used |= span
            _take(result, each, reading)
        elif each in asked and result.refused is None:
            used |= span
            result.refused, result.refused_field = reading, each
    if result.refused_field is not None and result.refused_field.path in result.values:
        result.refused = result.refused_field = None
    _drop_correcting_no(result, fields)
    for each in fields:
        if each.kind is FieldKind.WORDS and each.path not in result.values:
            _take_words(result, each, said, used, each in asked)
    return result


def _drop_correcting_no(result: Harvest, fields: Sequence[Field]) -> None:
    """In ``no, thursday`` the no corrects the day; it does not answer the question as well."""
    for each in fields:
        value = result.values.get(each.path)
        corrects = value is not None and value.value is False and len(result.values) > 1
        if each.kind is FieldKind.YES_NO and corrects:
            del result.values[each.path]


def _take(result: Harvest, field: Field, reading: Reading) -> None:
    if not field.is_array:
        result.values[field.path] = Value(reading.value, reading.said)
        return
    before = result.values.get(field.path)
    items = list(before.value) if before is not None and isinstance(before.value, list) else []
    if reading.value not in items:
        items.append(reading.value)
        text = f"{before.said} and {reading.said}" if before is not None else reading.said
        result.values[field.path] = Value(items, text)


def _take_words(
    result: Harvest, field: Field, said: Utterance, used: set[int], asked: bool
) -> None:
    """Take what is left over for a field of free words, if it was asked or is named."""
    text = _after_label(field, said.text)
    if text is None:
        if not asked:
            return
        text = _left_over(said, used)
    text = _stripped(text)
    if not text:
        return
    if "name" in field.label.split() and text == text.lower():
        text = text.title()
    value: object = [text] if field.is_array else text
    if field.accepts(text):
        result.values[field.path] = Value(value, text)
    elif asked:
        result.refused = Reading(None, text, 0, 0, 10, fits=False)
        result.refused_field = field


def _after_label(field: Field, text: str) -> str | None:
    """``the name is Bob`` says the field's name itself."""
    match = re.search(rf"\b{re.escape(field.label)}(?:\s+(?:is|to)|'s)\s+(.+)", text, re.IGNORECASE)
    return match[1] if match else None


def _left_over(said: Utterance, used: set[int]) -> str:
    if not used:
        return said.text
    rest = [word for at, word in enumerate(said.words) if at not in used]
    rest = without_polarity(rest)
    return "" if polarity(rest) is not None or len(rest) < 1 else " ".join(rest)


def _stripped(text: str) -> str:
    text = _TAIL.sub("", text.strip())
    while (shorter := _LEAD.sub("", text)) != text:
        text = shorter
    return text.strip(" ,.!?-")
