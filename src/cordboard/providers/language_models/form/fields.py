"""A form's fields, from the JSON Schema of an action's parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from cordboard.providers.language_models.form.numbers import numbers
from cordboard.providers.language_models.form.patterns import (
    Acceptance,
    digit_count,
    fits_days,
    fits_times,
    most_digits,
    restored,
)
from cordboard.providers.language_models.form.quantities import quantities, ways_to_say
from cordboard.providers.spoken import spoken_words

_MOST_FIELDS = 40
_DEEPEST = 3
_HINT_WORDS = 9
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_RANGE = re.compile(r"(?<=\d)\s?[-–]\s?(?=\d)")
_HINT_END = re.compile(r"[.;:,(\n]| in the format| in format| such as | e\.g\.")


class FieldKind(StrEnum):
    """How a field's value is said."""

    CHOICE = "choice"
    YES_NO = "yes_no"
    NUMBER = "number"
    TIME = "time"
    DATE = "date"
    DATE_TIME = "date_time"
    EMAIL = "email"
    DIGITS = "digits"
    SPELLED = "spelled"
    WORDS = "words"


@dataclass(frozen=True, slots=True)
class Choice:
    """One allowed value and how it may be said, the plainest first."""

    value: object
    ways: tuple[tuple[str, ...], ...]
    seconds: int | None = None
    number: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One value that the form wants. ``digits`` is the count of digits a pattern wants."""

    path: tuple[str, ...]
    kind: FieldKind
    label: str
    hint: str = ""
    required: bool = True
    choices: tuple[Choice, ...] = ()
    schema: Mapping[str, object] = field(default_factory=dict)
    digits: int | None = None
    is_array: bool = False

    def accepts(self, value: object) -> bool:
        """Whether a value (of an array, one item) fits the field's schema."""
        return Acceptance(self.schema)(value)

    @property
    def is_whole(self) -> bool:
        """Whether numbers are whole numbers."""
        return _type(self.schema) == "integer"


def fields_of(schema: Mapping[str, object]) -> tuple[Field, ...]:
    """Return the fields in the order of the schema; nested objects are laid flat, to three levels.

    Without ``required`` every property is wanted; a ``const`` is no field.
    """
    return tuple(_fields(schema, schema, (), True, 1))[:_MOST_FIELDS]


def constants_of(schema: Mapping[str, object]) -> dict[tuple[str, ...], object]:
    """Return the values that the schema itself fixes."""
    return {
        (name,): each["const"]
        for name, each in _properties(schema)
        if isinstance(each, Mapping) and "const" in each
    }


def _fields(
    schema: Mapping[str, object],
    root: Mapping[str, object],
    path: tuple[str, ...],
    wanted: bool,
    depth: int,
) -> Iterator[Field]:
    required = schema.get("required")
    for name, raw in _properties(schema):
        each = _resolved(raw, root)
        needed = wanted and (not isinstance(required, Sequence) or name in required)
        if "const" in each:
            continue
        if _type(each) == "object" and _properties(each) and depth < _DEEPEST:
            yield from _fields(each, root, (*path, name), needed, depth + 1)
        else:
            yield _field((*path, name), each, needed)


def _properties(schema: Mapping[str, object]) -> list[tuple[str, object]]:
    properties = schema.get("properties")
    return list(properties.items()) if isinstance(properties, Mapping) else []


def _resolved(raw: object, root: Mapping[str, object]) -> Mapping[str, object]:
    """Follow local references and take the first alternative that is not null."""
    for _ in range(8):
        if not isinstance(raw, Mapping):
            return {}
        reference = raw.get("$ref")
        if isinstance(reference, str) and reference.startswith("#/"):
            target: object = root
            for part in reference[2:].split("/"):
                target = target.get(part) if isinstance(target, Mapping) else None
            raw = target
            continue
        alternatives = raw.get("anyOf") or raw.get("oneOf") or raw.get("allOf")
        if not isinstance(alternatives, Sequence) or isinstance(alternatives, str):
            return raw
        first = next(
            (one for one in alternatives if isinstance(one, Mapping) and _type(one) != "null"), None
        )
        if first is None:
            return raw
        rest = {key: raw[key] for key in raw if key not in ("anyOf", "oneOf", "allOf")}
        raw = {**rest, **first}
    return {}


