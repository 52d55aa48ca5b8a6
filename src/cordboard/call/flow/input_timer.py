"""The app's wish to be told when the caller stays silent after a speech."""

from __future__ import annotations

from cordboard.call.desk import Desk

DEADLINE = "user_input"


class InputTimer:
    """One wish at a time, which fires once.

    It runs from the end of what is played, is stopped by the caller's voice, started again where
    that brought no words, and taken back by the next speech.
    """

    def __init__(self) -> None:
        self._timeout_ms: int | None = None

    def wish(self, timeout_ms: int | None) -> None:
        """Take the wish of a speech that has just been queued, or that it has none."""
        self._timeout_ms = timeout_ms or None

    def keep(self, timeout_ms: int | None) -> None:
        """Take the wish of a sound, which leaves an earlier one standing where it has none."""
        if timeout_ms:
            self._timeout_ms = timeout_ms

    def start(self, desk: Desk, now_ms: int) -> None:
        """Let the silence count from now, where nothing is left to be played."""
        if self._timeout_ms is not None and desk.playback.is_empty:
            desk.deadlines.set(DEADLINE, now_ms + self._timeout_ms)

    def restart(self, desk: Desk, now_ms: int) -> None:
        """Let the silence count anew, where it counted."""
        if desk.deadlines.is_set(DEADLINE):
            self.start(desk, now_ms)

    def stop(self, desk: Desk) -> None:
        """Let the silence count no more; the wish stands."""
        desk.deadlines.clear(DEADLINE)

    def fired(self) -> None:
        """The wish is fulfilled."""
        self._timeout_ms = None
