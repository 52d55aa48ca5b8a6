"""An agent's actions as a language model is offered them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from cordboard.call import collecting
from cordboard.call.actions import ActionKind, ActionPlan, SpeakBefore
from cordboard.storage.tables import Action

NAME_LENGTH_MAX: Final = 64

_NO_PARAMETERS: Final[Mapping[str, object]] = {"type": "object", "properties": {}}
_BUTTONS: Final[Mapping[str, object]] = {
    "type": "object",
    "properties": {
        "buttons": {
            "type": "string",
            "pattern": "^[0-9*#]+$",
            "description": "The keys to press, in order: digits, * and #.",
        }
    },
    "required": ["buttons"],
}

_DESCRIPTIONS: Final = {
    ActionKind.END_CONVERSATION: (
        "End the call. Use it when the other side says goodbye, or wants to stop and nothing is "
        "left to be done."
    ),
    ActionKind.DTMF: "Press keys of the telephone, as an automatic menu asks for.",
    ActionKind.TRANSFER_CALL: "Hand the call over to another person. The agent leaves the call.",
    ActionKind.ADD_TO_CONFERENCE: "Bring another person into the call.",
    ActionKind.RECORD_EMAIL: collecting.DESCRIPTION,
    ActionKind.WAIT: (
        "Say nothing and wait. Use it while an automatic menu goes on speaking, and while on hold."
    ),
    ActionKind.SET_HOLD: "Put the other side on hold, or take it off hold.",
}
_SPEAK_BEFORE: Final = {
    ActionKind.END_CONVERSATION: SpeakBefore.SOMETIMES,
    ActionKind.DTMF: SpeakBefore.NEVER,
    ActionKind.TRANSFER_CALL: SpeakBefore.ALWAYS,
    ActionKind.ADD_TO_CONFERENCE: SpeakBefore.ALWAYS,
    ActionKind.RECORD_EMAIL: SpeakBefore.NEVER,
    ActionKind.SET_HOLD: SpeakBefore.NEVER,
    ActionKind.WAIT: SpeakBefore.NEVER,
}


def action_plans(
    rows: Sequence[Action],
    filled: Callable[[str], str],
    collected: Sequence[Mapping[str, Any]] = (),
    *,
    may_wait: bool = False,
) -> tuple[ActionPlan, ...]:
    """Return the plans of an agent's actions; ``filled`` puts variables into transfer targets.

    For each field of ``collected`` (a prompt's ``collect_fields``) there is one that takes it, and
    with ``may_wait`` one that says nothing.
    """
    taken: set[str] = set()
    own = [_plan(row, _unique(_function_name(row), taken), filled) for row in rows]
    own += [_record(field, taken) for field in collected]
    return (*own, _waiting(taken)) if may_wait else tuple(own)


def collecting_instructions(actions: Sequence[ActionPlan]) -> str:
    """Return what the prompt is to say of the fields that these actions take."""
    return collecting.instructions(
        [
            (str(plan.config["purpose"]), plan.function_name)
            for plan in actions
            if plan.kind is ActionKind.RECORD_EMAIL
        ]
    )


def _waiting(taken: set[str]) -> ActionPlan:
    kind = ActionKind.WAIT
    return ActionPlan(
        action_id="",
        kind=kind,
        function_name=_unique(kind.value, taken),
        description=_DESCRIPTIONS[kind],
        parameters=_NO_PARAMETERS,
        speak_before=_SPEAK_BEFORE[kind],
    )


def _record(field: Mapping[str, Any], taken: set[str]) -> ActionPlan:
    kind = ActionKind.RECORD_EMAIL
    more = f" ({field['description']})" if field.get("description") else ""
    purpose = f"{field['label'] or field['name']}{more}"
    return ActionPlan(
        action_id="",
        kind=kind,
        function_name=_unique(_fitting(f"record_{field['name']}"), taken),
        description=_DESCRIPTIONS[kind] + purpose,
        parameters=collecting.PARAMETERS,
        config={"name": field["name"], "purpose": purpose},
        speak_before=_SPEAK_BEFORE[kind],
        speak_on_receive=True,
    )


def _plan(row: Action, function_name: str, filled: Callable[[str], str]) -> ActionPlan:
    kind = ActionKind(row.type)
    config: dict[str, Any] = dict(row.fields["config"])
    config.pop("signature_secret", None)
    if kind is ActionKind.EXTERNAL:
        return ActionPlan(
            action_id=row.id,
            kind=kind,
            function_name=function_name,
            description=config["description"],
            parameters=config["input_schema"],
            config=config,
            speak_before=SpeakBefore.ALWAYS if config["speak_on_send"] else SpeakBefore.NEVER,
            speak_on_receive=config["speak_on_receive"],
        )
    if "phone_number" in config:
        config["phone_number"] = filled(config["phone_number"])
    triggers = row.fields["action_trigger"]["config"].get("phrase_triggers", [])
    return ActionPlan(
        action_id=row.id,
        kind=kind,
        function_name=function_name,
        description=_DESCRIPTIONS[kind],
        parameters=_BUTTONS if kind is ActionKind.DTMF else _NO_PARAMETERS,
        config=config,
        phrases=tuple(trigger["phrase"] for trigger in triggers),
        speak_before=_SPEAK_BEFORE[kind],
    )


def _function_name(row: Action) -> str:
    name = row.fields["config"].get("name") if row.type == ActionKind.EXTERNAL else None
    return _fitting(name or row.type)


def _fitting(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)[:NAME_LENGTH_MAX]


def _unique(name: str, taken: set[str]) -> str:
    unique, number = name, 1
    while unique in taken:
        number += 1
        suffix = f"_{number}"
        unique = name[: NAME_LENGTH_MAX - len(suffix)] + suffix
    taken.add(unique)
    return unique
