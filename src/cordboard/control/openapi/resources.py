"""The schemas of all resources but calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cordboard.control.account_connections import schemas as connections
from cordboard.control.account_connections.steering import AddParams, RemoveParams
from cordboard.control.actions import schemas as actions
from cordboard.control.agents.references import CONNECTION
from cordboard.control.agents.schemas import AgentFields
from cordboard.control.fields import Fields
from cordboard.control.numbers.schemas import (
    KNOWN_PROVIDERS,
    SIP,
    BuyParams,
    LinkParams,
    NumberFields,
)
from cordboard.control.openapi.shapes import (
    FLAG,
    LEFT_AS_IT_IS,
    NOTHING,
    TEXT,
    UUID,
    Shape,
    by_type,
    changed,
    either,
    fields_of,
    page_of,
    record,
    ref,
    shown,
    typed,
    whole,
)
from cordboard.control.prompts.schemas import PromptFields, PromptTemplate
from cordboard.control.vector_databases import schemas as vector_databases
from cordboard.control.voices import schemas as voices
from cordboard.control.webhooks.schemas import WebhookFields


def _name(kind: str) -> str:
    return "".join(part.capitalize() for part in kind.split("_"))


LANGUAGE_ACCOUNT: Final = ref(_name(connections.LANGUAGE_TYPE))
CARRIER_ACCOUNT: Final = ref(_name(connections.CARRIER_TYPE))


def _typed_resource(noun: str, models: Mapping[str, type[Fields]], trigger: Shape | None) -> Shape:
    """Return the schemas of a resource of several types: asked for, shown, changed."""
    more = {} if trigger is None else {"action_trigger": trigger}
    schemas: Shape = {}
    asked, seen, changes = {}, {}, {}
    for kind, model in models.items():
        name = _name(kind)
        shape = typed(fields_of(model, more), kind)
        answered = typed(fields_of(model, more, answered=True), kind)
        asked[kind], seen[kind], changes[kind] = f"{name}Params", name, f"{name}UpdateParams"
        schemas |= {
            f"{name}Params": shape,
            name: shown(answered),
            f"{name}UpdateParams": changed(shape),
        }
    return schemas | {
        f"{noun}Params": by_type(asked),
        noun: by_type(seen),
        f"{noun}UpdateParams": by_type(changes),
        f"{noun}Page": page_of(by_type(seen)),
    }


def plain_resource(noun: str, shape: Shape, answered: Shape) -> Shape:
    """Return the schemas of a resource of one type: asked for, shown, changed, in a list."""
    return {
        f"{noun}Params": shape,
        noun: shown(answered),
        f"{noun}UpdateParams": changed(shape),
        f"{noun}Page": page_of(ref(noun)),
    }


def _trigger() -> Shape:
    phrases = fields_of(actions.PhraseConfig)
    kinds = {
        actions.FUNCTION_CALL: {"type": "object"},
        actions.PHRASE_BASED: phrases,
    }
    forms = [
        typed(record({"config": config}, [] if kind == actions.FUNCTION_CALL else ["config"]), kind)
        for kind, config in kinds.items()
    ]
    return {"oneOf": forms, "default": {"type": actions.FUNCTION_CALL, "config": {}}}


def _prompt(*, answered: bool = False) -> Shape:
    template = fields_of(PromptTemplate, {"id": UUID, "user_id": UUID})
    template["required"] = ["id", "user_id", "required_context_keys"]
    forms = {"prompt_template": either(UUID, template, NOTHING)}
    return fields_of(PromptFields, forms, answered=answered)


def _agents() -> Shape:
    own, seen = fields_of(AgentFields), fields_of(AgentFields, answered=True)
    database = "VectorDatabase"

    def refers(suffix: str) -> Shape:
        """Return the references of an agent that is asked for, or changed: ids or objects."""
        return {
            "prompt": either(UUID, TEXT, ref(f"Prompt{suffix}")),
            "voice": either(UUID, ref(f"Voice{suffix}")),
            "actions": {"type": "array", "items": either(UUID, ref(f"Action{suffix}"))},
            "webhook": either(UUID, ref(f"Webhook{suffix}"), NOTHING),
            "vector_database": either(UUID, ref(f"{database}{suffix}"), NOTHING),
            CONNECTION: either(UUID, LANGUAGE_ACCOUNT, NOTHING),
        }

    asked = record({**own["properties"], **refers("Params")}, ["prompt"])
    change = changed(record({**own["properties"], **refers("UpdateParams")}, []))
    parts = {
        "prompt": ref("Prompt"),
        "voice": ref("Voice"),
        "actions": {"type": "array", "items": ref("Action")},
        "webhook": either(ref("Webhook"), NOTHING),
        "vector_database": either(ref(database), NOTHING),
        CONNECTION: either(LANGUAGE_ACCOUNT, NOTHING),
    }
    # In lists they are ids; the protocol would allow some of them whole.
    listed = {
        "voice": UUID,
        "actions": {"type": "array", "items": UUID},
        "prompt": either(UUID, ref("Prompt")),
        "webhook": either(UUID, NOTHING),
        "vector_database": either(UUID, ref(database), NOTHING),
        CONNECTION: either(UUID, LANGUAGE_ACCOUNT, NOTHING),
    }
    needed = ["prompt", "actions", "voice", *seen["required"]]
    return {
        "AgentParams": asked,
        "AgentUpdateParams": change,
        "Agent": shown(record({**seen["properties"], **parts}, needed)),
        "NormalizedAgent": shown(record({**seen["properties"], **listed}, needed)),
        "AgentPage": page_of(ref("NormalizedAgent")),
    }


def _numbers() -> Shape:
    agent = either(ref("AgentParams"), UUID, {"type": "string", "const": "default"}, NOTHING)
    own = fields_of(NumberFields)["properties"]
    common = {
        "active": FLAG,
        **own,
        "number": TEXT,
        "telephony_provider": {"type": "string", "enum": [*KNOWN_PROVIDERS, SIP]},
        "carrier": TEXT,
        "trunk_id": either(UUID, NOTHING),
        "agent_id": either(UUID, NOTHING),
        "inbound_flow": either(UUID, NOTHING),
    }
    seen = {
        "inbound_agent": either(ref("Agent"), NOTHING),
        "telephony_account_connection": either(CARRIER_ACCOUNT, NOTHING),
        "carrier_problem": either(TEXT, NOTHING),
    }
    listed = {
        "inbound_agent": either(UUID, NOTHING),
        "telephony_account_connection": either(UUID, CARRIER_ACCOUNT, NOTHING),
    }
    update = changed(record(own, []))
    update["properties"]["inbound_agent"] = either(
        ref("AgentUpdateParams"), UUID, LEFT_AS_IT_IS, NOTHING
    )
    update["properties"]["inbound_flow"] = either(UUID, LEFT_AS_IT_IS, NOTHING)
    answered = {"inbound_agent": agent, "inbound_flow": either(UUID, NOTHING)}
    buy = {**answered, "telephony_account_connection": either(UUID, NOTHING)}
    link = {**answered, "telephony_account_connection": UUID}
    linked = fields_of(LinkParams, link)
    linked["required"] = ["phone_number", "telephony_account_connection"]
    return {
        "BuyPhoneNumberRequest": fields_of(BuyParams, buy),
        "LinkPhoneNumberRequest": linked,
        "UpdateNumberRequest": update,
        "PhoneNumber": shown(whole({**common, **seen})),
        "NormalizedPhoneNumber": shown(whole({**common, **listed})),
        "PhoneNumberPage": page_of(ref("NormalizedPhoneNumber")),
        "AddToSteeringPoolRequest": fields_of(AddParams),
        "RemoveFromSteeringPoolRequest": fields_of(RemoveParams),
    }


def _voices() -> Shape:
    schemas = _typed_resource("Voice", voices.MODELS, None)
    for schema in schemas.values():
        model = schema.get("properties", {}).get("model_id")
        if model is not None:
            # An empty object stands for none here.
            schema["properties"]["model_id"] = either(*model["anyOf"], LEFT_AS_IT_IS)
    return schemas


def resource_schemas() -> Shape:
    """Return the schemas of everything that is configured."""
    return {
        **_typed_resource("AccountConnection", connections.MODELS, None),
        **_typed_resource("Action", actions.MODELS, _trigger()),
        **_voices(),
        **_typed_resource("VectorDatabase", vector_databases.MODELS, None),
        **plain_resource("Prompt", _prompt(), _prompt(answered=True)),
        **plain_resource(
            "Webhook", fields_of(WebhookFields), fields_of(WebhookFields, answered=True)
        ),
        **_agents(),
        **_numbers(),
    }
