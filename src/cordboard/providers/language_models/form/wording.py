"""What the agent says: questions, what was understood, refusals, and what may be answered."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

from cordboard.call.expectation import Expectation, ExpectationKind
from cordboard.providers.language_models.form.conversation import Form, State
from cordboard.providers.language_models.form.fields import Field, FieldKind
from cordboard.providers.language_models.form.harvest import Value
from cordboard.providers.language_models.form.readings import Reading
from cordboard.providers.language_models.form.written import (
    day_forms,
    said_day,
    said_time,
    time_forms,
)

_MOST_NAMED = 6
_PARTING = ("goodbye", "that's all")
_KINDS = {
    FieldKind.CHOICE: ExpectationKind.CHOICE,
    FieldKind.YES_NO: ExpectationKind.YES_NO,
    FieldKind.NUMBER: ExpectationKind.NUMBER,
    FieldKind.TIME: ExpectationKind.TIME,
    FieldKind.DATE: ExpectationKind.DATE,
    FieldKind.DATE_TIME: ExpectationKind.TIME,
    FieldKind.EMAIL: ExpectationKind.EMAIL,
    FieldKind.DIGITS: ExpectationKind.DIGITS,
    FieldKind.SPELLED: ExpectationKind.SPELLED,
    FieldKind.WORDS: ExpectationKind.ANYTHING,
}
_BY_EXAMPLE = frozenset({FieldKind.CHOICE, FieldKind.NUMBER, FieldKind.DATE_TIME})
_HOW_MANY = re.compile(r"\bhow many (\w+)", re.IGNORECASE)
_YOURS = frozenset(
    ["name", "email", "mail", "phone", "telephone", "mobile", "address", "number", "surname"]
)


def question(field: Field) -> str:
    """Return the question that asks for a field."""
    options = f" {_either(_said_choices(field))}?" if field.choices else ""
    hint = field.hint
    if hint.endswith("?"):
        return hint + options
    if field.kind is FieldKind.YES_NO:
        about = hint.removeprefix("Whether ").removeprefix("whether ") or field.label
        return f"{about[:1].upper()}{about[1:]}: yes or no?"
    if hint.lower().startswith(("the ", "your ")):
        return f"What is {hint[:1].lower()}{hint[1:]}?{options}"
    if _YOURS & set(field.label.split()):
        return f"What is your {field.label}?"
    if field.kind in (FieldKind.CHOICE, FieldKind.TIME, FieldKind.DATE, FieldKind.DATE_TIME):
        return f"What {field.label} would you like?{options}"
    return f"What is the {field.label}?{options}"


def refusal(field: Field, reading: Reading) -> str:
    """Say that a value does not fit, and what would."""
    if field.choices:
        return f"Sorry, {reading.said} is not possible. {_either(_said_choices(field))}?"
    if field.kind is FieldKind.NUMBER:
        return f"Sorry, {reading.said} does not fit. {_range(field)}".rstrip()
    example = _example_time(field) if field.kind is FieldKind.TIME else ""
    hint = f" For example {example}." if example else ""
    if field.kind is FieldKind.DIGITS and field.digits is not None:
        hint = f" I need {field.digits} digits."
    return f"Sorry, {reading.said} does not fit.{hint} {question(field)}"


def summary(form: Form, values: Mapping[tuple[str, ...], Value]) -> str:
    """Read back what was understood: ``So 30 minutes at 9:30 am. Is that right?``."""
    parts: list[str] = []
    for field in form.fields:
        value = values.get(field.path)
        if value is not None:
            parts.append(_part(field, value.said))
    return f"So {_listed(parts)}. Is that right?" if parts else f"{_asked(form)}?"


def which(forms: Sequence[Form]) -> str:
    """Ask which of several actions is wanted."""
    labels = [form.label for form in forms]
    return f"I can help with {', '.join(labels[:-1])} or {labels[-1]}. Which would you like?"


def answer_to(field: Field) -> Expectation:
    """Return what kind of answer the question for a field wants."""
    return Expectation(
        _KINDS[field.kind],
        choices=tuple(_examples_of(field)) if field.kind in _BY_EXAMPLE else (),
        also=_PARTING,
        format=_format(field),
    )


def _format(field: Field) -> str | None:
    if field.kind is FieldKind.TIME:
        return "hh:mm"
    if field.kind is FieldKind.WORDS and "name" in field.label.split():
        return "name"
    if field.kind is FieldKind.NUMBER:
        low, high = field.schema.get("minimum"), field.schema.get("maximum")
        return f"{low}-{high}" if isinstance(low, int) and isinstance(high, int) else None
    return None if field.digits is None else str(field.digits)


def answer_to_summary(form: Form) -> Expectation:
    """Yes or no, or a value that is to be another; the format is the range of its only number."""
    numbers = [field for field in form.fields if field.kind is FieldKind.NUMBER]
    return Expectation(
        ExpectationKind.YES_NO,
        choices=tuple(_examples(form)),
        also=_PARTING,
        format=_format(numbers[0]) if len(numbers) == 1 else None,
    )


def opening(forms: Sequence[Form]) -> Expectation:
    """Return what a caller may begin with: what the actions are called, and values for them."""
    phrases: list[str] = []
    for form in forms:
        phrases += [*_ways_to_ask(form.label), *_examples(form)]
    return Expectation(
        ExpectationKind.ANYTHING, tuple(dict.fromkeys(phrases)), ("yes please", *_PARTING)
    )


def _ways_to_ask(label: str) -> Iterator[str]:
    """``book table`` is also asked for as ``book a table``."""
    yield label
    first, _, rest = label.partition(" ")
    if rest:
        yield from (f"{first} {article} {rest}" for article in ("a", "an", "the", "my"))
        yield f"a {rest}"


def which_answer(forms: Sequence[Form]) -> Expectation:
    """Return the actions' names as choices."""
    names = tuple(form.label for form in forms)
    return Expectation(ExpectationKind.CHOICE, names, _PARTING)


