"""What an agent may do on a call, one run of it, and what came of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class ActionKind(StrEnum):
    """The actions of the public API, by their wire names. Two cannot be made there:
    ``RECORD_EMAIL`` comes of what a prompt has its agent collect, ``WAIT`` of
    ``ivr_navigation_mode``.
    """

    END_CONVERSATION = "action_end_conversation"
    DTMF = "action_dtmf"
    TRANSFER_CALL = "action_transfer_call"
    ADD_TO_CONFERENCE = "action_add_to_conference"
    SET_HOLD = "action_set_hold"
    EXTERNAL = "action_external"
    RECORD_EMAIL = "action_record_email"
    WAIT = "action_wait"


def user_message_name(properties: Collection[str]) -> str:
    """Return the parameter by which a model says what is spoken before an action runs:
    ``user_message``, or where the tenant's schema has that property itself, ``user_message_2`` and
    so on.
    """
    name, number = "user_message", 1
    while name in properties:
        number += 1
        name = f"user_message_{number}"
    return name


class SpeakBefore(StrEnum):
    """Whether the model must, may or must not give words to say before the action runs."""

    NEVER = "never"
    SOMETIMES = "sometimes"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionPlan:
    """One action of a frozen plan.

    ``function_name`` is unique within the plan and fits a language model's rules for names.
    ``description`` and ``parameters`` (a JSON Schema of type object, without ``user_message``)
    are what the model is offered. ``config`` is the action's own configuration as the API stores
    it. ``phrases`` are its phrase triggers; with any, the action is not offered as a function.
    """

    action_id: str
    kind: ActionKind
    function_name: str
    description: str = ""
    parameters: Mapping[str, object] = field(default_factory=dict)
    config: Mapping[str, object] = field(default_factory=dict)
    phrases: tuple[str, ...] = ()
    speak_before: SpeakBefore = SpeakBefore.NEVER
    speak_on_receive: bool = False


@dataclass(frozen=True, slots=True)
class ActionCall:
    """One run of an action: the caller's values for its parameters, without ``user_message``."""

    action_call_id: str
    function_name: str
    arguments: Mapping[str, object]
    user_message: str | None = None


@dataclass(frozen=True, slots=True)
class ActionOutcome:
    """What came of an action call, in words that may go to a model.

    ``outcome_class`` is one of a closed list (``"success"``, ``"rejected"``, ``"unauthorised"``,
    ``"server_error"``, ``"timeout"``, ``"unreachable"``, ``"bad_answer"``, ``"invalid_arguments"``,
    ``"withdrawn"``, ``"refused"``). The upstream body of a failure is never part of it.
    """

    success: bool
    result: Mapping[str, object]
    agent_message: str | None
    outcome_class: str
    status_code: int | None
