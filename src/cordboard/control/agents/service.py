"""Rules of agents."""

from __future__ import annotations

from typing import Final

from cordboard.control.actions.service import with_secret
from cordboard.control.agents.queries import COLUMNS, action_ids, replace_actions
from cordboard.control.agents.references import listed_actions, patch, set_new
from cordboard.control.agents.schemas import DEFAULT_AGENT, KEEP_EMPTY, AgentFields
from cordboard.control.errors import Invalid, Place, Problem, collecting, raise_any
from cordboard.control.fields import Json, as_uuid, dumped, given, mapping, validated
from cordboard.control.requests import PageQuery
from cordboard.control.rows import find, page_of
from cordboard.control.targets import check_target
from cordboard.control.unit import Unit
from cordboard.storage.agent_rows import agent_parts, api_agent
from cordboard.storage.tables import Agent

NOUN: Final = "agent"


class Agents:
    """Agents: own fields, and references to what they are made of."""

    async def get(self, unit: Unit, row_id: str) -> Json:
        """Return one, whole."""
        return await show(unit, await find(unit, Agent, row_id, NOUN))

    async def list(self, unit: Unit, page: PageQuery) -> Json:
        """Return a page; what agents refer to is told by ids there."""
        rows, total = await page_of(unit, Agent, page, COLUMNS)
        actions = await action_ids(unit, [row.id for row in rows])
        return page.envelope([_normalized(row, actions[row.id]) for row in rows], total)

    async def create(self, unit: Unit, body: Json) -> Json:
        """Make one, and whatever it holds inline."""
        return await show(unit, await add(unit, body, ("body",)))

    async def update(self, unit: Unit, row_id: str, body: Json) -> Json:
        """Change what the body gives."""
        row = await find(unit, Agent, row_id, NOUN)
        await change(unit, row, body, ("body",))
        return await show(unit, row)


AGENTS: Final = Agents()


async def add(unit: Unit, value: object, place: Place) -> Agent:
    """Make an agent from input at ``place``.

    Raises:
        Invalid: with the problems of all its parts.
        NotFound: a reference leads nowhere.

    """
    new = mapping(value, place)
    problems: list[Problem] = []
    agent = Agent(
        id=unit.services.randomness.uuid(),
        organisation_id=unit.organisation_id,
        created_at=unit.services.clock.wall(),
        fields={},
    )
    with collecting(problems):
        agent.fields = dumped(validated(AgentFields, new, place))
    with collecting(problems):
        _check_endpoint(unit, new, place)
    with collecting(problems):
        await set_new(unit, agent, new, place)
    ids: list[str] = []
    with collecting(problems):
        ids.extend(await listed_actions(unit, new.get("actions", []), (*place, "actions")))
    raise_any(problems)
    unit.session.add(agent)
    await replace_actions(unit, agent.id, ids)
    return agent


async def change(unit: Unit, agent: Agent, value: object, place: Place) -> None:
    """Change an agent by input at ``place``; errors as in :func:`add`."""
    new = given(mapping(value, place), KEEP_EMPTY)
    problems: list[Problem] = []
    if not new:
        unit.notices.append("nothing was changed")
    with collecting(problems):
        agent.fields = dumped(validated(AgentFields, {**agent.fields, **new}, place))
    with collecting(problems):
        _check_endpoint(unit, new, place)
    with collecting(problems):
        await patch(unit, agent, new, place)
    ids = None
    if "actions" in new:
        with collecting(problems):
            ids = await listed_actions(unit, new["actions"], (*place, "actions"))
    raise_any(problems)
    if ids is not None:
        await replace_actions(unit, agent.id, ids)


async def add_default(unit: Unit) -> Agent:
    """Make the agent that a number gets when nothing else was asked for."""
    return await add(unit, DEFAULT_AGENT, ("body", "inbound_agent"))


async def resolve(unit: Unit, value: object, place: Place) -> Agent:
    """Return the agent that an id names, or one made from an inline object."""
    if isinstance(value, str):
        if as_uuid(value) is None:
            raise Invalid.at(place, "Input should be an id (UUID) or an object", "uuid_parsing")
        return await find(unit, Agent, value, NOUN, ".".join(map(str, place)))
    return await add(unit, value, place)


async def show(unit: Unit, row: Agent) -> Json:
    """Return an agent whole, with everything it refers to."""
    await unit.session.flush()
    parts = await agent_parts(unit.session, row)
    shown = api_agent(parts)
    pairs = zip(parts.actions, shown["actions"], strict=True)
    return {**shown, "actions": [with_secret(unit, action, item) for action, item in pairs]}


def _check_endpoint(unit: Unit, value: Json, place: Place) -> None:
    url = value.get("context_endpoint")
    if isinstance(url, str) and url:
        check_target(unit, url, (*place, "context_endpoint"))


def _normalized(row: Agent, actions: list[str]) -> Json:
    return {
        "id": row.id,
        "user_id": row.organisation_id,
        **row.fields,
        "prompt": row.prompt_id,
        "voice": row.voice_id,
        "actions": actions,
        "webhook": row.webhook_id,
        "vector_database": row.vector_database_id,
        "openai_account_connection": row.openai_account_connection_id,
    }
