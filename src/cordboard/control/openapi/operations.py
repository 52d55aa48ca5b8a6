"""One operation of the document: what it takes, what it answers, and what it refuses with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from cordboard.control.openapi.shapes import NOTHING, TEXT, UUID, Shape, either, ref


class Parameter(NamedTuple):
    """A parameter of an operation; one in the path is always required."""

    name: str
    schema: Shape
    required: bool = False
    place: Literal["query", "path", "header"] = "query"


ID: Final = [Parameter("id", UUID, True)]
ONCE: Final = [Parameter("idempotency-key", TEXT, False, "header")]
PAGE: Final = [
    Parameter("page", {"type": "integer", "default": 1, "minimum": 1}),
    Parameter("size", {"type": "integer", "default": 10, "minimum": 1}),
    Parameter("sort_column", either(TEXT, NOTHING)),
    Parameter("sort_desc", {**either({"type": "boolean"}, NOTHING), "default": False}),
]
JSON: Final = "application/json"

_REFUSALS: Final = {
    "400": "What is asked for cannot be done here.",
    "401": "No key, or none that is in force.",
    "403": "The key may not do this.",
    "404": "There is no such thing.",
    "409": "The state of things does not allow it.",
    "413": "The body is too long.",
    "429": "Too much at once; Retry-After says when to come again.",
    "503": "Something does not answer now; Retry-After says when to come again.",
}


def operation(
    operation_id: str,
    answer: Shape,
    *,
    takes: Sequence[Parameter] = (),
    body: Shape | None = None,
    kind: str = JSON,
    status: str = "200",
) -> Shape:
    """Return the shape of an operation that answers with ``kind``."""
    shape: Shape = {"operationId": operation_id}
    shape["responses"] = {
        status: {"description": "Done.", "content": {kind: {"schema": answer}}},
        "422": {
            "description": "What is wrong, and where.",
            "content": {JSON: {"schema": ref("HTTPValidationError")}},
        },
        **{code: _refusal(text) for code, text in _REFUSALS.items()},
    }
    if takes:
        shape["parameters"] = [
            {"name": each.name, "in": each.place, "required": each.required, "schema": each.schema}
            for each in takes
        ]
    if body is not None:
        # A client that has nothing to say sends no body, which counts as an empty object.
        shape["requestBody"] = {"required": False, "content": {JSON: {"schema": body}}}
    return shape


def four(base: str, one: str, many: str, name: str) -> Shape:
    """Return the paths of the four operations that a resource has."""
    changed = operation(f"update_{one}", ref(name), takes=ID, body=ref(f"{name}UpdateParams"))
    return {
        base: {"get": operation(f"get_{one}", ref(name), takes=ID)},
        f"{base}/list": {"get": operation(f"list_{many}", ref(f"{name}Page"), takes=PAGE)},
        f"{base}/create": {
            "post": operation(f"create_{one}", ref(name), body=ref(f"{name}Params"))
        },
        f"{base}/update": {"post": changed},
    }


def _refusal(text: str) -> Shape:
    return {"description": text, "content": {JSON: {"schema": ref("Refusal")}}}
