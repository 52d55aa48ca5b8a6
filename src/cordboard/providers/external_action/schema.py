"""Tenants' JSON Schemas: checked when given, compiled for arguments, harmless to run.

Patterns run in a linear-time engine, references stay inside the document and do not recurse, and
size, depth and the work a validation can cause are capped.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, NoReturn, TypeAlias
from urllib.parse import unquote

import jsonschema_rs

from cordboard.providers.external_action.patterns import lost_backslashes, restored_pattern

Loc: TypeAlias = tuple[str | int, ...]

_SCHEMA_BYTES_MAX: Final = 64 * 1024
_SCHEMA_DEPTH_MAX: Final = 32
_CHAIN_MAX: Final = 64
_EXPANDED_MAX: Final = 1_000
_PATTERNS_MAX: Final = 50
_WORK_MAX: Final = 50_000  # values times subschemas
_PROBLEM_WORK_MAX: Final = 3_000

# A linear engine still takes time in proportion to the pattern's states. These keep the worst
# pattern found below 50 ms on one core: the longer it may be, the less text it sees.
_PATTERN_BYTES: Final = 128 * 1024
_HEAVY_PATTERN_BYTES: Final = 512 * 1024
_PATTERN_CACHE_BYTES: Final = 4 * 1024 * 1024
_CHARS_MAX: Final = 16_000
_CHARS_WITH_PATTERNS_MAX: Final = 8_000
_CHARS_WITH_HEAVY_PATTERNS_MAX: Final = 2_000
_ARGUMENT_DEPTH_MAX: Final = 32
_ARGUMENT_NODES_MAX: Final = 500
_INTEGER_BITS_MAX: Final = 1024  # what a double can still hold
_PROBLEMS_MAX: Final = 20
_MESSAGE_CHARS_MAX: Final = 300

# Keywords that hold schemas, by how they hold them (JSON Schema draft 4 to 2020-12).
_ONE: Final = frozenset(
    [
        "additionalItems",
        "additionalProperties",
        "contains",
        "contentSchema",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    ]
)
_MANY: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems", "items"})
_NAMED: Final = frozenset({"dependencies", "dependentSchemas", "patternProperties", "properties"})
_SHELVES: Final = frozenset({"$defs", "definitions"})
_UNSUPPORTED: Final = ("$dynamicRef", "$recursiveRef")


class SchemaInvalid(ValueError):
    """A schema cannot be used; ``loc`` is the way to the culprit inside the schema."""

    def __init__(self, loc: Loc, message: str) -> None:
        """Keep place and message apart, as an API answer shows them."""
        super().__init__(f"{'.'.join(map(str, loc)) or 'schema'}: {message}")
        self.loc = loc
        self.message = message


@dataclass(frozen=True, slots=True)
class SchemaWarning:
    """What the tenant should look at, although the schema is used."""

    loc: Loc
    message: str


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one value of the arguments; ``path`` is empty for the whole."""

    path: Loc
    message: str


@dataclass(frozen=True, slots=True)
class CompiledSchema:
    """A schema ready to judge arguments; patterns that were warned of are not enforced.

    ``size`` counts its subschemas with references followed; ``chars_max`` is how much text the
    arguments may hold in all.
    """

    validator: jsonschema_rs.Validator
    warnings: tuple[SchemaWarning, ...]
    size: int
    chars_max: int


def compile_schema(schema: Mapping[str, object]) -> CompiledSchema:
    """Check and compile an ``input_schema``.

    Raises:
        SchemaInvalid: the top level is not ``object``, the schema is not valid JSON Schema, is too
            large or too deep, or refers outside itself or in circles.

    """
    plain = _plain_schema(schema)
    if plain.get("type") != "object":
        raise SchemaInvalid(("type",), "the top level must be of type object")
    subschemas = list(_walk(plain, ()))
    if sum("pattern" in part for _, part in subschemas) > _PATTERNS_MAX:
        raise SchemaInvalid((), f"must hold at most {_PATTERNS_MAX} patterns")
    for loc, part in subschemas:
        _check_keywords(loc, part)
    size = _Expansion(plain).check()
    _compile(plain, _HEAVY_PATTERN_BYTES)  # what is wrong is told of the schema as it was given
    warnings = tuple(_relax(plain))
    if not any("pattern" in part or "patternProperties" in part for _, part in subschemas):
        return CompiledSchema(_compile(plain, _PATTERN_BYTES), warnings, size, _CHARS_MAX)
    try:
        validator = _compile(plain, _PATTERN_BYTES)
    except SchemaInvalid:
        validator = _compile(plain, _HEAVY_PATTERN_BYTES)
        return CompiledSchema(validator, warnings, size, _CHARS_WITH_HEAVY_PATTERNS_MAX)
    return CompiledSchema(validator, warnings, size, _CHARS_WITH_PATTERNS_MAX)