def more_answer(forms: Sequence[Form]) -> Expectation:
    """Yes, no, or the beginning of something else."""
    return Expectation(ExpectationKind.YES_NO, opening(forms).choices, _PARTING)


def _examples(form: Form) -> Iterator[str]:
    for field in form.fields:
        yield from _examples_of(field)


def _examples_of(field: Field) -> Iterator[str]:
    """Yield what may be said for a field: every choice, else an example of its kind."""
    for choice in field.choices:
        yield from (" ".join(way) for way in choice.ways)
    if field.kind in (FieldKind.TIME, FieldKind.DATE_TIME):
        yield _example_time(field) or "9:30 am"
    if field.kind in (FieldKind.DATE, FieldKind.DATE_TIME):
        yield "next Friday"
    if field.kind is FieldKind.NUMBER:
        yield from _example_numbers(field)
    if field.kind is FieldKind.DIGITS:
        yield " ".join("1234567890"[: max(field.digits or 5, 3)])


def _example_numbers(field: Field) -> Iterator[str]:
    """A number that fits, alone and with what is counted."""
    number = next((number for number in (4, 8, 20, 1, 100) if field.accepts(number)), 4)
    yield str(number)
    counted = _HOW_MANY.search(field.hint)
    if counted is not None:
        yield f"{number} {counted[1]}"


def _part(field: Field, said: str) -> str:
    if field.kind is FieldKind.TIME:
        return f"at {said}"
    if field.kind in (FieldKind.DATE, FieldKind.DATE_TIME):
        return f"on {said}"
    if field.choices and any(choice.seconds is not None for choice in field.choices):
        return said
    if field.kind is FieldKind.DIGITS:
        return f"{field.label} {' '.join(said.replace(' ', ''))}"
    return f"{field.label} {said}"


def _listed(parts: Sequence[str]) -> str:
    """Join parts; times and days hang on what is before them without a comma."""
    text = parts[0]
    for part in parts[1:]:
        text += f" {part}" if part.startswith(("at ", "on ")) else f", {part}"
    return text


def _said_choices(field: Field) -> list[str]:
    return [" ".join(choice.ways[0]) for choice in field.choices[:_MOST_NAMED]]


def _either(options: Sequence[str]) -> str:
    text = f"{', '.join(options[:-1])} or {options[-1]}" if len(options) > 1 else "".join(options)
    return text[:1].upper() + text[1:] if text and text[0].islower() and len(options) > 1 else text


def _range(field: Field) -> str:
    low = field.schema.get("minimum")
    high = field.schema.get("maximum")
    if low is not None and high is not None:
        return f"Please say a number from {low} to {high}."
    if low is not None:
        return f"Please say at least {low}."
    if high is not None:
        return f"Please say at most {high}."
    return "Please say a whole number." if field.is_whole else ""


def _example_time(field: Field) -> str:
    for hour, minute in ((10, 30), (9, 0), (14, 0), (10, 15), (18, 30), (21, 0)):
        if any(field.accepts(form) for form in time_forms(hour, minute)):
            return said_time(hour, minute)
    return ""


def example_day(field: Field, today: date) -> str:
    """Return a day that fits, within the next weeks, or nothing."""
    for ahead in range(1, 30):
        day = today + timedelta(days=ahead)
        if any(field.accepts(form) for form in day_forms(day)):
            return said_day(day)
    return ""


def _asked(form: Form) -> str:
    return f"Shall I do this: {form.label}"


def stands(state: State) -> str:
    """Return what a refused value makes the agent say, or nothing."""
    heard = state.heard
    if heard.refused is None or heard.refused_field is None:
        return ""
    return refusal(heard.refused_field, heard.refused)
