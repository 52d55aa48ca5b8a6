"""What a request brings: its body as JSON, its page, the version of its client."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from typing import Annotated, Any, Final, NoReturn

from fastapi import Depends, Query, Request
from starlette.requests import ClientDisconnect

from cordboard.control.auth import Reader, Writer
from cordboard.control.errors import Invalid, TooLarge, TooSlow
from cordboard.control.fields import Json, mapping
from cordboard.control.totals import EXACT_UP_TO

SIZE_MAX: Final = 100
BODY_TIMEOUT_S: Final = 30
DEPTH_MAX: Final = 60
VALUES_MAX: Final = 20_000
THREAD_BYTES: Final = 16_384

# What no database keeps and no client can be sent: NUL, and halves of surrogate pairs.
_UNFIT: Final = re.compile("[\x00\ud800-\udfff]")


async def body(request: Request, caller: Reader) -> Json:
    """Return the body; a missing, empty or ``null`` one is an empty object."""
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            raw = await _raw_body(request, caller.services.body_max_bytes)
    except (TimeoutError, ClientDisconnect):
        raise TooSlow("The body did not arrive in time") from None
    if not raw.strip():
        request.state.no_body = True
        return {}
    # Beside the API run calls: what takes long must not keep their sound waiting.
    value = parsed(raw) if len(raw) < THREAD_BYTES else await asyncio.to_thread(parsed, raw)
    if value is None:
        request.state.no_body = True
        return {}
    return mapping(value, ("body",))


async def _raw_body(request: Request, max_bytes: int) -> bytes:
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > max_bytes:
            raise TooLarge(f"The body is longer than {max_bytes} bytes")
    return bytes(raw)


def parsed(raw: bytes) -> object:
    """Read JSON strictly.

    Raises:
        Invalid: it is not JSON, or holds what cannot be kept.

    """
    if raw.count(b",") > VALUES_MAX:
        raise Invalid.at(("body",), f"holds more than {VALUES_MAX} values")
    try:
        value: object = json.loads(raw, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise Invalid.at(("body",), "The body is not valid JSON", "json_invalid") from None
    _check(value, ("body",))
    return value


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


def _check(value: object, place: tuple[str | int, ...]) -> None:
    if len(place) > DEPTH_MAX:
        raise Invalid.at(place[:3], f"is nested deeper than {DEPTH_MAX} levels")
    if isinstance(value, str):
        if _UNFIT.search(value):
            raise Invalid.at(place, "holds NUL or half a surrogate pair", "string_unicode")
    elif isinstance(value, dict):
        for key, item in value.items():
            if _UNFIT.search(key):
                raise Invalid.at(place, "has a key with NUL or half a surrogate pair")
            _check(item, (*place, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check(item, (*place, index))
    elif isinstance(value, int | float) and not -(2**63) <= value <= 2**63:
        raise Invalid.at(place, "is a number too large to keep")


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Which page of a list is wanted; ``sort_column`` None means newest first."""

    page: int
    size: int
    sort_column: str | None
    sort_desc: bool

    def envelope(self, items: list[Json], total: int) -> Json:
        """Return the page as all clients expect it."""
        return {
            "items": items,
            "page": self.page,
            "size": self.size,
            "has_more": self.page * self.size < total,
            "total": total,
            "total_is_estimated": total > EXACT_UP_TO,
        }


def page_query(
    page: Annotated[int, Query(ge=1, le=1_000_000_000)] = 1,
    size: Annotated[int, Query(ge=1)] = 10,
    sort_column: str | None = None,
    sort_desc: bool = False,
) -> PageQuery:
    """Read the list parameters; a size beyond the largest is cut to it."""
    return PageQuery(page, min(size, SIZE_MAX), sort_column or None, sort_desc)


Body = Annotated[dict[str, Any], Depends(body)]
Page = Annotated[PageQuery, Depends(page_query)]

__all__ = ["Body", "Page", "PageQuery", "Reader", "Writer", "body", "parsed"]
