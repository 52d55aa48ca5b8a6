"""An agent with everything it refers to, and the public API's form of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cordboard.storage.tables import (
    AccountConnection,
    Action,
    Agent,
    AgentAction,
    Prompt,
    PromptTemplate,
    ResourceRow,
    VectorDatabase,
    Voice,
    Webhook,
)

Json = dict[str, Any]
R = TypeVar("R", bound=ResourceRow)

# Nouns without types in the API: there, ``type`` would be a stray key.
UNTYPED: Final = ("prompt", "webhook", "flow")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRows:
    """An agent and its parts; ``actions`` are in the agent's order.

    ``prompt_template`` is the stored one that the prompt is made from, if there is one.
    """

    agent: Agent
    prompt: Prompt
    voice: Voice
    actions: Sequence[Action]
    webhook: Webhook | None
    vector_database: VectorDatabase | None
    account_connection: AccountConnection | None
    prompt_template: PromptTemplate | None = None


async def load_agent(
    session: AsyncSession, organisation_id: str, agent_id: str
) -> AgentRows | None:
    """Return an agent of the organisation with its parts, or None where there is none."""
    wanted = select(Agent).where(Agent.organisation_id == organisation_id, Agent.id == agent_id)
    agent = (await session.scalars(wanted)).first()
    return None if agent is None else await agent_parts(session, agent)


async def agent_parts(session: AsyncSession, agent: Agent) -> AgentRows:
    """Return an agent's parts."""

    async def part(table: type[R], row_id: str | None) -> R | None:
        return None if row_id is None else await session.get_one(table, row_id)

    listed = (
        select(Action)
        .join(AgentAction, AgentAction.action_id == Action.id)
        .where(AgentAction.agent_id == agent.id)
        .order_by(AgentAction.position)
    )
    prompt = await session.get_one(Prompt, agent.prompt_id)
    return AgentRows(
        agent=agent,
        prompt=prompt,
        voice=await session.get_one(Voice, agent.voice_id),
        actions=(await session.scalars(listed)).all(),
        webhook=await part(Webhook, agent.webhook_id),
        vector_database=await part(VectorDatabase, agent.vector_database_id),
        account_connection=await part(AccountConnection, agent.openai_account_connection_id),
        prompt_template=await _template(session, prompt),
    )


async def _template(session: AsyncSession, prompt: Prompt) -> PromptTemplate | None:
    """Return a prompt's stored template; one that was posted whole is in the prompt alone."""
    template = prompt.fields.get("prompt_template")
    if template is None:
        return None
    wanted = select(PromptTemplate).where(
        PromptTemplate.organisation_id == prompt.organisation_id,
        PromptTemplate.id == template["id"],
    )
    return (await session.scalars(wanted)).first()


def api_resource(row: ResourceRow) -> Json:
    """Return a resource in the public API's form, secrets masked; inner values are the row's."""
    kind = {} if row.type in UNTYPED else {"type": row.type}
    return {"id": row.id, "user_id": row.organisation_id, **kind, **row.fields}


def api_agent(rows: AgentRows) -> Json:
    """Return an agent in the public API's whole form, all secrets masked."""
    return {
        "id": rows.agent.id,
        "user_id": rows.agent.organisation_id,
        **rows.agent.fields,
        "prompt": api_resource(rows.prompt),
        "voice": api_resource(rows.voice),
        "actions": [api_resource(action) for action in rows.actions],
        "webhook": _maybe(rows.webhook),
        "vector_database": _maybe(rows.vector_database),
        "openai_account_connection": _maybe(rows.account_connection),
    }


def _maybe(row: ResourceRow | None) -> Json | None:
    return None if row is None else api_resource(row)
