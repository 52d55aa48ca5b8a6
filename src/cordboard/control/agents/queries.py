"""All SQL about agents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import delete, select

from cordboard.control.rows import Columns
from cordboard.control.unit import Unit
from cordboard.storage.tables import Agent, AgentAction

_TEXTS: Final = (
    *("name", "language", "initial_message", "interrupt_sensitivity", "context_endpoint"),
    *("endpointing_sensitivity", "ivr_navigation_mode", "openai_model_name_override"),
)
_NUMBERS: Final = (
    *("conversation_speed", "initial_message_delay", "idle_time_seconds"),
    "llm_temperature",
)
_SWITCHES: Final = (
    *("noise_suppression", "ask_if_human_present_on_idle", "run_do_not_call_detection"),
)

COLUMNS: Final[Columns] = {
    **{name: Agent.fields[name].as_string() for name in _TEXTS},
    **{name: Agent.fields[name].as_float() for name in _NUMBERS},
    **{name: Agent.fields[name].as_boolean() for name in _SWITCHES},
    "prompt": Agent.__table__.c.prompt_id,
    "voice": Agent.__table__.c.voice_id,
}


async def action_ids(unit: Unit, agent_ids: Sequence[str]) -> dict[str, list[str]]:
    """Return the ids of each agent's actions, in the agent's order."""
    wanted = (
        select(AgentAction.agent_id, AgentAction.action_id)
        .where(
            AgentAction.organisation_id == unit.organisation_id,
            AgentAction.agent_id.in_(agent_ids),
        )
        .order_by(AgentAction.agent_id, AgentAction.position)
    )
    found: dict[str, list[str]] = {agent_id: [] for agent_id in agent_ids}
    for agent_id, action_id in await unit.session.execute(wanted):
        found[agent_id].append(action_id)
    return found


async def replace_actions(unit: Unit, agent_id: str, ids: Sequence[str]) -> None:
    """Give an agent another list of actions."""
    await unit.session.flush()
    await unit.session.execute(delete(AgentAction).where(AgentAction.agent_id == agent_id))
    for position, action_id in enumerate(ids):
        unit.session.add(
            AgentAction(
                agent_id=agent_id,
                position=position,
                organisation_id=unit.organisation_id,
                action_id=action_id,
            )
        )
    await unit.session.flush()


async def agent_by_name(unit: Unit, name: str) -> Agent | None:
    """Return the organisation's only agent of a name; None where there is no or more than one."""
    same = Agent.fields["name"].as_string() == name
    wanted = select(Agent).where(Agent.organisation_id == unit.organisation_id, same).limit(2)
    found = (await unit.session.scalars(wanted)).all()
    return found[0] if len(found) == 1 else None
