"""From a resource's own fields to the forms in which it is asked for, changed and shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from cordboard.control.fields import Fields

Shape = dict[str, Any]

UUID: Final[Shape] = {"type": "string", "format": "uuid"}
TEXT: Final[Shape] = {"type": "string"}
FLAG: Final[Shape] = {"type": "boolean"}
COUNT: Final[Shape] = {"type": "integer"}
MOMENT: Final[Shape] = {"type": "string", "format": "date-time"}
NOTHING: Final[Shape] = {"type": "null"}
LEFT_AS_IT_IS: Final[Shape] = {"type": "object", "additionalProperties": False}
"""An empty object in an update, by which older clients leave a field as it is."""


def ref(name: str) -> Shape:
    """Return a reference to a named schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def either(*shapes: Shape) -> Shape:
    """Return the shape of any of these."""
    return {"anyOf": list(shapes)}


def or_nothing(shape: Shape) -> Shape:
    """Return the shape of this or null."""
    return either(shape, NOTHING)


def one_of(*words: str) -> Shape:
    """Return the shape of one of these words."""
    return {"type": "string", "enum": list(words)}


def by_type(names: Mapping[str, str]) -> Shape:
    """Return the shape of several resources that are told apart by their ``type``."""
    return {
        "oneOf": [ref(name) for name in names.values()],
        "discriminator": {
            "propertyName": "type",
            "mapping": {kind: ref(name)["$ref"] for kind, name in names.items()},
        },
    }


def record(properties: Shape, required: list[str]) -> Shape:
    """Return the shape of an object."""
    shape: Shape = {"type": "object", "properties": properties}
    return shape | ({"required": required} if required else {})


def whole(properties: Shape) -> Shape:
    """Return the shape of an object in which nothing is ever missing."""
    return record(properties, list(properties))


def fields_of(
    model: type[Fields], more: Mapping[str, Shape] | None = None, *, answered: bool = False
) -> Shape:
    """Return the shape of a model, its parts written out in place; ``more`` replaces properties.

    In what is ``answered`` every field is there, also those that need not be sent.
    """
    mode: Literal["serialization", "validation"] = "serialization" if answered else "validation"
    shape = model.model_json_schema(by_alias=True, mode=mode)
    parts = shape.pop("$defs", {})
    written = _written_out(shape, parts)
    properties = {**written.get("properties", {}), **(more or {})}
    return record(
        properties, [name for name in written.get("required", []) if name not in (more or {})]
    )


def typed(shape: Shape, kind: str | None) -> Shape:
    """Add the constant by which types of a resource are told apart."""
    if kind is None:
        return shape
    constant = {"type": "string", "enum": [kind], "const": kind}
    return record({"type": constant, **shape["properties"]}, ["type", *shape.get("required", [])])


def shown(shape: Shape) -> Shape:
    """Return the form of an answer: with the resource's id and whose it is."""
    return record(
        {"id": UUID, "user_id": UUID, **shape["properties"]},
        ["id", "user_id", *shape.get("required", [])],
    )


def changed(shape: Shape) -> Shape:
    """Return the form of an update: nothing but the type is required, all may be left as it is."""
    properties = {
        name: value if name == "type" else either(*_variants(value), LEFT_AS_IT_IS)
        for name, value in shape["properties"].items()
    }
    return record(properties, ["type"] if "type" in properties else [])


def page_of(item: Shape) -> Shape:
    """Return the envelope of a list."""
    return whole(
        {
            "items": {"type": "array", "items": item},
            "page": COUNT,
            "size": COUNT,
            "has_more": FLAG,
            "total": COUNT,
            "total_is_estimated": FLAG,
        }
    )


def _variants(shape: Shape) -> list[Shape]:
    bare = {name: value for name, value in shape.items() if name != "default"}
    return list(bare["anyOf"]) if set(bare) == {"anyOf"} else [bare]


def _written_out(shape: Any, parts: Mapping[str, Any]) -> Any:
    if isinstance(shape, list):
        return [_written_out(item, parts) for item in shape]
    if not isinstance(shape, dict):
        return shape
    if "$ref" in shape:
        return _written_out(parts[shape["$ref"].rpartition("/")[2]], parts)
    kept = {
        name: value
        for name, value in shape.items()
        if not (name in ("title", "description") and isinstance(value, str))
    }
    return {name: _written_out(value, parts) for name, value in kept.items()}
