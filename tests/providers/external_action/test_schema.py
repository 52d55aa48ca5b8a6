"""Schemas of tenants: what is refused when given, and what arguments must be."""

from __future__ import annotations

import time
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cordboard.providers.external_action.schema import (
    SchemaInvalid,
    compile_schema,
    validate_arguments,
)
from tests.counts import count

MEETING: dict[str, Any] = {
    "type": "object",
    "properties": {
        "length": {"type": "string", "enum": ["30m", "1hr"]},
        "time": {"type": "string", "pattern": r"^\d{2}:\d0[ap]m$"},
    },
}


def holding(schema: object) -> dict[str, Any]:
    """Return a schema whose property ``a`` has the given one."""
    return {"type": "object", "properties": {"a": schema}}


def nested(depth: int) -> dict[str, Any]:
    """Return a schema of that many objects inside each other."""
    schema: dict[str, Any] = {"type": "object"}
    for _ in range(depth):
        schema = holding(schema)
    return schema


def doubling(levels: int) -> dict[str, Any]:
    """Return a small schema that means an exponential amount of work."""
    names = [f"#/$defs/{level}" for level in range(levels + 1)]
    defs = {
        str(level): {"allOf": [{"$ref": names[level + 1]}, {"$ref": names[level + 1]}]}
        for level in range(levels)
    }
    return {**holding({"$ref": names[0]}), "$defs": {**defs, str(levels): {"type": "string"}}}


@pytest.mark.parametrize(
    ("schema", "loc"),
    [
        ({}, ("type",)),
        ({"type": "string"}, ("type",)),
        ({"type": ["object"]}, ("type",)),
        ({"type": "object", "properties": 3}, ("properties",)),
        (holding({"type": "strin"}), ("properties", "a", "type")),
        (holding({"minimum": "x"}), ("properties", "a", "minimum")),
        (holding({"pattern": "["}), ("properties", "a", "pattern")),
        (holding({"pattern": "(?=a)b"}), ("properties", "a", "pattern")),
        (holding({"pattern": r"(a)\1"}), ("properties", "a", "pattern")),
        (holding({"pattern": "((a{1,1000}){1,1000}){1,1000}"}), ("properties", "a", "pattern")),
        (holding({"$ref": "http://127.0.0.1:9/x"}), ("properties", "a", "$ref")),
        (holding({"$ref": "https://json-schema.org/draft/2020-12/schema"}), None),
        (holding({"$ref": "file:///etc/passwd"}), ("properties", "a", "$ref")),
        (holding({"$ref": "other.json"}), ("properties", "a", "$ref")),
        (holding({"$ref": "#/nope"}), ("properties", "a", "$ref")),
        (holding({"$ref": "#anchor"}), ("properties", "a", "$ref")),
        (holding({"$ref": 3}), ("properties", "a", "$ref")),
        (holding({"$ref": "#"}), None),
        (holding({"$dynamicRef": "#x"}), ("properties", "a", "$dynamicRef")),
        (holding({"$id": "http://x/"}), ("properties", "a", "$id")),
        ({"type": "object", "$schema": "http://canary.test/schema"}, None),
        ({"type": "object", "$defs": {"a": {"$ref": "#/$defs/a"}}}, None),
        (nested(40), ()),
        (doubling(30), None),
        (holding({"enum": ["x" * 70_000]}), ()),
        (holding({"enum": [float("nan")]}), ()),
        (holding({"enum": ["\ud800"]}), None),
        (holding({"allOf": [{"pattern": "a"}] * 51}), ()),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_bad_schema_is_refused_at_its_place(
    schema: dict[str, Any], loc: tuple[str, ...] | None
) -> None:
    """Each bad schema is one error that says where, at once, and nothing is fetched."""
    begun = time.thread_time()
    with pytest.raises(SchemaInvalid) as refusal:
        compile_schema(schema)
    assert time.thread_time() - begun < 0.5
    assert loc is None or refusal.value.loc == loc
    assert refusal.value.message


def test_a_bottomless_schema_is_refused() -> None:
    """Nesting beyond any reason is the same refusal, not a crash."""
    with pytest.raises(SchemaInvalid):
        compile_schema(nested(100_000))


@pytest.mark.parametrize(
    "schema",
    [
        MEETING,
        {"type": "object"},
        {"type": "object", "properties": {"title": {"type": "string", "title": "T"}}},
        {**holding({"$ref": "#/$defs/t"}), "$defs": {"t": {"type": "string"}}},
        {**holding({"$ref": "#/definitions/t~1u"}), "definitions": {"t/u": {"type": "string"}}},
        {"type": "object", "properties": {"$ref": {"type": "string"}, "$id": {}, "pattern": {}}},
        {**holding({"const": {"$ref": "http://x/"}}), "$id": "https://example.com/s"},
        {"$schema": "http://json-schema.org/draft-07/schema#", **holding({"type": "string"})},
        {"$schema": "http://json-schema.org/draft-04/schema#", **holding({"type": "string"})},
        holding({"anyOf": [{"type": "string"}, {"type": "null"}]}),
        MappingProxyType({"type": "object", "properties": MappingProxyType({})}),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_good_schema_passes(schema: dict[str, Any]) -> None:
    """Ordinary schemas compile without a warning, whatever their properties are called."""
    assert compile_schema(schema).warnings == ()


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ({"length": "30m", "time": "09:30am"}, None),
        ({}, None),
        ({"length": "2hr"}, ("length",)),
        ({"time": "10:35am"}, ("time",)),
        ({"time": "٠٩:٣٠am"}, ("time",)),
        ({"time": 930}, ("time",)),
    ],
)
def test_arguments_are_judged(arguments: dict[str, object], path: tuple[str, ...] | None) -> None:
    """What does not fit is told by its path, and what fits is not."""
    problems = validate_arguments(compile_schema(MEETING), arguments)
    assert [problem.path for problem in problems] == ([] if path is None else [path])


def test_a_pattern_without_its_backslashes_is_warned_of_and_not_enforced() -> None:
    """The schema as the page prints it takes the caller's time, and everything else is judged."""
    schema = holding({"type": "string", "pattern": "^d{2}:d0[ap]m$"})
    compiled = compile_schema(schema)
    (warning,) = compiled.warnings
    assert warning.loc == ("properties", "a", "pattern")
    assert r"\\d{2}" in warning.message
    assert validate_arguments(compiled, {"a": "09:30am"}) == []
    assert validate_arguments(compiled, {"a": 9}) != []
    assert schema["properties"]["a"]["pattern"] == "^d{2}:d0[ap]m$"


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("^(a+)+$", "a" * 7_900 + "!"),
        ("(x+x+)+y", "x" * 7_900),
        ("^(.*?,){50}P", "x," * 3_900),
        (r"^(\w+\s?)*$", "word " * 1_500 + "!"),
        (r"([a-zA-Z]+)*\d", "a" * 7_900),
        (r"\w{1,200}\w{1,200}z", "x" * 7_900),
        (r"\w{1,500}\w{1,500}z", "x" * 1_900),
        (r"([a-z]{0,60}x){0,20}z", "x" * 1_900),
    ],
)
def test_evil_patterns_run_in_linear_time(pattern: str, text: str) -> None:
    """Patterns that hang a backtracking engine hold the loop for less than 50 ms."""
    compiled = compile_schema(holding({"pattern": pattern}))
    begun = time.thread_time()
    (problem,) = validate_arguments(compiled, {"a": text})
    assert problem.path == ("a",)
    assert time.thread_time() - begun < 0.05


