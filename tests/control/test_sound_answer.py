"""Ranges of a recording: what is sent is what was asked for, or the whole."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from cordboard.control.calls.sound_answer import played, wanted_range
from tests.control.server import MemorySound

SOUND = MemorySound(bytes(range(200)) * 1_000)
SIZE = SOUND.size_bytes


async def sent(
    headers: dict[str, str], sound: MemorySound = SOUND
) -> tuple[int, dict[str, str], bytes]:
    """Answer a request; return status, headers and body."""
    answer = played(sound, "c", Headers(headers))
    messages = []

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        messages.append(message)

    async def receive() -> dict[str, str]:
        raise AssertionError("nobody asks for more")

    scope = {"type": "http", "asgi": {"spec_version": "2.4"}}
    await answer(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in messages[1:])
    return answer.status_code, dict(answer.headers), body


async def test_the_whole() -> None:
    """Without a range everything comes, kept by nobody on the way."""
    status, headers, body = await sent({})
    assert (status, body) == (200, SOUND.content)
    assert headers["content-length"] == str(SIZE)
    assert headers["accept-ranges"] == "bytes"
    assert headers["cache-control"] == "no-store"
    assert headers["content-type"] == "audio/mpeg"
    assert headers["content-disposition"] == 'attachment; filename="c.mp3"'


@given(st.integers(0, SIZE - 1), st.integers(0, SIZE + 10))
async def test_a_range(start: int, length: int) -> None:
    """From one byte to another, to the end, and so many at the end."""
    last = start + length
    for text, wanted in (
        (f"bytes={start}-{last}", SOUND.content[start : last + 1]),
        (f"bytes={start}-", SOUND.content[start:]),
        (f"bytes=-{length + 1}", SOUND.content[-(length + 1) :]),
    ):
        status, headers, body = await sent({"range": text})
        first = SIZE - len(wanted) if text[6] == "-" else start
        assert (status, body) == (206, wanted)
        assert headers["content-length"] == str(len(wanted))
        assert headers["content-range"] == f"bytes {first}-{first + len(wanted) - 1}/{SIZE}"


async def test_beyond_the_end() -> None:
    """A range that lies outside is told so, with the length; of nothing there is only the whole."""
    for text in (f"bytes={SIZE}-", f"bytes={SIZE + 5}-{SIZE + 9}", "bytes=-0"):
        status, headers, body = await sent({"range": text})
        assert (status, headers["content-range"], body) == (416, f"bytes */{SIZE}", b"")


@given(st.text(alphabet="bytes=-0123456789, x", max_size=30))
async def test_any_header(text: str) -> None:
    """Whatever a header holds, the answer is a part of the sound, and one that fits its headers."""
    status, headers, body = await sent({"range": text})
    assert status in (200, 206, 416)
    if status == 206:
        first, _, rest = headers["content-range"].removeprefix("bytes ").partition("-")
        assert body == SOUND.content[int(first) : int(rest.partition("/")[0]) + 1]


def test_several_ranges_are_the_whole() -> None:
    """Who asks for more than one, or backwards, gets everything."""
    for text in ("bytes=0-1,3-4", "bytes=5-3", "bits=0-1", "bytes=a-b", "bytes=-", "bytes=٣-٤"):
        assert wanted_range(Headers(raw=[(b"range", text.encode())]), SOUND) is None


async def test_a_range_of_something_else() -> None:
    """With ``If-Range`` a part is sent only of the very file that is meant."""
    _, headers, _ = await sent({})
    same = {"range": "bytes=0-1", "if-range": headers["etag"]}
    assert (await sent(same))[0] == 206
    assert (await sent({**same, "if-range": '"other"'}))[0] == 200
