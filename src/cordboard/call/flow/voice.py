"""The caller's voice, as far as the app is told of it before there are words."""

from __future__ import annotations

WORDS_WAIT_MS = 1_500
"""So long after it ended a voice may still turn out to have been words."""


class CallerVoice:
    """Counts a stretch of sound as one beginning until its turn is over, or until it has brought no
    words.
    """

    def __init__(self) -> None:
        self.heard = False
        """Whether the caller speaks, or has spoken and the words are on their way."""
        self._told = False
        self._noise_ms: int | None = None

    def started(self, now_ms: int) -> bool:
        """Take the beginning of sound; True if it is the first of a turn."""
        if self._noise_ms is not None and now_ms - self._noise_ms > WORDS_WAIT_MS:
            self._told = False
        self._noise_ms = None
        self.heard = True
        first, self._told = not self._told, True
        return first

    def stopped(self, now_ms: int) -> None:
        """Take the end of sound that has brought no words yet."""
        self._noise_ms = now_ms
        self.heard = False

    def turn_over(self) -> None:
        """The words have been handed on."""
        self.heard = False
        self._told = False
        self._noise_ms = None
