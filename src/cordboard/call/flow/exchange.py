"""The events that have left for the app, and whose turn it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cordboard.call.commands import TellApp
from cordboard.call.desk import Desk

FAILURES_MAX = 3
"""So many events in a row without an answer end the app's part."""

ANSWER_SLACK_MS = 2_000
"""How much longer than the app's deadline the core waits, in case nobody reports that it passed."""

DEADLINE = "app_turn"

_ASKING = ("session_start", "user_speak", "user_input_timeout")
"""Events after which the caller waits for the app, also where it may stay silent."""

_LAST_THINGS = ("assistant_speak", "assistant_speech_ended", "session_end")
"""What the app still learns once the caller talks with somebody else."""


@dataclass(frozen=True, slots=True)
class _Told:
    """An event that the app has, and since when."""

    event_id: str
    kind: str
    at_ms: int


class Exchange:
    """Numbers the events, and knows while the caller waits for the app."""

    def __init__(self, *, answers_each: bool, answer_within_ms: int) -> None:
        self._answers_each = answers_each
        self._within_ms = answer_within_ms
        self._pending: dict[str, _Told] = {}
        self._failures = 0
        self._asked: _Told | None = None
        self.away = False
        """The connection to the app is being made again."""
        self.begun = False
        """The app has been told of the call."""
        self.muted = False
        """The caller talks with somebody else."""
        self.closing = False
        """Nothing that the app answers is done any more."""
        self.over = False

    @property
    def app_has_turn(self) -> bool:
        """Whether the caller waits for the app."""
        return self.away or bool(self._pending if self._answers_each else self._asked)

    def tell(
        self,
        desk: Desk,
        kind: str,
        now_ms: int,
        content: Mapping[str, object] | None = None,
        *,
        answerable: bool = True,
    ) -> str:
        """Send an event; returns its id. After the last one nothing more is sent."""
        event_id = desk.new_id("e")
        if self.over or (self.muted and kind not in _LAST_THINGS):
            return event_id
        answerable = answerable and not self.closing
        self.begun = True
        told = dict(content or {})
        desk.note("flow_event", {"event_id": event_id, "type": kind}, **told)
        desk.give(TellApp(event_id, kind, told, answerable))
        if not answerable:
            return event_id
        if self._answers_each:
            self._pending[event_id] = _Told(event_id, kind, now_ms)
        elif kind in _ASKING:
            self._asked = _Told(event_id, kind, now_ms)
        else:
            return event_id
        desk.deadlines.set(DEADLINE, now_ms + self._within_ms + ANSWER_SLACK_MS)
        return event_id

    def answered(self, event_id: str | None, desk: Desk, now_ms: int, *, acts: bool) -> str | None:
        """Take an answer; returns the kind of the event that it answers, where that is known.

        ``acts`` tells that it makes something heard, or gives the caller the turn.
        """
        self._failures = 0
        told = self._pending.pop(event_id, None) if event_id is not None else None
        if acts and self._asked is not None:
            told, self._asked = self._asked, None
        if told is not None:
            after_ms = now_ms - told.at_ms
            content = {"event_id": told.event_id, "type": told.kind, "after_ms": after_ms}
            desk.note("app_answered", {**content, "acts": acts})
        self._turn_over(desk)
        return None if told is None or event_id is None else told.kind

    def failed(self, event_id: str, desk: Desk) -> bool:
        """Take the news that no answer will come; True if the app is to be given up."""
        told = self._pending.pop(event_id, None)
        self._asked = None
        self._failures += 1
        self._turn_over(desk)
        starts = told is not None and told.kind == "session_start"
        return self._failures >= FAILURES_MAX or starts

    def overdue(self) -> None:
        """The app has had its time: the caller waits no more, and a late answer still counts."""
        self._pending.clear()
        self._asked = None

    def _turn_over(self, desk: Desk) -> None:
        if not self.app_has_turn:
            desk.deadlines.clear(DEADLINE)
