"""Keys the caller presses, collected into one turn."""

from __future__ import annotations

from cordboard.call.expectation import Expectation

DIGITS_WAIT_MS = 2_000
"""Silence after a key that ends a row of digits; ``#`` ends it at once."""

DIGITS_MAX = 64
"""So many keys end a row whatever comes next."""


class DigitRow:
    """The keys pressed since the last turn."""

    def __init__(self) -> None:
        self.text = ""

    def press(self, digit: str, expectation: Expectation) -> bool:
        """Take a key; True if the row is complete with it. A ``#`` after digits ends the row and
        is no part of it.
        """
        if digit == "#" and self.text:
            return True
        self.text += digit
        return len(self.text) >= (expectation.digit_count or DIGITS_MAX)

    def take(self) -> str:
        """Return the row and begin the next."""
        row, self.text = self.text, ""
        return row
