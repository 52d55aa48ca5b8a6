"""Reading a document by a model, and putting right what a real client gets wrong."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from cordboard.flow_apps.problems import Problem

M = TypeVar("M", bound=BaseModel)

ROUNDS_MAX: Final = 8
"""Each round mends all that is wrong at a time; what is still wrong then is refused."""

# Out of range these count as not given, by the protocol.
_NEVER_CLAMPED: Final = frozenset({"end_of_turn_silence_ms"})
_BOUNDS: Final = {"greater_than_equal": "ge", "less_than_equal": "le"}

Json = dict[str, Any]


def read_model(model: type[M], document: Json) -> tuple[M | None, list[Problem]]:
    """Return the model of a document, and what had to be put right for it.

    A number out of its range is moved to the nearest bound, text and lists that are too long are
    cut, any other field that is wrong is left out. None where a field is wrong that there must be.
    """
    values = _without_nulls(deepcopy(document))
    problems: list[Problem] = []
    for _ in range(ROUNDS_MAX):
        try:
            return model.model_validate(values), problems
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False)
        # From the end, so that places in lists stay true while others are taken out.
        for detail in reversed(details):
            problem, is_final = _mend(values, detail)
            problems.append(problem)
            if is_final:
                return None, problems
    return None, problems


def _mend(values: Json, detail: ErrorDetails) -> tuple[Problem, bool]:
    """Change what one error is about; True if nothing can be changed."""
    place = [part for part in detail["loc"] if part != "function-before"]
    field = ".".join(map(str, place))
    holder = _at(values, place[:-1])
    if detail["type"] == "missing":
        if len(place) == 1:
            return Problem(field, "is missing; the action is ignored"), True
        _drop(values, place[:-1])
        return Problem(field, "is missing; what it belongs to is left out"), False
    if holder is not None and (mended := _mended(holder, place[-1], detail)) is not None:
        return Problem(field, mended), False
    dropped = _drop(values, place)
    return Problem(field, f"{detail['msg']}; left out"), not dropped


def _mended(holder: Any, key: int | str, detail: ErrorDetails) -> str | None:
    """Put a value right where it is clear what was meant; returns what was done."""
    kind, bounds = detail["type"], detail.get("ctx") or {}
    if kind in _BOUNDS and key not in _NEVER_CLAMPED:
        holder[key] = bounds[_BOUNDS[kind]]
        return f"{detail['msg']}; taken as {holder[key]}"
    if kind in ("too_long", "string_too_long"):
        holder[key] = holder[key][: bounds["max_length"]]
        return f"{detail['msg']}; cut"
    if kind == "int_from_float":
        holder[key] = int(holder[key])
        return f"{detail['msg']}; taken as {holder[key]}"
    return None


def _at(values: Any, place: list[int | str]) -> Any:
    for part in place:
        try:
            values = values[part]
        except (LookupError, TypeError):
            return None
    return values


def _drop(values: Json, place: list[int | str]) -> bool:
    """Take out what is at a place, or the nearest thing around it; False if there is nothing."""
    for length in range(len(place), 0, -1):
        holder = _at(values, place[: length - 1])
        try:
            del holder[place[length - 1]]
        except (LookupError, TypeError):
            continue
        return True
    return False


def _without_nulls(values: Json) -> Json:
    """Null counts as not given, here and one level down."""
    return {
        key: _without_nulls(value) if isinstance(value, dict) else value
        for key, value in values.items()
        if value is not None
    }
