"""What a pattern is about, found by trying values on it; and patterns that lost backslashes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Final

import jsonschema_rs

from cordboard.providers.language_models.form.written import day_forms, time_forms

_LOST = re.compile(r"(?<![\\A-Za-z])([dws])(?=[{+*?:./,\-\[\]()0-9$ ]|$)")
_MOST_DIGITS = 20
_SAMPLE_DAY: Final = date(2027, 1, 4)


class Acceptance:
    """Whether values fit a property's schema; a schema that cannot be read accepts everything."""

    def __init__(self, schema: Mapping[str, object]) -> None:
        self._validator = _validator(json.dumps(schema, sort_keys=True, default=str))

    def __call__(self, value: object) -> bool:
        """Whether the value fits."""
        return self._validator is None or bool(self._validator.is_valid(value))


@lru_cache(maxsize=512)
def _validator(text: str) -> Any:
    try:
        return jsonschema_rs.validator_for(json.loads(text), retriever=_NoRetriever())
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError):
        return None


class _NoRetriever:
    def __call__(self, uri: str) -> Any:
        raise ValueError(f"remote reference: {uri[:80]}")


def restored(pattern: str) -> str:
    r"""Return a pattern with the backslashes it seems to have lost: ``^d{2}`` becomes ``^\d{2}``.

    Only a pattern without any backslash is changed, and only if neither a time nor a day fits it as
    it stands.
    """
    if "\\" in pattern or not _LOST.search(pattern):
        return pattern
    repaired = _LOST.sub(r"\\\1", pattern)
    if fits_times(pattern) or fits_days(pattern) or digit_count(pattern) is not None:
        return pattern
    return repaired


@lru_cache(maxsize=256)
def fits_times(pattern: str) -> bool:
    """Whether some time of day fits the pattern, in some way of writing it."""
    accepts = _for_pattern(pattern)
    return not accepts("") and any(
        accepts(form)
        for hour in (9, 14, 23)
        for minute in (0, 30, 15, 5)
        for form in time_forms(hour, minute)
        if not form.isdecimal()
    )


@lru_cache(maxsize=256)
def fits_days(pattern: str) -> bool:
    """Whether some day fits the pattern, in some way of writing it."""
    accepts = _for_pattern(pattern)
    days = [_SAMPLE_DAY + timedelta(days=41 * count) for count in range(9)]
    return not accepts("") and any(
        accepts(form)
        for day in days
        for form in day_forms(day)
        if not form.isdecimal() and not form.isalpha()
    )


@lru_cache(maxsize=256)
def digit_count(pattern: str) -> int | None:
    """Return how many digits fit the pattern, the fewest; None when no row of digits does."""
    accepts = _for_pattern(pattern)
    for count in range(1, _MOST_DIGITS + 1):
        for first in "1205938":
            if accepts((first + "234567890123456789012")[:count]):
                return count
    return None


@lru_cache(maxsize=256)
def most_digits(pattern: str) -> int | None:
    """Return the largest count of digits that fits the pattern, at most 20."""
    accepts = _for_pattern(pattern)
    for count in range(_MOST_DIGITS, 0, -1):
        if any(accepts((first + "234567890123456789012")[:count]) for first in "1205938"):
            return count
    return None


def _for_pattern(pattern: str) -> Acceptance:
    return Acceptance({"type": "string", "pattern": pattern})