def validate_arguments(compiled: CompiledSchema, arguments: Mapping[str, object]) -> list[Problem]:
    """Return what is wrong with ``arguments``; empty when they may be sent."""
    nodes = _count_nodes(arguments, compiled.chars_max)
    if nodes is None or nodes * compiled.size > _WORK_MAX:
        return [Problem((), "the arguments are too large or nested too deeply")]
    try:
        plain = json.loads(json.dumps(arguments, allow_nan=False, default=_as_dict))
        found = _errors(compiled, plain, every=nodes * compiled.size <= _PROBLEM_WORK_MAX)
    except (ValueError, TypeError):
        return [Problem((), "the arguments are no JSON")]
    return [
        Problem(tuple(error.instance_path), error.message[:_MESSAGE_CHARS_MAX]) for error in found
    ]


def _errors(
    compiled: CompiledSchema, plain: Any, *, every: bool
) -> list[jsonschema_rs.ValidationError]:
    """Return what is wrong: all of it, or where that could be much only the first."""
    if compiled.validator.is_valid(plain):
        return []
    if every:
        return list(islice(compiled.validator.iter_errors(plain), _PROBLEMS_MAX))
    try:
        compiled.validator.validate(plain)
    except jsonschema_rs.ValidationError as error:
        return [error]
    return []


def _plain_schema(schema: Mapping[str, object]) -> dict[str, Any]:
    """Return a copy in plain dicts and lists, if it is JSON of bearable size."""
    if not _has_depth_below(schema, _SCHEMA_DEPTH_MAX):
        raise SchemaInvalid((), f"must be nested at most {_SCHEMA_DEPTH_MAX} levels deep")
    try:
        text = json.dumps(schema, allow_nan=False, default=_as_dict)
        text.encode()
    except (TypeError, ValueError):
        raise SchemaInvalid((), "must be a JSON object") from None
    if len(text) > _SCHEMA_BYTES_MAX:
        raise SchemaInvalid((), f"must be at most {_SCHEMA_BYTES_MAX} bytes")
    plain = json.loads(text)
    if not isinstance(plain, dict):
        raise SchemaInvalid((), "must be a JSON object")
    return plain


