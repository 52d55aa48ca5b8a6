"""What a handler may return, as the actions that go to the server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from cordboard.flowapp.actions import Action, action_json

Wire = dict[str, Any]
"""An action as JSON has it."""

Answer = Action | str | Mapping[str, Any] | Sequence[Action | str | Mapping[str, Any]] | None
"""An action, a text to speak, a plain dictionary with a ``type``, several of these, or nothing."""

_ACTIONS = get_args(Action)


def wire_actions(answer: Answer, session_id: str) -> list[Wire]:
    """Return the actions in their order, each for this session.

    Raises ``TypeError`` for what is no action.
    """
    if answer is None:
        return []
    if isinstance(answer, Sequence) and not isinstance(answer, (str, bytes, bytearray)):
        return [_wire(action, session_id) for action in answer]
    return [_wire(answer, session_id)]


def _wire(action: object, session_id: str) -> Wire:
    if isinstance(action, str):
        return {"type": "speak", "session_id": session_id, "text": action}
    if isinstance(action, _ACTIONS):
        return action_json(action, session_id)
    if isinstance(action, Mapping) and isinstance(action.get("type"), str):
        return {"session_id": session_id, **action}
    kind = type(action).__name__
    raise TypeError(f"{kind}: an action is a model, a text, or a dictionary with a type")
