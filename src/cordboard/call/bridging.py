"""Stored phrases that fill the silence while the agent owes the caller something."""

from __future__ import annotations

from cordboard.call.commands import StoredPhrase
from cordboard.call.desk import Desk

BRIDGE_AFTER_MS = 2_500
"""Silence in the agent's turn after which a stored phrase is played: the caller hears it within
3 s.
"""

BRIDGE_AGAIN_MS = 8_000
"""How long after a stored phrase another one may be played."""

BRIDGE_PAUSED_MS = 500
"""How soon to look again where the agent is paused, and so owes no sound yet."""


class Bridging:
    """When the next stored phrase is due in one turn of the agent."""

    def __init__(self) -> None:
        self._bridged_ms: int | None = None
        self.unanswered = False
        """Whether a reply was waited for in vain, and none has been heard since."""

    def restart(self, desk: Desk) -> None:
        """Begin again: the caller spoke. An outage goes on where they have only asked again."""
        self._bridged_ms = None
        desk.deadlines.clear("bridge")
        if not self.unanswered:
            desk.deadlines.clear("outage")

    def dropped(self) -> None:
        """The reply that is owed is given up, because the caller goes on."""
        self.unanswered |= self._bridged_ms is not None

    def heard(self, desk: Desk) -> None:
        """The agent was heard: whatever was away is back."""
        self.unanswered = False
        self.restart(desk)

    def sounds(self, desk: Desk) -> None:
        """Something sounds: nothing is owed for now."""
        desk.deadlines.clear("bridge")

    def owes(self, since_ms: int, now_ms: int, desk: Desk) -> None:
        """Something is owed since ``since_ms``; what is set already stays."""
        again_ms = 0 if self._bridged_ms is None else self._bridged_ms + BRIDGE_AGAIN_MS
        due_ms = max(since_ms + BRIDGE_AFTER_MS, now_ms + 200, again_ms)
        desk.deadlines.set_if_unset("bridge", due_ms)

    def due(self, desk: Desk, now_ms: int) -> None:
        """Play a stored phrase, where the plan allows it, and plan the next."""
        if desk.playback.paused:
            desk.deadlines.set("bridge", now_ms + BRIDGE_PAUSED_MS)
            return
        self._bridged_ms = now_ms
        if desk.plan.bridge_phrases:
            desk.say_stored(StoredPhrase.ONE_MOMENT)
        desk.deadlines.set("bridge", now_ms + BRIDGE_AGAIN_MS)
