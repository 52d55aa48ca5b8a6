"""What all schemas share: how input is read, and the kinds of values that occur in several."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from cordboard.control.errors import Invalid, Place, problems_of

Json = dict[str, Any]

_UUID: Final = re.compile(
    r"[0-9A-Fa-f]{8}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{12}"
)


class Fields(BaseModel):
    """A resource's own fields. Unknown keys are ignored, numeric texts are taken as numbers."""

    model_config = ConfigDict(
        extra="ignore",
        allow_inf_nan=False,
        frozen=True,
        hide_input_in_errors=True,
        # An answer holds every field, and our document says so.
        json_schema_serialization_defaults_required=True,
    )


F = TypeVar("F", bound=Fields)


def validated(model: type[F], value: Mapping[str, object], place: Place) -> F:
    """Read ``value`` as ``model``.

    Raises:
        Invalid: with every problem there is, at its place.

    """
    try:
        return model.model_validate(dict(value))
    except ValidationError as error:
        raise Invalid(problems_of(error, place)) from None


def dumped(fields: Fields) -> Json:
    """Return fields as they are stored and shown."""
    return fields.model_dump(mode="json", by_alias=True)


def mapping(value: object, place: Place) -> Json:
    """Return a JSON object as it is.

    Raises:
        Invalid: it is something else.

    """
    if not isinstance(value, dict):
        raise Invalid.at(place, "Input should be an object or an id", "type_error")
    return value


def given(value: Mapping[str, object], keep_empty: frozenset[str] = frozenset()) -> Json:
    """Return what an update really sets: an empty object stands for "leave as is".

    In the fields of ``keep_empty`` an empty object is a value: the empty map.
    """
    return {key: item for key, item in value.items() if item != {} or key in keep_empty}


def as_uuid(value: object) -> str | None:
    """Return the canonical form of an id, or None where the value is none."""
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        return None
    return str(UUID(value))


def _text_of(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _texts_of(value: object) -> object:
    if isinstance(value, dict):
        return {key: _text_of(item) for key, item in value.items()}
    return value


# Scripts send numbers where texts are meant; clients accept only texts back.
NumberText = Annotated[str, BeforeValidator(_text_of)]
TextMap = Annotated[dict[str, str], BeforeValidator(_texts_of)]
