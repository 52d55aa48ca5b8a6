"""A recording as an answer: whole, or the range that was asked for (RFC 9110, section 14)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response, StreamingResponse

from cordboard.control.services import Sound

MEDIA_TYPE: Final = "audio/mpeg"

_PIECE_BYTES: Final = 65_536
# One range; several at once may be answered with the whole, and are.
_RANGE: Final = re.compile(r"bytes=\s*(?:(\d{1,15})-(\d{0,15})|-(\d{1,15}))\s*", re.ASCII)


def wanted_range(headers: Headers, sound: Sound) -> tuple[int, int] | None:
    """Return the first byte that is wanted and the one behind the last, or None for the whole.

    An empty range (the same number twice) lies outside of what there is.
    """
    found = _RANGE.fullmatch(headers.get("range", ""))
    if found is None or headers.get("if-range", _etag(sound)) != _etag(sound):
        return None
    first, last, suffix = found.groups()
    size = sound.size_bytes
    if suffix is not None:
        return max(0, size - int(suffix)), size
    start = min(int(first), size)
    stop = min(int(last) + 1, size) if last else size
    return None if last and int(last) < int(first) else (start, stop)


def played(sound: Sound, call_id: str, headers: Headers) -> Response:
    """Return the answer to a request with these headers."""
    given = {
        "Cache-Control": "no-store",
        "Accept-Ranges": "bytes",
        "ETag": _etag(sound),
        "Content-Disposition": f'attachment; filename="{call_id}.mp3"',
    }
    size, status = sound.size_bytes, 200
    start, stop = wanted_range(headers, sound) or (0, size)
    if start >= stop and size:
        return Response(status_code=416, headers={**given, "Content-Range": f"bytes */{size}"})
    if wanted_range(headers, sound) is not None:
        status = 206
        given["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    given["Content-Length"] = str(stop - start)
    pieces = _pieces(sound, start, stop)
    return StreamingResponse(pieces, status, given, media_type=MEDIA_TYPE)


async def _pieces(sound: Sound, start: int, stop: int) -> AsyncIterator[bytes]:
    while start < stop:
        piece = await asyncio.to_thread(sound.read, start, min(_PIECE_BYTES, stop - start))
        start += len(piece)
        yield piece


def _etag(sound: Sound) -> str:
    return f'"{sound.tag}"'
