"""What actions hold, by type (reference sections 2.3, 4.2 and 4.5)."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from cordboard.control.fields import Fields, NumberText
from cordboard.storage.vault import is_masked

FUNCTION_CALL = "action_trigger_function_call"
PHRASE_BASED = "action_trigger_phrase_based"
EXTERNAL = "action_external"


def _secret(text: str | None) -> str | None:
    if text is None or is_masked(text):
        return text
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("must be standard base64") from None
    if not 16 <= len(raw) <= 128:
        raise ValueError("must be the base64 of 16 to 128 bytes")
    return text


class EmptyConfig(Fields):
    """Nothing to configure."""


class TransferConfig(Fields):
    """Where to."""

    phone_number: NumberText = Field(min_length=1, max_length=200)


class ConferenceConfig(Fields):
    """Whom to add."""

    phone_number: NumberText = Field(min_length=1, max_length=200)
    place_primary_on_hold: bool = True


class ExternalConfig(Fields):
    """A request to the organisation's own API.

    ``signature_format`` is ours: how the signed body is written, ``python`` with blanks after
    separators and non-ASCII escaped, ``compact`` as ``JSON.stringify`` writes it.
    """

    processing_mode: Literal["muted"] = "muted"
    name: str = Field(min_length=1, max_length=200)
    description: str
    url: str
    input_schema: dict[str, Any]
    speak_on_send: bool
    speak_on_receive: bool
    signature_secret: Annotated[str | None, AfterValidator(_secret)] = None
    signature_format: Literal["python", "compact"] = "python"


class PhraseTrigger(Fields):
    """A phrase of the agent's that sets the action off."""

    phrase: str = Field(min_length=1)
    conditions: list[Literal["phrase_condition_type_contains"]]


class PhraseConfig(Fields):
    """The phrases of a trigger."""

    phrase_triggers: list[PhraseTrigger]


class Trigger(Fields):
    """What sets an action off; the config's form follows from the type."""

    type: Literal["action_trigger_function_call", "action_trigger_phrase_based"] = (
        "action_trigger_function_call"
    )
    config: dict[str, Any] = Field(default_factory=dict)


class EmptyAction(Fields):
    """An action without configuration."""

    config: EmptyConfig = EmptyConfig()
    action_trigger: Trigger = Trigger()


class TransferAction(Fields):
    """``action_transfer_call``."""

    config: TransferConfig
    action_trigger: Trigger = Trigger()


class ConferenceAction(Fields):
    """``action_add_to_conference``."""

    config: ConferenceConfig
    action_trigger: Trigger = Trigger()


class ExternalAction(Fields):
    """``action_external``."""

    config: ExternalConfig
    action_trigger: Trigger = Trigger()


MODELS: dict[str, type[Fields]] = {
    "action_transfer_call": TransferAction,
    "action_end_conversation": EmptyAction,
    "action_dtmf": EmptyAction,
    "action_add_to_conference": ConferenceAction,
    "action_set_hold": EmptyAction,
    EXTERNAL: ExternalAction,
}

# They need values from the model, which a phrase cannot give.
FUNCTION_CALL_ONLY = ("action_dtmf", EXTERNAL)


def infer(value: dict[str, Any]) -> str | None:
    """Return the type of an action that lost it, where its config tells."""
    config = value.get("config")
    if not isinstance(config, dict):
        return None
    if "url" in config or "input_schema" in config:
        return EXTERNAL
    if "place_primary_on_hold" in config:
        return "action_add_to_conference"
    return "action_transfer_call" if set(config) == {"phone_number"} else None
