"""Actions that leave the process."""

from __future__ import annotations

from collections.abc import Callable

from cordboard.call.actions import ActionOutcome
from cordboard.call.commands import RunAction
from cordboard.call.events import ActionFinished, ActionSent, Event
from cordboard.engine.work import Work
from cordboard.ports import ActionRunner

MOST_ACTIONS = 8


class Acting:
    """Runs actions, at most eight at a time; one more is refused with an outcome. The call's end
    cancels them.
    """

    def __init__(
        self, call_id: str, runner: ActionRunner, work: Work, post: Callable[[Event], None]
    ) -> None:
        self._call_id = call_id
        self._runner = runner
        self._work = work
        self._post = post
        self._running = 0

    def run(self, command: RunAction) -> None:
        """Begin an action."""
        if self._running >= MOST_ACTIONS:
            refused = ActionOutcome(False, {}, None, "refused", None)
            self._post(ActionFinished(command.call.action_call_id, refused))
            return
        self._running += 1
        self._work.start("acting", self._run(command))

    async def _run(self, command: RunAction) -> None:
        action_call_id = command.call.action_call_id
        try:
            outcome = await self._runner.run(
                self._call_id,
                command.call,
                command.plan,
                lambda: self._post(ActionSent(action_call_id)),
            )
        finally:
            self._running -= 1
        self._post(ActionFinished(action_call_id, outcome))
