"""The app's wish to be told when the caller stays silent after a speech."""

from __future__ import annotations

from cordboard.call.desk import Desk

DEADLINE = "user_input"


class InputTimer:
    """One wish at a time, which fires once.

    It is armed by the end of what the app plays, and counts while nothing sounds: from the end of
    the last sound, or of a voice that brought no words. The caller's words and the next speech
    disarm it.
    """

    def __init__(self) -> None:
        self._timeout_ms: int | None = None
        self._armed = False

    def wish(self, timeout_ms: int | None) -> None:
        """Take the wish of a speech that has just been queued, or that it has none."""
        self._timeout_ms = timeout_ms or None
        self._armed = False

    def keep(self, timeout_ms: int | None) -> None:
        """Take the wish of a sound, which leaves an earlier one standing where it has none."""
        self._timeout_ms = timeout_ms or self._timeout_ms
        self._armed = False

    def arm(self) -> None:
        """Let the silence count as soon as there is one."""
        self._armed = True

    def disarm(self) -> None:
        """Let the silence count no more; the wish stands."""
        self._armed = False

    def restart(self, desk: Desk, now_ms: int) -> None:
        """Let the silence count anew, where it counted."""
        if self._timeout_ms is not None and desk.deadlines.is_set(DEADLINE):
            desk.deadlines.set(DEADLINE, now_ms + self._timeout_ms)

    def settle(self, desk: Desk, now_ms: int, *, may_count: bool) -> None:
        """Follow the call: ``may_count`` while the caller is silent and the app has a say.

        A stored phrase that begins while the silence counts does not interrupt it.
        """
        if self._timeout_ms is None or not self._armed or not may_count:
            desk.deadlines.clear(DEADLINE)
        elif desk.playback.is_empty:
            desk.deadlines.set_if_unset(DEADLINE, now_ms + self._timeout_ms)

    def fired(self) -> None:
        """The wish is fulfilled."""
        self._timeout_ms = None
        self._armed = False
