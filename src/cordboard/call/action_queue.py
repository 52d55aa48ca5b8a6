"""The actions that an agent has asked for and that are not over yet."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from cordboard.call.actions import (
    ActionCall,
    ActionKind,
    ActionOutcome,
    ActionPlan,
    SpeakBefore,
    user_message_name,
)
from cordboard.call.backchannel import plain

ARGUMENTS_BYTES_MAX = 65_536


class RunsWhen(StrEnum):
    """What an action waits for before it runs."""

    MESSAGE_STARTS = "message_starts"
    MESSAGE_ENDS = "message_ends"
    NOW = "now"


@dataclass(slots=True)
class PendingAction:
    """One action under way. ``utterance_id`` is what it waits for; ``sent`` means that nothing
    withdraws it.
    """

    call: ActionCall
    plan: ActionPlan
    runs_when: RunsWhen
    utterance_id: str | None
    running: bool = False
    sent: bool = False


class ActionQueue:
    """The pending actions of a call, in the order in which they were asked for."""

    def __init__(self) -> None:
        self._pending: dict[str, PendingAction] = {}

    def add(self, action: PendingAction) -> None:
        """Append an action."""
        self._pending[action.call.action_call_id] = action

    def get(self, action_call_id: str) -> PendingAction | None:
        """Return a pending action."""
        return self._pending.get(action_call_id)

    def remove(self, action_call_id: str) -> PendingAction | None:
        """Forget an action that is over."""
        return self._pending.pop(action_call_id, None)

    def ready(self) -> PendingAction | None:
        """Return the first action if it waits for nothing and does not run: one runs at a time."""
        first = next(iter(self._pending.values()), None)
        if first is None or first.running or first.utterance_id is not None:
            return None
        return first

    def utterance_started(self, utterance_id: str) -> None:
        """Release the actions that run with the first sound of this utterance."""
        for action in self._pending.values():
            if action.utterance_id == utterance_id and action.runs_when is RunsWhen.MESSAGE_STARTS:
                action.utterance_id = None

    def utterance_ended(self, utterance_id: str) -> None:
        """Release the actions that wait for the end of this utterance."""
        for action in self._pending.values():
            if action.utterance_id == utterance_id:
                action.utterance_id = None

    def wait_longer(self, kind: ActionKind, utterance_id: str | None) -> None:
        """Let the actions of a kind that have not begun wait for the end of this utterance."""
        for action in self._pending.values():
            if action.plan.kind is kind and not action.running and utterance_id is not None:
                action.utterance_id = utterance_id
                action.runs_when = RunsWhen.MESSAGE_ENDS

    def running(self) -> PendingAction | None:
        """Return the action that runs now."""
        return next((action for action in self._pending.values() if action.running), None)

    def take_withdrawable(self) -> list[PendingAction]:
        """Remove and return what has not begun to run."""
        withdrawn = [action for action in self._pending.values() if not action.running]
        for action in withdrawn:
            del self._pending[action.call.action_call_id]
        return withdrawn

    @property
    def is_empty(self) -> bool:
        """Whether nothing is under way."""
        return not self._pending

    @property
    def is_running(self) -> bool:
        """Whether an action runs now."""
        return self.running() is not None


class BadArguments(Exception):
    """What a model gave as arguments is not a JSON object; the text says how."""


def read_arguments(plan: ActionPlan, arguments_json: str) -> tuple[dict[str, object], str | None]:
    """Return the model's arguments without what is to be said first, and that. Raises
    ``BadArguments``.

    A ``user_message`` that is a property of the tenant's own schema stays where it is.
    """
    if len(arguments_json) > ARGUMENTS_BYTES_MAX:
        raise BadArguments("the arguments are too long")
    try:
        value = json.loads(arguments_json or "{}")
        # Neither halves of characters nor numbers without end can be stored or sent on.
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise BadArguments("the arguments are not JSON") from None
    if not isinstance(value, dict):
        raise BadArguments("the arguments are not a JSON object")
    message: str | None = None
    if plan.speak_before is not SpeakBefore.NEVER:
        properties = plan.parameters.get("properties", {})
        own = properties if isinstance(properties, Mapping) else {}
        given = value.pop(user_message_name(own), None)
        if isinstance(given, str) and given.strip():
            message = given.strip()
    if plan.kind is ActionKind.DTMF and not re.fullmatch(
        r"[0-9*#]{1,64}", str(value.get("buttons", ""))
    ):
        raise BadArguments("buttons is not a row of the keys 0 to 9, * and #")
    return value, message


def offered(actions: Iterable[ActionPlan], function_name: str) -> ActionPlan | None:
    """Return the action that a model may ask for by this name."""
    for action in actions:
        if action.function_name == function_name and not action.phrases:
            return action
    return None


def triggered(actions: Iterable[ActionPlan], said: str) -> ActionPlan | None:
    """Return the first action one of whose phrases occurs in what the model said in one turn."""
    words, letters = plain(said), _bare(said)
    for action in actions:
        for phrase in action.phrases:
            wanted = plain(phrase)
            if wanted and (wanted in words or _bare(phrase) in letters):
                return action
    return None


def _bare(text: str) -> str:
    """Return ``text`` with punctuation left out, not replaced: "good-bye" is "goodbye"."""
    return " ".join(re.sub(r"[^\w\s]", "", text.lower()).split())


def runs_when(plan: ActionPlan) -> RunsWhen:
    """Return what an action of this kind waits for when a message is spoken before it."""
    return RunsWhen.MESSAGE_STARTS if plan.kind is ActionKind.EXTERNAL else RunsWhen.MESSAGE_ENDS


WITHDRAWN = ActionOutcome(
    success=False,
    result={"info": "Not done: the other side went on speaking before it began."},
    agent_message=None,
    outcome_class="withdrawn",
    status_code=None,
)

NOT_AVAILABLE = ActionOutcome(
    success=False,
    result={"info": "This is not possible on this call. Say so and offer something else."},
    agent_message=None,
    outcome_class="refused",
    status_code=None,
)

OVERDUE = ActionOutcome(
    success=False,
    result={"info": "No answer came in time. It is not known whether it was done."},
    agent_message=None,
    outcome_class="timeout",
    status_code=None,
)

DONE = ActionOutcome(
    success=True, result={}, agent_message=None, outcome_class="success", status_code=None
)


UNKNOWN_FUNCTION = ActionOutcome(
    success=False,
    result={"info": "There is no function of this name. Use only those that are offered."},
    agent_message=None,
    outcome_class="refused",
    status_code=None,
)


def unknown_function(name: str) -> ActionPlan:
    """Return what stands on record for a function that does not exist, under a name that a model
    may be shown again.
    """
    shown = re.sub(r"[^A-Za-z0-9_-]+", "_", name)[:64] or "unnamed"
    return ActionPlan(action_id="", kind=ActionKind.EXTERNAL, function_name=shown)


def bad_arguments(problem: str) -> ActionOutcome:
    """Return the outcome of an action that was never run because of what it was given."""
    return ActionOutcome(
        success=False,
        result={
            "info": "Not done: the values do not fit. Ask for what is wrong and try again.",
            "problems": [problem],
        },
        agent_message=None,
        outcome_class="invalid_arguments",
        status_code=None,
    )
