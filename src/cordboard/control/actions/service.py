"""Rules of actions: triggers, transfer targets, external configs and their secrets."""

from __future__ import annotations

import base64
from typing import Any, Final

from cordboard.control.actions.queries import COLUMNS
from cordboard.control.actions.schemas import (
    EXTERNAL,
    FUNCTION_CALL,
    FUNCTION_CALL_ONLY,
    MODELS,
    PHRASE_BASED,
    PhraseConfig,
    infer,
)
from cordboard.control.errors import Invalid, Place, Problem
from cordboard.control.fields import Json, dumped, mapping, validated
from cordboard.control.masking import with_value
from cordboard.control.resources import Resource
from cordboard.control.targets import check_target
from cordboard.control.unit import Unit
from cordboard.storage.agent_rows import api_resource
from cordboard.storage.secrets import SIGNATURE_SECRET, secret_in
from cordboard.storage.tables import Action
from cordboard.storage.vault import SecretUnreadable

SECRET_BYTES: Final = 32


class Actions(Resource[Action]):
    """Actions; an external one gets its signature secret here and keeps it through updates."""

    def add(self, unit: Unit, value: object, place: Place) -> Action:
        """Make an action."""
        return super().add(unit, _with_trigger(mapping(value, place)), place)

    def change(self, unit: Unit, row: Action, value: object, place: Place) -> None:
        """Change an action; its config is replaced as a whole, but for the secret."""
        super().change(unit, row, _with_trigger(mapping(value, place)), place)

    def kind_of(self, value: Json, current: str | None, place: Place) -> str:
        """Return the type, and refuse a trigger that it cannot have."""
        kind = super().kind_of(value, current, place)
        trigger = value.get("action_trigger")
        phrases = isinstance(trigger, dict) and trigger.get("type") == PHRASE_BASED
        if phrases and kind in FUNCTION_CALL_ONLY:
            where = (*place, "action_trigger", "type")
            raise Invalid.at(where, f"{kind} must have {FUNCTION_CALL}")
        return kind


def _with_trigger(value: Json) -> Json:
    """Give a trigger its type back: the official client loses it inside other models."""
    trigger = value.get("action_trigger")
    if not isinstance(trigger, dict) or not trigger or trigger.get("type"):
        return value
    config = trigger.get("config")
    phrases = isinstance(config, dict) and "phrase_triggers" in config
    return {
        **value,
        "action_trigger": {**trigger, "type": PHRASE_BASED if phrases else FUNCTION_CALL},
    }


def _rework(unit: Unit, fields: Json, place: Place) -> Json:
    trigger = fields["action_trigger"]
    config: Json = {}
    if trigger["type"] == PHRASE_BASED:
        where = (*place, "action_trigger", "config")
        config = dumped(validated(PhraseConfig, trigger["config"], where))
    fields = {**fields, "action_trigger": {**trigger, "config": config}}
    if "input_schema" not in fields["config"]:
        return fields
    return {**fields, "config": _checked_external(unit, fields["config"], (*place, "config"))}


def _checked_external(unit: Unit, config: Json, place: Place) -> Json:
    check_target(unit, config["url"], (*place, "url"))
    if config["input_schema"].get("type") != "object":
        raise Invalid.at(
            (*place, "input_schema", "type"), "the top level of an input_schema must be an object"
        )
    problems, warnings = unit.services.check_external_action(config)
    if problems:
        raise Invalid([Problem((*place, *found.place), found.message) for found in problems])
    unit.notices.extend(warnings)
    if config["signature_secret"] is not None:
        return config
    secret = base64.b64encode(unit.services.randomness.random_bytes(SECRET_BYTES)).decode()
    return {**config, "signature_secret": secret}


def _carry_over(old: Json, new: Json) -> Json:
    kept: Any = old.get("config", {}).get("signature_secret")
    config = new.get("config")
    if kept is None or not isinstance(config, dict):
        return new
    if config.get("signature_secret") not in (None, {}):
        return new
    return {**new, "config": {**config, "signature_secret": kept}}


def _show(unit: Unit, row: Action) -> Json:
    return with_secret(unit, row, api_resource(row))


def with_secret(unit: Unit, row: Action, shown: Json) -> Json:
    """Put an external action's signature secret in clear, for keys that may see it.

    Of one that cannot be read the mask stays, so that the others of a list are still to be had.
    """
    secret = None
    try:
        if unit.full_scope:
            secret = secret_in(unit.services.vault, row, *SIGNATURE_SECRET)
    except SecretUnreadable:
        unit.notices.append("config.signature_secret cannot be read: store another one")
    return shown if secret is None else with_value(shown, SIGNATURE_SECRET, secret)


ACTIONS: Final = Actions(
    noun="action",
    table=Action,
    models=MODELS,
    columns=COLUMNS,
    infer=infer,
    secrets={EXTERNAL: [SIGNATURE_SECRET]},
    rework=_rework,
    carry_over=_carry_over,
    show=_show,
)
