"""From rows to the frozen plan that a call runs on.

A plan holds no secret. The runner of external actions finds its signature secret by
``ActionPlan.action_id`` (``storage.secrets.signature_secret``), a synthesizer a voice's own key by
``VoicePlan.settings["id"]`` (``storage.secrets.voice_key``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from cordboard.call.plan import (
    CallPlan,
    LanguageModelPlan,
    TranscriberPlan,
    TurnPlan,
    VoicePlan,
)
from cordboard.storage.agent_rows import AgentRows, api_agent, api_resource, load_agent
from cordboard.storage.plan_actions import action_plans, collecting_instructions
from cordboard.storage.tables import Voice

_VARIABLE: Final = re.compile(r"\$\{([A-Za-z0-9_]+)\}")
_SPEED_RANGE: Final = (0.5, 2.0)
_SERVER_VOICE: Final = "voice_vocode"


class AgentMissing(LookupError):
    """The organisation has no such agent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """What the operator's settings add to every plan; ``auto`` leaves the choice to the engine.

    ``is_placed`` tells that the plan is of a call which is placed: only there an agent finds its
    way through automatic menus.
    """

    record: bool = True
    bridge_phrases: bool = True
    longest_call_ms: int = 3_600_000
    actions_max_count: int = 10
    content_free: bool = False
    transcriber: str = "auto"
    language_model: str = "auto"
    synthesizer: str = "auto"
    is_placed: bool = False


DEFAULTS: Final = PlanOptions()
ON_HOLD_S: Final = 600
"""So long an agent that finds its way through menus waits on hold (reference section 6.6)."""


async def build_plan(
    session: AsyncSession,
    organisation_id: str,
    agent_id: str,
    *,
    variables: Mapping[str, str],
    options: PlanOptions = DEFAULTS,
) -> tuple[CallPlan, dict[str, Any]]:
    """Return an agent's plan, and the agent as the public API shows it (secrets masked).

    ``variables`` fill ``${name}`` in prompt, initial message and transfer targets; see
    :func:`standard_variables` for those that always exist.

    Raises:
        AgentMissing: there is none of this id in the organisation.

    """
    rows = await load_agent(session, organisation_id, agent_id)
    if rows is None:
        raise AgentMissing(agent_id)
    return plan_of(rows, variables, options), api_agent(rows)


def plan_of(
    rows: AgentRows, variables: Mapping[str, str], options: PlanOptions = DEFAULTS
) -> CallPlan:
    """Return the plan of an agent whose rows are at hand."""
    fields = rows.agent.fields
    greeting = fields["initial_message"]

    def filled(text: str) -> str:
        return substituted(text, variables)

    collected = rows.prompt.fields.get("collect_fields") or ()
    finds_its_way = options.is_placed and fields["ivr_navigation_mode"] != "off"
    actions = action_plans(rows.actions, filled, collected, may_wait=finds_its_way)
    return CallPlan(
        organisation_id=rows.agent.organisation_id,
        agent_id=rows.agent.id,
        agent_name=fields["name"],
        language=fields["language"],
        prompt=filled(_instructions(rows) + collecting_instructions(actions)),
        initial_message=filled(greeting) if greeting else None,
        actions=actions,
        voice=voice_plan(rows.voice, options),
        language_model=_language_model(rows, options),
        transcriber=TranscriberPlan(
            provider=options.transcriber, keywords=fields["deepgram_keywords"] or {}
        ),
        turn=_turn(fields, finds_its_way=finds_its_way),
        record=options.record and not options.content_free,
        content_free=options.content_free,
        missing_keys=missing_keys(rows, variables),
        bridge_phrases=options.bridge_phrases,
        longest_call_ms=options.longest_call_ms,
        actions_max_count=options.actions_max_count,
    )


def missing_keys(rows: AgentRows, variables: Mapping[str, str]) -> tuple[str, ...]:
    """Return what the prompt's template requires and ``variables`` do not hold."""
    template = rows.prompt.fields.get("prompt_template") or {}
    return tuple(key for key in template.get("required_context_keys", ()) if key not in variables)


def standard_variables(from_number: str, to_number: str, now: datetime) -> dict[str, str]:
    """Return the variables that exist on every call; ``now`` is told in UTC, to the minute."""
    return {
        "from_number": from_number,
        "to_number": to_number,
        "now": f"{now.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
    }


def substituted(text: str, variables: Mapping[str, str]) -> str:
    """Replace each ``${name}`` once, plainly; what has no value stays as it is written."""
    return _VARIABLE.sub(lambda found: variables.get(found[1], found[0]), text)


def _instructions(rows: AgentRows) -> str:
    """Return the prompt's own text, or where it has none its template's."""
    own = str(rows.prompt.fields["content"])
    template = rows.prompt_template
    return own if own or template is None else str(template.fields["content"])


def voice_plan(row: Voice, options: PlanOptions) -> VoicePlan:
    """Return the plan of a stored voice."""
    fields = row.fields
    provider = options.synthesizer
    if row.type != _SERVER_VOICE:
        provider = row.type.removeprefix("voice_")
    name = fields.get("voice_id") or fields.get("voice_name") or fields.get("speaker") or ""
    return VoicePlan(provider=provider, voice=name, settings=api_resource(row))


def _language_model(rows: AgentRows, options: PlanOptions) -> LanguageModelPlan:
    fields = rows.agent.fields
    connection = rows.agent.openai_account_connection_id
    # The protocol honours another model's name only together with the account that pays for it.
    model = (fields["openai_model_name_override"] or "") if connection else ""
    settings: dict[str, object] = {}
    if connection:
        settings["account_connection_id"] = connection
    if fields["llm_fallback"]:
        settings["fallback"] = fields["llm_fallback"]
    return LanguageModelPlan(
        provider=options.language_model,
        model=model,
        temperature=fields["llm_temperature"],
        settings=settings,
    )


def _turn(fields: Mapping[str, Any], *, finds_its_way: bool) -> TurnPlan:
    low, high = _SPEED_RANGE
    idle_seconds = fields["idle_time_seconds"]
    if idle_seconds is None and finds_its_way:
        idle_seconds = ON_HOLD_S
    return TurnPlan(
        interrupt_sensitivity=fields["interrupt_sensitivity"],
        endpointing_sensitivity=fields["endpointing_sensitivity"],
        conversation_speed=min(max(fields["conversation_speed"], low), high),
        initial_message_delay_ms=round(fields["initial_message_delay"] * 1000),
        ask_if_human_present_on_idle=fields["ask_if_human_present_on_idle"],
        idle_ms=None if idle_seconds is None else idle_seconds * 1000,
    )
