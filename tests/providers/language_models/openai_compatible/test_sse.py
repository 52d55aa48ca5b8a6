"""Server-sent events in pieces of any size."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.providers.language_models.openai_compatible.sse import (
    MOST_EVENT_BYTES,
    BadEvents,
    EventReader,
)

_DATA = st.binary(min_size=1, max_size=60).filter(
    lambda data: not {10, 13} & set(data) and not data.startswith(b" ")
)


@given(st.lists(_DATA, max_size=8), st.data())
def test_pieces_do_not_matter(events: list[bytes], drawn: st.DataObject) -> None:
    """However the bytes are cut, the same events come out."""
    whole = b"".join(b"data: " + event + b"\n\n" for event in events)
    reader, found, at = EventReader(), list[bytes](), 0
    while at < len(whole):
        size = drawn.draw(st.integers(1, 20))
        found += reader.push(whole[at : at + size])
        at += size
    assert found == events


def test_the_standards_other_lines() -> None:
    """Comments, names, identifiers, CRLF and lines of data that belong together are understood."""
    stream = b": ping\r\n\r\nevent: x\r\nid: 7\r\nretry: 5\r\ndata:one\r\ndata: two\r\n\r\n\n\n"
    assert EventReader().push(stream) == [b"one\ntwo"]


def test_an_event_without_end_is_bounded() -> None:
    """A server that never ends its event does not fill the memory."""
    reader = EventReader()
    for _ in range(MOST_EVENT_BYTES // 1024):
        reader.push(b"x" * 1024)
    with pytest.raises(BadEvents):
        reader.push(b"x")


def test_data_lines_without_end_are_bounded() -> None:
    """Neither do endless lines of one event."""
    reader = EventReader()
    for _ in range(MOST_EVENT_BYTES // 1024):
        reader.push(b"data: " + b"x" * 1024 + b"\n")
    with pytest.raises(BadEvents):
        reader.push(b"data: x\n")


@given(st.binary(max_size=300))
def test_anything_else_is_one_error(noise: bytes) -> None:
    """Whatever comes, nothing but the documented error escapes."""
    with suppress(BadEvents):
        assert all(isinstance(event, bytes) for event in EventReader().push(noise))
