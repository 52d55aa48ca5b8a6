"""What kind of answer the agent waits for: a fact of the call that several policies read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class ExpectationKind(StrEnum):
    """The kinds of answer that the turn policy and the transcribers tell apart."""

    ANYTHING = "anything"
    YES_NO = "yes_no"
    CHOICE = "choice"
    DIGITS = "digits"
    NUMBER = "number"
    DATE = "date"
    TIME = "time"
    SPELLED = "spelled"
    EMAIL = "email"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the caller is about to be asked for.

    ``choices`` are the words or phrases that are acceptable (for ``CHOICE``), or examples of
    what is likely (for other kinds). ``also`` are phrases that are always possible beside the
    answer, such as "goodbye". ``format`` narrows the kind (``"hh:mm"``, a count of digits);
    ``language`` is a BCP 47 tag.
    """

    kind: ExpectationKind = ExpectationKind.ANYTHING
    choices: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    format: str | None = None
    language: str = "en"

    def to_json(self) -> dict[str, object]:
        """Return the form in which the timeline keeps it."""
        return {
            "kind": self.kind.value,
            "choices": list(self.choices),
            "also": list(self.also),
            "format": self.format,
            "language": self.language,
        }

    @property
    def digit_count(self) -> int | None:
        """How many digits are a whole answer, where digits are asked for and their count is
        known.
        """
        if self.kind is not ExpectationKind.DIGITS or self.format is None:
            return None
        if not re.fullmatch(r"[0-9]{1,3}", self.format):
            return None
        return int(self.format) or None

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> Expectation:
        """Read what ``to_json`` wrote; raises ``KeyError``, ``TypeError`` or ``ValueError`` on
        anything else.
        """
        choices = value.get("choices") or ()
        also = value.get("also") or ()
        form = value.get("format")
        if not isinstance(choices, (list, tuple)) or not isinstance(also, (list, tuple)):
            raise TypeError("choices and also are lists")
        return cls(
            kind=ExpectationKind(str(value["kind"])),
            choices=tuple(str(choice) for choice in choices),
            also=tuple(str(phrase) for phrase in also),
            format=None if form is None else str(form),
            language=str(value.get("language", "en")),
        )


ANYTHING = Expectation()
