"""What kind of answer the agent waits for: a fact of the call that several policies read."""

from __future__ import annotations

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

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> Expectation:
        """Read what ``to_json`` wrote."""
        choices = value.get("choices") or ()
        also = value.get("also") or ()
        form = value.get("format")
        assert isinstance(choices, (list, tuple))
        assert isinstance(also, (list, tuple))
        return cls(
            kind=ExpectationKind(str(value["kind"])),
            choices=tuple(str(choice) for choice in choices),
            also=tuple(str(phrase) for phrase in also),
            format=None if form is None else str(form),
            language=str(value.get("language", "en")),
        )


ANYTHING = Expectation()
