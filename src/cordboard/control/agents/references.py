"""What an agent refers to: read from an id or an inline object, patched in place on update."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

from cordboard.control.account_connections.schemas import LANGUAGE_TYPE
from cordboard.control.account_connections.service import ACCOUNT_CONNECTIONS
from cordboard.control.actions.service import ACTIONS
from cordboard.control.errors import Invalid, Place, Problem, collecting, raise_any
from cordboard.control.fields import Json, as_uuid
from cordboard.control.prompts.service import PROMPTS
from cordboard.control.resources import Resource
from cordboard.control.rows import find
from cordboard.control.unit import Unit
from cordboard.control.vector_databases.service import VECTOR_DATABASES
from cordboard.control.voices.service import VOICES, default_voice
from cordboard.control.webhooks.service import WEBHOOKS
from cordboard.storage.tables import Agent, ResourceRow

R = TypeVar("R", bound=ResourceRow)

ACTIONS_MAX: Final = 64

CONNECTION: Final = "openai_account_connection"


async def set_new(unit: Unit, agent: Agent, value: Json, place: Place) -> None:
    """Set a new agent's references."""
    problems: list[Problem] = []
    with collecting(problems):
        if value.get("prompt") is None:
            raise Invalid.at((*place, "prompt"), "Field required", "missing")
        prompt = await PROMPTS.resolve(unit, value["prompt"], (*place, "prompt"))
        agent.prompt_id = prompt.id
    with collecting(problems):
        if value.get("voice") in (None, {}):
            row = await default_voice(unit)
        else:
            row = await VOICES.resolve(unit, value["voice"], (*place, "voice"))
        agent.voice_id = row.id
    await _set_optional(unit, agent, value, place, problems)
    raise_any(problems)


async def patch(unit: Unit, agent: Agent, value: Json, place: Place) -> None:
    """Change the references that an update gives; an object changes what is attached now."""
    problems: list[Problem] = []
    if "prompt" in value:
        with collecting(problems):
            new = value["prompt"]
            if isinstance(new, str) and as_uuid(new) is None:
                new = {"content": new}
            row = await _patched(unit, PROMPTS, agent.prompt_id, new, (*place, "prompt"))
            agent.prompt_id = row.id
    if "voice" in value:
        with collecting(problems):
            agent.voice_id = await _patched_voice(unit, agent, value["voice"], (*place, "voice"))
    await _set_optional(unit, agent, value, place, problems)
    raise_any(problems)


async def listed_actions(unit: Unit, value: object, place: Place) -> Sequence[str]:
    """Return the ids of a list of actions; every inline object becomes a new action."""
    if not isinstance(value, list):
        raise Invalid.at(place, "Input should be a list", "list_type")
    if len(value) > ACTIONS_MAX:
        raise Invalid.at(place, f"at most {ACTIONS_MAX} actions", "too_long")
    problems: list[Problem] = []
    ids: list[str] = []
    for index, item in enumerate(value):
        with collecting(problems):
            ids.append((await ACTIONS.resolve(unit, item, (*place, index))).id)
    raise_any(problems)
    return ids


async def _set_optional(
    unit: Unit, agent: Agent, value: Json, place: Place, problems: list[Problem]
) -> None:
    with collecting(problems):
        if "webhook" in value:
            where = (*place, "webhook")
            agent.webhook_id = await _optional(
                unit, WEBHOOKS, agent.webhook_id, value["webhook"], where
            )
    with collecting(problems):
        if "vector_database" in value:
            where = (*place, "vector_database")
            agent.vector_database_id = await _optional(
                unit, VECTOR_DATABASES, agent.vector_database_id, value["vector_database"], where
            )
    with collecting(problems):
        if CONNECTION in value:
            agent.openai_account_connection_id = await _connection(
                unit, value[CONNECTION], (*place, CONNECTION)
            )


async def _optional(
    unit: Unit, resource: Resource[R], current: str | None, value: object, place: Place
) -> str | None:
    if value is None:
        return None
    return (await _patched(unit, resource, current, value, place)).id


async def _patched(
    unit: Unit, resource: Resource[R], current: str | None, value: object, place: Place
) -> R:
    if current is None or isinstance(value, str):
        return await resource.resolve(unit, value, place)
    row = await find(unit, resource.table, current, resource.noun)
    await resource.amend(unit, row, value, place)
    return row


async def _patched_voice(unit: Unit, agent: Agent, value: object, place: Place) -> str:
    """Change the attached voice; an object of another type becomes a voice of its own."""
    if isinstance(value, dict):
        row = await find(unit, VOICES.table, agent.voice_id, VOICES.noun)
        if VOICES.kind_of(value, row.type, place) == row.type:
            VOICES.change(unit, row, value, place)
            return row.id
    return (await VOICES.resolve(unit, value, place)).id


async def _connection(unit: Unit, value: object, place: Place) -> str | None:
    """Return the id of a connection given by id, or whole; inline ones are not in the protocol."""
    if value is None:
        return None
    wanted = value.get("id") if isinstance(value, dict) else value
    if not isinstance(wanted, str):
        raise Invalid.at(place, "Input should be the id of an account connection")
    row = await ACCOUNT_CONNECTIONS.resolve(unit, wanted, place)
    if row.type != LANGUAGE_TYPE:
        raise Invalid.at(place, f"must be of type {LANGUAGE_TYPE}")
    return row.id