def _deep(depth: int) -> dict[str, object]:
    value: dict[str, object] = {}
    for _ in range(depth):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    "arguments",
    [
        {"a": "x" * 20_000},
        {"a": list(range(600))},
        {"a": 10**400},
        {"a": float("nan")},
        {"a": {1, 2}},
        _deep(100),
    ],
    ids=["long", "many", "huge", "nan", "set", "deep"],
)
def test_arguments_beyond_reason_are_a_problem(arguments: dict[str, object]) -> None:
    """Too large, too deep or no JSON at all is a problem of the whole, not a crash."""
    (problem,) = validate_arguments(compile_schema({"type": "object"}), arguments)
    assert problem.path == ()


def test_the_worst_admitted_work_is_short() -> None:
    """The largest expansion on the most values stays within what a call can bear."""
    compiled = compile_schema(
        {"type": "object", "additionalProperties": {"allOf": [{"type": "string"}] * 900}}
    )
    for arguments, problems in (
        ({f"k{n}": "x" for n in range(240)}, 1),
        ({f"k{n}": n for n in range(25)}, 1),
        ({f"k{n}": "x" for n in range(25)}, 0),
        ({"k": 1}, 20),
    ):
        begun = time.thread_time()
        assert len(validate_arguments(compiled, arguments)) == problems
        assert time.thread_time() - begun < 0.05


@pytest.mark.parametrize("pattern", [r"^[\p{L} '-]+$", "^.{1,255}$", r"^[^@\s]+@[^@\s]+\.\w{2,}$"])
def test_usual_patterns_are_within_bounds(pattern: str) -> None:
    """Names, texts of limited length and addresses are patterns that tenants do write."""
    compiled = compile_schema(holding({"type": "string", "pattern": pattern}))
    assert (
        validate_arguments(compiled, {"a": "anna@example.com"[: 4 if "L" in pattern else 99]}) == []
    )


_KEYWORDS = (
    *("type", "properties", "items", "$ref", "allOf", "pattern", "enum", "required", "$defs"),
    *("not", "if", "const", "minLength", "additionalProperties", "$id", "a"),
)
_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(_KEYWORDS),
            inner | st.sampled_from(["object", "string", "#", "#/$defs/a", "^d+$", "[", "x"]),
            max_size=4,
        )
    ),
    max_leaves=15,
)


@settings(max_examples=count(200, 5_000), deadline=None)
@given(st.dictionaries(st.sampled_from(["properties", "$defs", "allOf", "a"]), _ANY), _ANY)
def test_nothing_else_escapes(schema: dict[str, Any], value: object) -> None:
    """Any JSON is a schema or a refusal, and any value is judged against it."""
    try:
        compiled = compile_schema({"type": "object", **schema})
    except SchemaInvalid:
        return
    validate_arguments(compiled, {"a": value})
