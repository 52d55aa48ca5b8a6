"""A context endpoint's body is taken apart within bounds, whatever it is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cordboard.call.context_answer import (
    VALUE_MAX_LENGTH,
    VALUES_MAX,
    BadContext,
    ContextAnswer,
    parse_context,
)
from tests.counts import count

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
NAMES = st.from_regex(r"[A-Za-z0-9_]{1,64}", fullmatch=True)


def test_texts() -> None:
    """Numbers and truth values become texts; what cannot is left out by name."""
    body = {"name": "Ada", "age": 36, "rate": 0.5, "vip": True, "none": None, "deep": {"a": 1}}
    values, left_out = parse_context(json.dumps({**body, "a b": "x", "list": []}).encode())
    assert values == {"name": "Ada", "age": "36", "rate": "0.5", "vip": "true"}
    assert left_out == ("none", "deep", "a b", "list")
    assert parse_context(b"{}") == ({}, ())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b'{"a": NaN}',
        b'{"a": 1' + b"0" * 5_000 + b"}",
        b"[" * 100_000,
        json.dumps(dict.fromkeys(map(str, range(VALUES_MAX + 1)), 1)).encode(),
    ],
)
def test_refused(body: bytes) -> None:
    """What is no bounded JSON object holds no values."""
    with pytest.raises(BadContext):
        parse_context(body)


@settings(max_examples=count(200, 10_000))
@given(st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_comes(body: bytes) -> None:
    """Nothing but the documented error escapes; what comes out is named and bounded."""
    try:
        values, left_out = parse_context(body)
    except BadContext:
        return
    for name, text in values.items():
        assert name.isascii()
        assert name.replace("_", "a").isalnum()
        assert len(text) <= VALUE_MAX_LENGTH
        assert "\0" not in text
        text.encode()
    assert all(name.isprintable() and len(name) <= 64 for name in left_out)


@given(st.dictionaries(NAMES, st.text(), max_size=4), st.text(), st.integers(0))
def test_round_trip(values: dict[str, str], failure: str, duration_ms: int) -> None:
    """What came of asking reads back equal, and its fact tells names and no values."""
    answer = ContextAnswer(values=values, failure=failure, duration_ms=duration_ms)
    assert ContextAnswer.from_json(json.loads(json.dumps(answer.to_json()))) == answer
    assert answer.fact()["names"] == sorted(values)