def _as_dict(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError


def _children(schema: dict[str, Any]) -> Iterator[tuple[Loc, object]]:
    """Yield what a schema holds in places where schemas stand."""
    for keyword, value in schema.items():
        if keyword in _ONE and isinstance(value, dict | bool):
            yield (keyword,), value
        elif keyword in _MANY and isinstance(value, list):
            yield from (((keyword, index), item) for index, item in enumerate(value))
        elif keyword in _NAMED | _SHELVES and isinstance(value, dict):
            yield from (((keyword, name), item) for name, item in value.items())


def _walk(schema: object, loc: Loc) -> Iterator[tuple[Loc, dict[str, Any]]]:
    if isinstance(schema, dict):
        yield loc, schema
        for step, child in _children(schema):
            yield from _walk(child, loc + step)


def _check_keywords(loc: Loc, schema: dict[str, Any]) -> None:
    for keyword in _UNSUPPORTED:
        if keyword in schema:
            raise SchemaInvalid((*loc, keyword), "is not supported; use $ref")
    for keyword in ("$id", "id"):
        # It would give the references below it another root than the one they are checked by.
        if loc and isinstance(schema.get(keyword), str):
            raise SchemaInvalid((*loc, keyword), "is supported at the top level only")


class _Expansion:
    """Measures a schema with its references followed: the work one value can cause."""

    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root
        self._sizes: dict[int, int] = {}

    def check(self) -> int:
        """Refuse what refers outside, in circles, or to too much; return the size of the root."""
        for loc, schema in _walk(self._root, ()):
            self._size(schema, loc, ())
        return self._size(self._root, (), ())

    def _size(self, schema: object, loc: Loc, above: tuple[int, ...]) -> int:
        if not isinstance(schema, dict):
            return 1
        known = self._sizes.get(id(schema))
        if known is not None:
            return known
        if id(schema) in above:
            raise SchemaInvalid(loc, "refers to itself; recursive schemas are not supported")
        if len(above) > _CHAIN_MAX:
            raise SchemaInvalid(loc, "is nested too deeply once its references are followed")
        below = (*above, id(schema))
        size = 1 + sum(
            self._size(child, loc + step, below)
            for step, child in _children(schema)
            if step[0] not in _SHELVES
        )
        if "$ref" in schema:
            place = (*loc, "$ref")
            size += self._size(self._target(schema["$ref"], place), place, below)
        if size > _EXPANDED_MAX:
            raise SchemaInvalid(loc, "is too large once its references are followed")
        self._sizes[id(schema)] = size
        return size

    def _target(self, reference: object, loc: Loc) -> object:
        if not isinstance(reference, str) or not (reference == "#" or reference[:2] == "#/"):
            raise SchemaInvalid(loc, "must refer to a place in this schema, such as #/$defs/name")
        found: object = self._root
        for step in unquote(reference[1:]).split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            if isinstance(found, dict) and name in found:
                found = found[name]
            elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
                found = found[int(name)]
            else:
                raise SchemaInvalid(loc, "refers to a place that does not exist")
        return found


def _relax(schema: dict[str, Any]) -> list[SchemaWarning]:
    """Take out the patterns that lost their backslashes, and return the warnings of them."""
    warnings = []
    for loc, part in _walk(schema, ()):
        pattern = part.get("pattern")
        if isinstance(pattern, str) and lost_backslashes(pattern):
            del part["pattern"]
            meant = restored_pattern(pattern)
            message = (
                f"the pattern {pattern!r} seems to have lost its backslashes and is not enforced; "
                f"if {meant!r} is meant, write each backslash twice in JSON"
            )
            warnings.append(SchemaWarning((*loc, "pattern"), message))
    return warnings


def _compile(schema: dict[str, Any], pattern_bytes: int) -> jsonschema_rs.Validator:
    try:
        return jsonschema_rs.validator_for(
            copy.deepcopy(schema),
            retriever=_refuse,
            # The other engine backtracks: an evil pattern would hold the whole process.
            pattern_options=jsonschema_rs.RegexOptions(
                size_limit=pattern_bytes, dfa_size_limit=_PATTERN_CACHE_BYTES
            ),
            validate_formats=False,
        )
    except jsonschema_rs.ValidationError as error:
        message = error.message[:_MESSAGE_CHARS_MAX].partition("\n")[0]
        if '"regex"' in message:
            message = (
                "must be a regular expression without lookaround and backreferences, "
                "and of bearable size"
            )
        raise SchemaInvalid(tuple(error.instance_path), message) from None
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise SchemaInvalid((), str(error)[:_MESSAGE_CHARS_MAX]) from None


def _refuse(uri: str, /) -> NoReturn:
    raise ValueError(f"remote references are not followed: {uri[:100]}")


def _count_nodes(arguments: Mapping[str, object], chars_max: int) -> int | None:
    """Return how many values the arguments hold, or None if they are beyond reason."""
    count = 0
    chars = 0
    queue: list[tuple[object, int]] = [(arguments, 0)]
    while queue:
        value, depth = queue.pop()
        count += 1
        chars += len(value) if isinstance(value, str) else 0
        if count > _ARGUMENT_NODES_MAX or depth > _ARGUMENT_DEPTH_MAX or chars > chars_max:
            return None
        if isinstance(value, int) and value.bit_length() > _INTEGER_BITS_MAX:
            return None
        queue.extend((item, depth + 1) for item in _items(value))
    return count


def _has_depth_below(value: object, limit: int) -> bool:
    queue: list[tuple[object, int]] = [(value, 0)]
    while queue:
        part, depth = queue.pop()
        if depth > limit:
            return False
        queue.extend((item, depth + 1) for item in _items(part))
    return True


def _items(value: object) -> list[object]:
    if isinstance(value, Mapping):
        return [*value.keys(), *value.values()]
    return list(value) if isinstance(value, list | tuple) else []
