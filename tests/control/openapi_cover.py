"""Whether one OpenAPI document covers another: all of theirs is in ours, at least as wide.

Of what a client sends no more may be required than they require; of what it is answered, no less.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
_SCALARS = ("string", "integer", "number", "boolean", "null")


class Cover:
    """Compares shapes of two documents; ``gaps`` yields what of theirs is missing in ours.

    ``answers`` tells that the shapes are of what is answered, not of what is sent.
    """

    def __init__(self, theirs: Json, ours: Json, *, answers: bool = False) -> None:
        self._theirs = theirs
        self._ours = ours
        self._answers = answers
        self._seen: set[tuple[str, str]] = set()

    def gaps(self, theirs: Json, ours: Json, place: str) -> Iterator[str]:
        """Yield each place in which ours does not cover theirs."""
        key = (str(theirs), str(ours))
        if key in self._seen:
            return
        self._seen.add(key)
        mine = list(self._variants(ours, self._ours))
        for wanted in self._variants(theirs, self._theirs):
            found = [list(self._gaps_of_one(wanted, each, place)) for each in mine]
            best = min(found, key=len, default=[f"{place}: nothing"])
            yield from best

    def _gaps_of_one(self, theirs: Json, ours: Json, place: str) -> Iterator[str]:
        kind = _kind(theirs)
        if kind is None or (_kind(ours) is None and not ours):
            return
        if _kind(ours) != kind and (kind, _kind(ours)) != ("integer", "number"):
            yield from [f"{place}: {kind} is {_kind(ours)}"] * 50
            return
        if "enum" in theirs:
            allowed = ours.get("enum") or ([ours["const"]] if "const" in ours else None)
            lacking = [] if allowed is None else [v for v in theirs["enum"] if v not in allowed]
            wrong = 50 if place.endswith(".type") else 1
            yield from [f"{place}: lacks {lacking}"] * (wrong if lacking else 0)
        if kind == "array":
            yield from self.gaps(theirs.get("items", {}), ours.get("items", {}), f"{place}[]")
        if kind == "object":
            yield from self._properties(theirs, ours, place)

    def _properties(self, theirs: Json, ours: Json, place: str) -> Iterator[str]:
        known = ours.get("properties", {})
        for name, shape in theirs.get("properties", {}).items():
            if name in known:
                yield from self.gaps(shape, known[name], f"{place}.{name}")
            elif known or ours.get("additionalProperties") is False:
                yield f"{place}.{name}: is missing"
        yield from self._required(theirs, ours, place)
        more = theirs.get("additionalProperties")
        if isinstance(more, dict) and ours.get("additionalProperties") is False:
            yield f"{place}: holds no other names"

    def _required(self, theirs: Json, ours: Json, place: str) -> Iterator[str]:
        wanted, mine = set(theirs.get("required", ())), set(ours.get("required", ()))
        if self._answers:
            yield from (f"{place}.{name}: may be missing" for name in sorted(wanted - mine))
        elif "properties" in ours:
            yield from (f"{place}.{name}: is required" for name in sorted(mine - wanted))

    def _variants(self, shape: Json, document: Json) -> Iterator[Json]:
        if "$ref" in shape:
            name = shape["$ref"].rpartition("/")[2]
            yield from self._variants(document["components"]["schemas"][name], document)
            return
        for word in ("anyOf", "oneOf", "allOf"):
            if word in shape:
                for each in shape[word]:
                    yield from self._variants(each, document)
                return
        yield shape


def _kind(shape: Json) -> str | None:
    kind = shape.get("type")
    if kind is None and "properties" in shape:
        return "object"
    if kind is None and "const" in shape:
        return "string" if isinstance(shape["const"], str) else None
    return kind if isinstance(kind, str) else None
