"""What the caller hears while the app has the turn and nothing else sounds."""

from __future__ import annotations

from cordboard.call.commands import PlayWaiting, StoredPhrase
from cordboard.call.desk import Desk
from cordboard.call.flow.plan import Waiting

DEADLINE = "waiting"
COMFORT_AFTER_MS = 1_500
PHRASE_AFTER_MS = 2_400
"""The phrase is heard within 3 s of silence."""


class WaitingSound:
    """Begins when the app has kept the caller waiting for a while; ends with the first thing that
    it does.
    """

    def __init__(self, kind: Waiting) -> None:
        self._kind = kind
        self._on = False
        self._phrase_due = kind is Waiting.PHRASE

    def settle(self, desk: Desk, now_ms: int, *, wanted: bool) -> None:
        """Follow the call: ``wanted`` while the app owes something."""
        if not wanted:
            self._phrase_due = self._kind is Waiting.PHRASE
        if self._kind is Waiting.NOTHING or not wanted or not desk.playback.is_empty:
            self.end(desk)
        elif not self._on:
            after_ms = PHRASE_AFTER_MS if self._phrase_due else COMFORT_AFTER_MS
            desk.deadlines.set_if_unset(DEADLINE, now_ms + after_ms)

    def due(self, desk: Desk) -> None:
        """Let the caller hear that somebody is at work."""
        if self._phrase_due:
            self._phrase_due = False
            desk.say_stored(StoredPhrase.ONE_MOMENT)
        else:
            self._on = True
            desk.note("waiting_sound", {"on": True})
            desk.give(PlayWaiting(on=True))

    def end(self, desk: Desk) -> None:
        """Be silent."""
        desk.deadlines.clear(DEADLINE)
        if self._on:
            self._on = False
            desk.note("waiting_sound", {"on": False})
            desk.give(PlayWaiting(on=False))
