"""What is wrong with something an app sent, by the field it stands in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

TEXT_CHARS_MAX = 200


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that was put right, left out or refused; ``field`` is empty for the whole body."""

    field: str
    text: str

    def under(self, place: str) -> Problem:
        """Return it with the place of what holds the field in front."""
        return Problem(".".join(part for part in (place, self.field) if part), self.text)


def shown(problems: Iterable[Problem], most: int) -> list[str]:
    """Return problems as lines; of more than ``most`` the last line tells the number left out."""
    lines = [f"{problem.field or 'body'}: {problem.text}"[:TEXT_CHARS_MAX] for problem in problems]
    if len(lines) > most:
        lines[most - 1 :] = [f"body: {len(lines) - most + 1} more problems"]
    return lines
