"""A transfer that the flow asked for, from its beginning to what came of it."""

from __future__ import annotations

from cordboard.call.actions import ActionCall, ActionKind, ActionPlan
from cordboard.call.commands import RunAction
from cordboard.call.desk import Desk
from cordboard.call.flow.actions import FlowTransfer

DEADLINE = "transfer"
RINGS_S = 60
SLACK_MS = 15_000
"""How much longer than it may ring a transfer may take to come to its outcome."""


class Handover:
    """One transfer at a time. ``done`` tells that the caller talks with somebody else now."""

    def __init__(self, fallback_number: str | None) -> None:
        self.done = False
        self._fallback_number = fallback_number
        self._under_way: tuple[str, FlowTransfer] | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether a transfer has not come to its outcome."""
        return self._under_way is not None

    def begin(self, action: FlowTransfer, desk: Desk, now_ms: int) -> None:
        """Have the target called."""
        action_call_id = desk.new_id("a")
        self._under_way = (action_call_id, action)
        config: dict[str, object] = {"phone_number": action.number}
        if action.caller_name:
            config["caller_id_name"] = action.caller_name
        if action.caller_number is not None:
            config["caller_id_number"] = action.caller_number
        if action.timeout_s is not None:
            config["rings_s"] = action.timeout_s
        desk.note("transfer_started", {"action_call_id": action_call_id}, number=action.number)
        call = ActionCall(action_call_id, "transfer", {})
        plan = ActionPlan(
            action_id="", kind=ActionKind.TRANSFER_CALL, function_name="transfer", config=config
        )
        desk.deadlines.set(DEADLINE, now_ms + (action.timeout_s or RINGS_S) * 1_000 + SLACK_MS)
        desk.give(RunAction(call, plan))

    def fall_back(self, desk: Desk, now_ms: int) -> bool:
        """Have the number called that the flow names for this; False if there is none, or it has
        been tried.
        """
        number, self._fallback_number = self._fallback_number, None
        if number is not None:
            self.begin(FlowTransfer(number=number), desk, now_ms)
        return number is not None

    def answered(self, action_call_id: str, desk: Desk) -> bool:
        """Whether this transfer was under way and the target has taken the caller."""
        self.done = self._is(action_call_id)
        if self.done:
            self._forget(desk)
        return self.done

    def failed(self, action_call_id: str, outcome_class: str, desk: Desk) -> FlowTransfer | None:
        """Return the transfer that has failed; None if it is not the one under way."""
        if self._under_way is None or not self._is(action_call_id):
            return None
        action = self._under_way[1]
        desk.note("transfer_failed", {"outcome_class": outcome_class})
        self._forget(desk)
        return action

    def give_up(self, outcome_class: str, desk: Desk) -> None:
        """Wait for it no more: the caller is gone, or nobody reports what came of it."""
        if self._under_way is not None:
            desk.note("transfer_failed", {"outcome_class": outcome_class})
            self._forget(desk)

    def _is(self, action_call_id: str) -> bool:
        return self._under_way is not None and self._under_way[0] == action_call_id

    def _forget(self, desk: Desk) -> None:
        self._under_way = None
        desk.deadlines.clear(DEADLINE)
