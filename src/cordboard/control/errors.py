"""What the API refuses, and the two shapes in which it says so.

A 422 carries a list of problems with their places; every other error a text under ``detail``.
Official clients fail to parse anything else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

Place = tuple[str | int, ...]


class ControlError(Exception):
    """A request is refused with ``status``; ``detail`` is for the one who asked."""

    status = 400

    def __init__(self, detail: str, headers: Mapping[str, str] | None = None) -> None:
        """``headers`` go into the answer."""
        super().__init__(detail)
        self.detail = detail
        self.headers = headers


class BadRequest(ControlError):
    """What is asked for cannot be done here."""


class Unauthorised(ControlError):
    """No key, or none that opens anything: one answer for all of these."""

    status = 401

    def __init__(self) -> None:
        super().__init__("Invalid or missing API key", {"WWW-Authenticate": "Bearer"})


class Forbidden(ControlError):
    """The key may not do this."""

    status = 403


class NotFound(ControlError):
    """There is no such thing, or it is someone else's: the answers are the same."""

    status = 404


class Conflict(ControlError):
    """The state of things does not allow it."""

    status = 409


class TooLarge(ControlError):
    """The body is longer than the server reads."""

    status = 413


class TooSlow(ControlError):
    """The body did not arrive in time, or not whole."""

    status = 408


class Unavailable(ControlError):
    """Something the server needs does not answer now; the same request may work in a moment."""

    status = 503

    def __init__(self, detail: str) -> None:
        super().__init__(detail, {"Retry-After": "1"})


class PurchaseUnknown(Unavailable):
    """A carrier has not said whether it sold a number."""


class TooManyCalls(ControlError):
    """The organisation has asked for more calls than can wait."""

    status = 429

    def __init__(self, detail: str) -> None:
        super().__init__(detail, {"Retry-After": "5"})


class QuotaUsedUp(ControlError):
    """The organisation has had all that it may have for now; ``seconds`` until it may have more."""

    status = 429

    def __init__(self, detail: str, seconds: int) -> None:
        super().__init__(detail, {"Retry-After": str(max(1, seconds))})


class TooManyAttempts(ControlError):
    """Wait before the next attempt."""

    status = 429

    def __init__(self, seconds: int) -> None:
        super().__init__("Too many failed attempts", {"Retry-After": str(seconds)})


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with the input; ``place`` leads to it from ``body`` or ``query``."""

    place: Place
    message: str
    kind: str = "value_error"

    def shown(self) -> dict[str, Any]:
        """Return the problem as clients expect it. The input is not repeated: it may be secret."""
        return {"loc": list(self.place), "msg": self.message, "type": self.kind}


class Invalid(ControlError):
    """The input is wrong in one or more places."""

    status = 422

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = list(problems)

    @classmethod
    def at(cls, place: Place, message: str, kind: str = "value_error") -> Invalid:
        """Return the error for a single problem."""
        return cls([Problem(place, message, kind)])


def problems_of(error: ValidationError, place: Place) -> list[Problem]:
    """Return what a model found wrong, at ``place``."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return [Problem((*place, *item["loc"]), item["msg"], item["type"]) for item in found]


@contextmanager
def collecting(problems: list[Problem]) -> Iterator[None]:
    """Add the problems of an ``Invalid`` to a list, so that the next part is looked at as well."""
    try:
        yield
    except Invalid as error:
        problems.extend(error.problems)


def raise_any(problems: Sequence[Problem]) -> None:
    """Raise ``Invalid`` when there are problems."""
    if problems:
        raise Invalid(problems)
