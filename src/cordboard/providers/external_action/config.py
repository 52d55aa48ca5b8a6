"""What an external action is, and how a language model is offered it."""

from __future__ import annotations

import copy
import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from cordboard.call.actions import ActionPlan, user_message_name
from cordboard.delivery.signing import SignatureFormat

_NAME_CHARS_MAX: Final = 64
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_USER_MESSAGE_HINT: Final = "What to say to the caller right before this is done."


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalActionConfig:
    """The configuration of one external action, as the API has it."""

    name: str
    description: str
    url: str
    input_schema: Mapping[str, object]
    speak_on_send: bool
    speak_on_receive: bool
    signature_secret: str = field(repr=False)
    signature_format: SignatureFormat = "python"

    @classmethod
    def from_plan(cls, plan: ActionPlan, signature_secret: str) -> ExternalActionConfig:
        """Read the configuration out of a frozen plan; the secret comes opened, apart from it."""
        config = plan.config
        compact = config.get("signature_format") == "compact"
        return cls(
            name=str(config.get("name", plan.function_name)),
            description=str(config.get("description", plan.description)),
            url=str(config.get("url", "")),
            input_schema=cast("Mapping[str, object]", config.get("input_schema", plan.parameters)),
            speak_on_send=config.get("speak_on_send") is True,
            speak_on_receive=config.get("speak_on_receive") is True,
            signature_secret=signature_secret,
            signature_format="compact" if compact else "python",
        )


def function_name(name: str, taken: Collection[str]) -> str:
    """Return a name that language models take (``[A-Za-z0-9_-]{1,64}``) and nobody else has.

    A name that fits and is free comes back unchanged.
    """
    fitting = name if _NAME.fullmatch(name) else _fitted(name)
    unique = fitting
    number = 1
    while unique in taken:
        number += 1
        ending = f"_{number}"
        unique = fitting[: _NAME_CHARS_MAX - len(ending)] + ending
    return unique


def model_function(config: ExternalActionConfig, taken: Collection[str] = ()) -> dict[str, Any]:
    """Return the function a language model is offered: name, description and parameters.

    The description and the schema go out as the tenant wrote them; with ``speak_on_send`` one
    required property is added, named by :func:`user_message_property`.
    """
    parameters = _thawed(config.input_schema)
    spoken = user_message_property(config)
    if spoken is not None:
        parameters.setdefault("properties", {})[spoken] = {
            "type": "string",
            "description": _USER_MESSAGE_HINT,
        }
        parameters["required"] = [*parameters.get("required", ()), spoken]
    return {
        "name": function_name(config.name, taken),
        "description": config.description,
        "parameters": parameters,
    }


def user_message_property(config: ExternalActionConfig) -> str | None:
    """Return the parameter that holds what is said before sending, or None if nothing is.

    It is ``user_message``, unless the tenant's schema has a property of that name itself.
    """
    if not config.speak_on_send:
        return None
    properties = config.input_schema.get("properties", {})
    own = properties if isinstance(properties, Mapping) else {}
    return user_message_name(own)


def split_user_message(
    config: ExternalActionConfig, arguments: Mapping[str, object]
) -> tuple[dict[str, object], str | None]:
    """Part a model's arguments into those of the tenant's schema and what is to be said."""
    own = dict(arguments)
    spoken = user_message_property(config)
    if spoken is None:
        return own, None
    words = own.pop(spoken, None)
    return own, words if isinstance(words, str) and words.strip() else None


def _fitted(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9_-]+", "_", plain).strip("_")[:_NAME_CHARS_MAX] or "action"


def _thawed(value: Any) -> Any:
    """Copy a frozen schema into plain dicts and lists, changing nothing else."""
    if isinstance(value, Mapping):
        return {key: _thawed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_thawed(item) for item in value]
    return copy.deepcopy(value)