def _field(path: tuple[str, ...], schema: Mapping[str, object], required: bool) -> Field:
    is_array = _type(schema) == "array"
    items = schema.get("items")
    if is_array:
        schema = {**(items if isinstance(items, Mapping) else {"type": "string"})}
    title = schema.get("title")
    label = title if isinstance(title, str) and title.strip() else path[-1]
    kind, digits, schema = _kind(schema, path[-1], label)
    return Field(
        path=path,
        kind=kind,
        label=plain_name(label),
        hint=_hint(schema.get("description")),
        required=required,
        choices=_choices(schema) if kind is FieldKind.CHOICE else (),
        schema=schema,
        digits=digits,
        is_array=is_array,
    )


def _kind(
    schema: Mapping[str, object], name: str, label: str
) -> tuple[FieldKind, int | None, Mapping[str, object]]:
    """Return how the value is said, and the schema with its pattern repaired."""
    if isinstance(schema.get("enum"), Sequence):
        return FieldKind.CHOICE, None, schema
    kind = _type(schema)
    if kind == "boolean":
        return FieldKind.YES_NO, None, schema
    if kind in ("integer", "number"):
        return FieldKind.NUMBER, None, schema
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and pattern:
        pattern = restored(pattern)
        schema = {**schema, "pattern": pattern}
        return (*_kind_of_pattern(pattern, name), schema)
    return _kind_of_text(schema, name, label), None, schema


def _kind_of_pattern(pattern: str, name: str) -> tuple[FieldKind, int | None]:
    if fits_times(pattern):
        return FieldKind.TIME, None
    if fits_days(pattern):
        return FieldKind.DATE, None
    if Acceptance({"type": "string", "pattern": pattern})("joe.bloggs@example.com"):
        mail = "mail" in name.lower() or "@" in pattern
        return (FieldKind.EMAIL if mail else FieldKind.WORDS), None
    fewest = digit_count(pattern)
    if fewest is not None:
        return FieldKind.DIGITS, fewest if fewest == most_digits(pattern) else None
    if Acceptance({"type": "string", "pattern": pattern})("Anna Smith"):
        return FieldKind.WORDS, None
    return FieldKind.SPELLED, None


def _kind_of_text(schema: Mapping[str, object], name: str, label: str) -> FieldKind:
    by_format = {
        "time": FieldKind.TIME,
        "date": FieldKind.DATE,
        "date-time": FieldKind.DATE_TIME,
        "email": FieldKind.EMAIL,
        "idn-email": FieldKind.EMAIL,
    }.get(str(schema.get("format", "")))
    if by_format is not None:
        return by_format
    words = set(plain_name(name).split()) | set(plain_name(label).split())
    if words & {"email", "mail", "e-mail"}:
        return FieldKind.EMAIL
    if words & {"phone", "telephone", "mobile", "zip", "postcode", "pin"}:
        return FieldKind.DIGITS
    if words & {"date", "day"} and "time" not in words:
        return FieldKind.DATE
    if "time" in words:
        return FieldKind.TIME
    return FieldKind.WORDS


def _choices(schema: Mapping[str, object]) -> tuple[Choice, ...]:
    values = schema.get("enum")
    assert isinstance(values, Sequence)
    return tuple(_choice(value) for value in values if value is not None)


def _choice(value: object) -> Choice:
    text = {True: "yes", False: "no"}.get(value) if isinstance(value, bool) else None
    words = tuple(spoken_words(text or _RANGE.sub(" to ", plain_name(str(value)))))
    amounts = quantities(words, written=True)
    if amounts and amounts[0].start == 0 and amounts[0].end == len(words):
        seconds = amounts[0].seconds
        ways = tuple(tuple(way.split()) for way in ways_to_say(seconds)) or (words,)
        return Choice(value, ways, seconds=seconds)
    found = numbers(words)
    whole = len(found) == 1 and (found[0].start, found[0].end) == (0, len(words))
    return Choice(value, (words,), number=found[0].value if whole else None)


def plain_name(name: str) -> str:
    """Return an identifier as words: ``partySize`` and ``party_size`` are ``party size``."""
    spaced = _CAMEL.sub(" ", name.replace("_", " "))
    spaced = re.sub(r"(?<=[A-Za-z])-(?=[A-Za-z])", " ", spaced)
    return " ".join(spaced.lower().split())


def _hint(description: object) -> str:
    """Return a description's first clause if it is short enough to be said."""
    if not isinstance(description, str):
        return ""
    text = " ".join(description.split())
    if text.endswith("?"):
        return text
    clause = _HINT_END.split(text, maxsplit=1)[0].strip()
    return clause if 0 < len(clause.split()) <= _HINT_WORDS else ""


def _type(schema: Mapping[str, object]) -> str:
    kind = schema.get("type")
    if isinstance(kind, Sequence) and not isinstance(kind, str):
        kind = next((one for one in kind if one != "null"), None)
    return str(kind or "")
