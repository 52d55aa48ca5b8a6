"""The app of a rehearsed call: what it was told, and whether it owes an answer."""

from __future__ import annotations

from collections.abc import Callable

from cordboard.call.commands import TellApp
from cordboard.call.events import AppAnswered, AppFailed, Event
from cordboard.call.flow.plan import FlowPlan
from cordboard.ports import AppLine, Clock, FlowApps, NewCall
from cordboard.rehearsal.lines import Board, Mark, action_fields

_ASKING = ("session_start", "user_speak", "user_input_timeout")
_ANY = "any"


class AppSide:
    """Tells the app and counts what it owes.

    By webhook every event has its answer. On a WebSocket the app owes something after an event
    that the caller waits for, until it does anything.
    """

    def __init__(self, plan: FlowPlan, clock: Clock, board: Board) -> None:
        self.told_ms = 0
        """When the last event left."""
        self._answers_each = plan.answers_each
        self._clock = clock
        self._board = board
        self._owed: set[str] = set()
        self._line: AppLine | None = None

    def open(self, apps: FlowApps, call: NewCall, post: Callable[[Event], None]) -> None:
        """Begin while it rings."""
        self._line = apps.open(call, post)

    @property
    def owes(self) -> bool:
        """Whether an answer is waited for."""
        return bool(self._owed)

    def wait_no_more(self) -> None:
        """Take silence for the answer."""
        self._owed.clear()

    def tell(self, command: TellApp, place_ms: int) -> None:
        """Send an event, ``place_ms`` after the call was answered."""
        content = dict(command.content)
        at_ms = content.get("speech_started_at")
        if isinstance(at_ms, int):
            now_ms = round(self._clock.wall().timestamp() * 1_000)
            content["speech_started_at"] = now_ms - max(0, place_ms - at_ms)
        self._board.show(Mark.EVENT, command.kind, content)
        self.told_ms = self._clock.now_ms()
        if command.answerable and self._answers_each:
            self._owed.add(command.event_id)
        elif command.answerable and command.kind in _ASKING:
            self._owed.add(_ANY)
        assert self._line is not None, "it rings before anything is told"
        self._line.tell(command.event_id, command.kind, content, answerable=command.answerable)

    def heard_from(self, event: AppAnswered | AppFailed) -> None:
        """Take what came of an event, or what the app does of its own accord."""
        if event.event_id is not None:
            self._owed.discard(event.event_id)
        if isinstance(event, AppFailed):
            self._owed.discard(_ANY)
            return
        if event.actions:
            self._owed.discard(_ANY)
        for action in event.actions:
            self._board.show(Mark.ACTION, *action_fields(action))

    def close(self) -> None:
        """The call is over."""
        if self._line is not None:
            self._line.close()
