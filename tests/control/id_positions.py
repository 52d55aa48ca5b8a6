"""Every place of the API that takes an id, read off its own description."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final, cast

from cordboard.control.app import create_app
from cordboard.control.openapi.document import document
from cordboard.control.services import ControlServices

PAGE: Final = ("page", "size", "sort_column", "sort_desc", "after", "state")

# What a request needs besides, so that it gets as far as looking an id up.
BODIES: Final[dict[str, dict[str, Any]]] = {
    "/v1/agents/create": {"prompt": {"content": "x"}},
    "/v1/numbers/link": {"phone_number": "300", "telephony_account_connection": "TRUNK"},
    "/v1/calls/create": {"from_number": "100", "to_number": "2025550199"},
    "/v1/numbers/update": {},
    "/x/v1/flows/create": {"name": "x", "url": "https://example.com"},
}
INLINE_AGENTS: Final = ("agent", "inbound_agent")


@dataclass(frozen=True)
class Position:
    """A place for an id: a parameter, or where ``pointer`` leads to in the body."""

    method: str
    path: str
    parameter: str
    pointer: tuple[str | int, ...] = ()

    def request(self, value: str, mine: str) -> tuple[str, str, dict[str, str], Any]:
        """Return method, path, query and body with ``value`` at this place."""
        query: dict[str, str] = {}
        path = self.path
        if "{" in path:
            path = path.replace(f"{{{self.parameter}}}", value)
        elif self.parameter:
            query[self.parameter] = "100" if self.parameter == "phone_number" else mine
        body = None
        if self.method == "POST":
            body = deepcopy(BODIES.get(self.path, {}))
        if self.pointer:
            put(body, self.pointer, value)
        elif query:
            query[self.parameter] = value
        return self.method, path, query, body


def put(body: Any, pointer: tuple[str | int, ...], value: str) -> None:
    """Write ``value`` where ``pointer`` leads to, making what is on the way."""
    first, *rest = pointer
    if not rest:
        body[first] = value
        return
    if rest[0] == 0:
        body[first] = [value]
        return
    known = body.get(first)
    inner: dict[str, Any] = known if isinstance(known, dict) else {}
    if first in INLINE_AGENTS and rest[0] != "prompt":
        inner = {"prompt": {"content": "x"}}
    body[first] = inner
    put(inner, tuple(rest), value)


def positions() -> list[Position]:
    """Return every parameter and every place in a body that an id can have."""
    found: list[Position] = []
    paths = create_app(cast("ControlServices", None)).openapi()["paths"]
    for path, methods in paths.items():
        for method, operation in methods.items():
            found += [Position(method.upper(), path, name) for name in _parameters(operation)]
    described = document()
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {})
            schema = content.get("application/json", {}).get("schema", {})
            names = _parameters(operation) or [""]
            pointers = sorted(set(_pointers(described, schema, (), frozenset())), key=str)
            found += [Position(method.upper(), path, names[0], each) for each in pointers]
    return found


def _parameters(operation: dict[str, Any]) -> list[str]:
    given = operation.get("parameters", [])
    return [
        str(each["name"]) for each in given if each["in"] != "header" and each["name"] not in PAGE
    ]


def _pointers(
    described: dict[str, Any],
    schema: dict[str, Any],
    place: tuple[str | int, ...],
    seen: frozenset[str],
) -> Iterator[tuple[str | int, ...]]:
    """Yield where ``schema`` has an id; a schema within itself is looked at once."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        if name not in seen:
            inner = described["components"]["schemas"][name]
            yield from _pointers(described, inner, place, seen | {name})
        return
    if schema.get("format") == "uuid":
        yield place
    for way in ("anyOf", "oneOf", "allOf"):
        for each in schema.get(way, ()):
            yield from _pointers(described, each, place, seen)
    for key, each in schema.get("properties", {}).items():
        yield from _pointers(described, each, (*place, key), seen)
    if "items" in schema:
        yield from _pointers(described, schema["items"], (*place, 0), seen)
