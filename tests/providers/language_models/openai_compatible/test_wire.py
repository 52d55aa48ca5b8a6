"""Chunks of completions, and tool calls in fragments."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.providers.language_models.openai_compatible.wire import (
    MOST_ARGUMENTS_CHARACTERS,
    MOST_CALLS,
    BadChunk,
    CallCollector,
    CallDelta,
    SpokenText,
    failure_of,
    read_chunk,
)
from cordboard.providers.language_models.openai_compatible.wire import (
    FunctionDelta as Function,
)


def test_a_chunk_of_the_vendor() -> None:
    """The vendor's own example is read, fields that nobody needs are passed over."""
    chunk = read_chunk(
        b'{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","system_fingerprint":'
        b'"f","choices":[{"index":0,"delta":{"content":"Hello"},"logprobs":null,'
        b'"finish_reason":null}]}'
    )
    assert chunk.choices is not None
    assert chunk.choices[0].delta is not None
    assert chunk.choices[0].delta.content == "Hello"


@pytest.mark.parametrize("event", [b'{"choices":null}', b'{"choices":[]}', b'{"usage":{}}'])
def test_chunks_without_choices(event: bytes) -> None:
    """Servers end with counts alone: no choice, no error."""
    assert not read_chunk(event).choices


@pytest.mark.parametrize(
    "event", [b"", b"[]", b'{"choices":7}', b'{"choices":[{"delta":{"content":7}}]}', b"[" * 5000]
)
def test_bad_chunks(event: bytes) -> None:
    """Anything else is the one documented error, without the server's words."""
    with pytest.raises(BadChunk, match=r"^chunk: "):
        read_chunk(event)


@given(st.binary(max_size=200))
def test_noise(event: bytes) -> None:
    """Nothing but the documented error escapes."""
    with suppress(BadChunk):
        assert read_chunk(event) is not None


@given(st.dictionaries(st.text(max_size=5), st.integers()), st.integers(1, 9))
def test_arguments_in_fragments(arguments: dict[str, int], size: int) -> None:
    """A call's arguments come together from fragments of any size."""
    text = json.dumps(arguments)
    calls = CallCollector()
    calls.push([CallDelta(0, "a", Function("book", ""))])
    for at in range(0, len(text), size):
        calls.push([CallDelta(0, None, Function(None, text[at : at + size]))])
    [(name, together)] = calls.take()
    assert (name, json.loads(together)) == ("book", arguments)
    assert not calls.take()


def test_calls_that_share_an_index() -> None:
    """Servers that number every call 0 tell them apart by their ids."""
    calls = CallCollector()
    calls.push([CallDelta(0, "a", Function("one", "{}")), CallDelta(0, "b", Function("two", ""))])
    assert calls.take() == [("one", "{}"), ("two", "{}")]


def test_arguments_as_an_object() -> None:
    """Servers that send an object instead of its text are understood."""
    calls = CallCollector()
    calls.push([CallDelta(None, None, Function("one", {"a": 1}))])
    assert calls.take() == [("one", '{"a":1}')]


@pytest.mark.parametrize("arguments", ["{", "[]", '"a"', "nothing", "[" * 5000])
def test_malformed_arguments(arguments: str) -> None:
    """Arguments that are no JSON object are an error that names the field and no content."""
    calls = CallCollector()
    calls.push([CallDelta(0, "a", Function("one", arguments))])
    with pytest.raises(BadChunk, match=r"^arguments: not"):
        calls.take()


def test_a_call_without_a_name() -> None:
    """A call nobody can look up is an error."""
    calls = CallCollector()
    calls.push([CallDelta(0, "a", Function(None, "{}"))])
    with pytest.raises(BadChunk, match="without a name"):
        calls.take()


def test_calls_are_bounded() -> None:
    """Neither endless arguments nor endless calls are collected."""
    calls = CallCollector()
    many = [CallDelta(at, str(at), Function("x", "{}")) for at in range(MOST_CALLS + 1)]
    calls.push(many[:-1])
    with pytest.raises(BadChunk, match="too many"):
        calls.push(many[-1:])
    calls = CallCollector()
    with pytest.raises(BadChunk, match="longer"):
        calls.push([CallDelta(0, "a", Function("x", "1" * MOST_ARGUMENTS_CHARACTERS))])


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (401, b"", ("bad_credentials", False)),
        (403, b"", ("bad_credentials", False)),
        (400, b"{}", ("rejected", False)),
        (404, b"{}", ("rejected", False)),
        (402, b"{}", ("over_quota", False)),
        (429, b"no json", ("over_quota", True)),
        (429, b'{"error":{"code":"rate_limit_exceeded"}}', ("over_quota", True)),
        (429, b'{"error":{"code":"insufficient_quota"}}', ("over_quota", False)),
        (429, b'{"error":"words"}', ("over_quota", True)),
        (500, b"", ("unavailable", True)),
        (503, b"", ("unavailable", True)),
    ],
)
def test_failures(status: int, body: bytes, expected: tuple[str, bool]) -> None:
    """A status is a class of failure, and tells whether trying again may help."""
    assert failure_of(status, body) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hello.", "Hello."),
        ("<think>They greet.</think>\n\nHello.", "Hello."),
        ("\n<think></think>Hello.", "Hello."),
        ("<think>never ends", ""),
        ("<thin", "<thin"),
        ("<thing> it is", "<thing> it is"),
        ("Say <think>so</think>", "Say <think>so</think>"),
        ("", ""),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 100])
def test_thoughts_are_not_said(text: str, said: str, size: int) -> None:
    """What a model thinks first is left out, however it is cut; anything else is said."""
    spoken = SpokenText()
    parts = [spoken.push(text[at : at + size]) for at in range(0, len(text), size)]
    assert "".join([*parts, spoken.finish(), spoken.finish()]).strip() == said


@given(st.lists(st.text("<>/think a", max_size=9), max_size=8))
def test_only_thoughts_are_left_out(pieces: list[str]) -> None:
    """Text that does not begin with a thought is said to the letter."""
    spoken, whole = SpokenText(), "".join(pieces)
    said = "".join([*(spoken.push(piece) for piece in pieces), spoken.finish()])
    assert said == whole or whole.lstrip().startswith("<think>")
    assert whole.endswith(said)
