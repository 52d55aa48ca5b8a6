"""How an agent's actions run: what is said before, when each leaves, what follows its outcome."""

from __future__ import annotations

from cordboard.call.action_limits import ActionLimits, bounded
from cordboard.call.action_queue import (
    DONE,
    NOT_AVAILABLE,
    OVERDUE,
    UNKNOWN_FUNCTION,
    WITHDRAWN,
    ActionQueue,
    BadArguments,
    PendingAction,
    RunsWhen,
    bad_arguments,
    offered,
    read_arguments,
    runs_when,
    unknown_function,
)
from cordboard.call.actions import ActionCall, ActionKind, ActionOutcome, ActionPlan
from cordboard.call.commands import RunAction, SendDigits, StoredPhrase
from cordboard.call.desk import Desk, anything
from cordboard.call.expectation import Expectation

ACTION_MAX_MS = 30_000
"""After so long an action that never came to an outcome is taken for failed."""

TRANSFER_MAX_MS = 75_000
REPAIRS_MAX = 1
"""How often a model may ask the caller again for values that did not fit, before an apology."""


_RUN_OUTSIDE = (ActionKind.EXTERNAL, ActionKind.RECORD_EMAIL, ActionKind.TRANSFER_CALL)


class AgentActions:
    """The actions of one agent on one call."""

    def __init__(self) -> None:
        self._queue = ActionQueue()
        self._repairs = 0
        self._limits = ActionLimits()
        self._apologised = False
        self._reply_open = False
        self.wants_end = False
        self.hung_up = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing is under way."""
        return self._queue.is_empty

    @property
    def is_running(self) -> bool:
        """Whether an action runs now."""
        return self._queue.is_running

    @property
    def is_transferring(self) -> bool:
        """Whether the caller is being handed over."""
        running = self._queue.running()
        return running is not None and running.plan.kind is ActionKind.TRANSFER_CALL

    def caller_spoke(self) -> None:
        """Begin a new turn: its count of actions starts again."""
        self._limits.new_turn()
        self._apologised = False

    def reply_begins(self) -> None:
        """More words may follow what is asked for until ``reply_over``."""
        self._reply_open = True

    def reply_over(self, desk: Desk) -> None:
        """All has been said: what ends the call waits for the last of it."""
        self._reply_open = False
        self._queue.wait_longer(ActionKind.END_CONVERSATION, desk.playback.last_id())
        self.run_ready(desk)

    def ask(self, function_name: str, arguments_json: str, desk: Desk) -> bool:
        """Take an action that the model asks for; True if the model must be told at once that it
        cannot be.
        """
        plan = offered(desk.plan.actions, function_name)
        if not self._limits.may_ask(desk.plan.actions_max_count):
            if not self._apologised:
                desk.note("action_refused", {"reason": "too_many"})
                self._apologise(desk)
            return False
        if plan is None:
            plan = unknown_function(function_name)
            desk.note(
                "action_refused", {"reason": "unknown_function"}, function_name=plan.function_name
            )
            call = ActionCall(desk.new_id("a"), plan.function_name, {})
            desk.transcript.action_began(call, plan)
            desk.transcript.action_ended(call, plan, UNKNOWN_FUNCTION)
            return self._repair(desk)
        try:
            arguments, message = read_arguments(plan, arguments_json)
        except BadArguments as problem:
            call = ActionCall(desk.new_id("a"), function_name, {})
            self._record(call, plan, bad_arguments(str(problem)), desk)
            return self._repair(desk)
        self._add(ActionCall(desk.new_id("a"), function_name, arguments, message), plan, desk)
        return False

    def trigger(self, plan: ActionPlan, desk: Desk) -> None:
        """Run an action that a phrase of the model triggers, once the turn has been heard."""
        desk.note("phrase_trigger", {"function_name": plan.function_name})
        self._add(ActionCall(desk.new_id("a"), plan.function_name, {}), plan, desk)

    def utterance_heard(self, utterance_id: str, desk: Desk, *, ended: bool) -> None:
        """Run what waited for the first sound of this utterance, or for its end."""
        queue = self._queue
        (queue.utterance_ended if ended else queue.utterance_started)(utterance_id)
        self.run_ready(desk)

    def sent(self, action_call_id: str, desk: Desk) -> None:
        """Note that a request has left."""
        pending = self._queue.get(action_call_id)
        if pending is not None and not pending.sent:
            pending.sent = True
            desk.note("action_sent", {"action_call_id": action_call_id})

    def finished(
        self, action_call_id: str, outcome: ActionOutcome, desk: Desk, opening: Expectation | None
    ) -> bool:
        """Take an outcome; True if the model is to say what follows."""
        pending = self._queue.remove(action_call_id)
        if pending is None:
            return False
        self._conclude(pending, bounded(outcome), desk)
        follow_up = False
        is_transfer = pending.plan.kind is ActionKind.TRANSFER_CALL
        if is_transfer:
            if outcome.success:
                self._limits.transferred()
            kind = "transfer_answered" if outcome.success else "transfer_failed"
            _note_transfer(kind, pending, desk)
        if self.hung_up:
            return False
        if is_transfer and not outcome.success:
            follow_up = True
        elif outcome.outcome_class == "invalid_arguments":
            follow_up = self._repair(desk)
        else:
            self._repairs = 0
            if pending.plan.speak_on_receive:
                if outcome.success and outcome.agent_message:
                    desk.say(outcome.agent_message, kind="agent_message")
                    desk.expect(opening or anything(desk.plan))
                else:
                    follow_up = True
        self.run_ready(desk)
        return follow_up

    def overdue(self, desk: Desk, opening: Expectation | None) -> bool:
        """Give up waiting for the action that runs; True if the model is to say what follows."""
        running = self._queue.running()
        if running is None:
            return False
        return self.finished(running.call.action_call_id, OVERDUE, desk, opening)

    def digits_sent(self, request_id: str, failure: str | None, desk: Desk) -> None:
        """Take the result of a digits action."""
        pending = self._queue.remove(request_id)
        if pending is not None:
            outcome = (
                DONE
                if failure is None
                else ActionOutcome(False, {"info": failure}, None, "refused", None)
            )
            self._conclude(pending, outcome, desk)
            self.run_ready(desk)

    def withdraw(self, desk: Desk) -> None:
        """Withdraw everything that has not begun to run."""
        self.wants_end = False
        for pending in self._queue.take_withdrawable():
            self._record(pending.call, pending.plan, WITHDRAWN, desk)

    def _add(self, call: ActionCall, plan: ActionPlan, desk: Desk) -> None:
        when, utterance_id = RunsWhen.NOW, desk.playback.last_id()
        if call.user_message is not None:
            interruptible = plan.kind is not ActionKind.EXTERNAL
            utterance_id = desk.say(
                call.user_message, kind="before_action", interruptible=interruptible
            )
            when = runs_when(plan)
        elif utterance_id is not None:
            when = RunsWhen.MESSAGE_ENDS
        self._queue.add(PendingAction(call, plan, when, utterance_id))
        self.run_ready(desk)

    def run_ready(self, desk: Desk) -> None:
        """Run what waits for nothing more. Nothing leaves while the agent is paused: the caller may
        be about to withdraw it.
        """
        while (pending := self._queue.ready()) is not None and not desk.playback.paused:
            kind = pending.plan.kind
            if kind is ActionKind.END_CONVERSATION and self._reply_open:
                return
            self._begin(pending, desk)
            if not self._limits.may_begin(kind, desk.plan.actions_max_count):
                desk.note("action_refused", {"reason": "too_many"})
                self._refuse(pending, desk)
                continue
            if kind in _RUN_OUTSIDE:
                pending.running = True
                if kind is ActionKind.TRANSFER_CALL:
                    _note_transfer("transfer_started", pending, desk)
                desk.give(RunAction(pending.call, pending.plan))
                return
            if kind is ActionKind.DTMF:
                pending.running = True
                desk.give(
                    SendDigits(
                        pending.call.action_call_id, str(pending.call.arguments.get("buttons", ""))
                    )
                )
                return
            if kind is ActionKind.END_CONVERSATION:
                self._queue.remove(pending.call.action_call_id)
                self._conclude(pending, DONE, desk)
                self.wants_end = True
            elif kind is ActionKind.WAIT:
                self._queue.remove(pending.call.action_call_id)
                self._conclude(pending, DONE, desk)
            else:
                self._refuse(pending, desk)

    def _refuse(self, pending: PendingAction, desk: Desk) -> None:
        self._queue.remove(pending.call.action_call_id)
        self._conclude(pending, NOT_AVAILABLE, desk)
        self._apologise(desk)

    def _begin(self, pending: PendingAction, desk: Desk) -> None:
        desk.transcript.action_began(pending.call, pending.plan)
        desk.note(
            "action_started",
            {
                "action_call_id": pending.call.action_call_id,
                "function_name": pending.call.function_name,
            },
            arguments=dict(pending.call.arguments),
        )

    def _conclude(self, pending: PendingAction, outcome: ActionOutcome, desk: Desk) -> None:
        desk.transcript.action_ended(pending.call, pending.plan, outcome)
        desk.note(
            "action_finished",
            {
                "action_call_id": pending.call.action_call_id,
                "function_name": pending.call.function_name,
                "success": outcome.success,
                "outcome_class": outcome.outcome_class,
                "status_code": outcome.status_code,
            },
            result=dict(outcome.result),
            agent_message=outcome.agent_message,
        )

    def _record(
        self, call: ActionCall, plan: ActionPlan, outcome: ActionOutcome, desk: Desk
    ) -> None:
        pending = PendingAction(call, plan, RunsWhen.NOW, None)
        self._begin(pending, desk)
        self._conclude(pending, outcome, desk)

    def _repair(self, desk: Desk) -> bool:
        self._repairs += 1
        if self._repairs > REPAIRS_MAX:
            self._repairs = 0
            self._apologise(desk)
            return False
        return True

    def _apologise(self, desk: Desk) -> None:
        """Say sorry once in a turn, however much went wrong in it."""
        if not self._apologised:
            self._apologised = True
            desk.say_stored(StoredPhrase.SORRY_TROUBLE)


def _note_transfer(kind: str, pending: PendingAction, desk: Desk) -> None:
    number = pending.plan.config.get("phone_number")
    desk.note(kind, {"action_call_id": pending.call.action_call_id}, number=number)
