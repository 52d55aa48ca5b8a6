"""Actions as the functions that a model is offered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cordboard.call.actions import ActionPlan, SpeakBefore, user_message_name

_SAY_FIRST = "What to say to the caller right before this is done."


def tools_of(actions: Sequence[ActionPlan]) -> list[dict[str, Any]]:
    """Return the tools for these actions. Those that a phrase triggers are not offered.

    Description and parameters go out as they are in the plan; where something may or must be
    said first, one property is added for it.
    """
    return [
        {
            "type": "function",
            "function": {
                "name": plan.function_name,
                "description": plan.description,
                "parameters": _parameters(plan),
            },
        }
        for plan in actions
        if not plan.phrases
    ]


def wanting_everything(actions: Sequence[ActionPlan]) -> list[str]:
    """Return the names of the functions whose schema has values but names none as required: all
    of them are wanted then.
    """
    return [
        plan.function_name
        for plan in actions
        if not plan.phrases and plan.parameters.get("properties") and not _required(plan)
    ]


def _parameters(plan: ActionPlan) -> dict[str, Any]:
    parameters: dict[str, Any] = _thawed(plan.parameters)
    parameters.setdefault("type", "object")
    properties = parameters.setdefault("properties", {})
    if plan.speak_before is not SpeakBefore.NEVER and isinstance(properties, dict):
        name = user_message_name(properties)
        properties[name] = {"type": "string", "description": _SAY_FIRST}
        if plan.speak_before is SpeakBefore.ALWAYS:
            parameters["required"] = [*_required(plan), name]
    return parameters


def _required(plan: ActionPlan) -> Sequence[object]:
    required = plan.parameters.get("required", ())
    return required if isinstance(required, list | tuple) else ()


def _thawed(value: Any) -> Any:
    """Copy a frozen schema into plain dicts and lists, changing nothing else."""
    if isinstance(value, Mapping):
        return {str(key): _thawed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_thawed(item) for item in value]
    return value
