"""A flow's rows: the plan that its calls run on, its form in the API, its token."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cordboard.call.barge_in import BargeInRule, BargeInStrategy
from cordboard.call.flow.plan import FlowPlan, Waiting
from cordboard.call.plan import CallPlan, TranscriberPlan, VoicePlan
from cordboard.storage.agent_rows import api_resource
from cordboard.storage.plans import PlanOptions, voice_plan
from cordboard.storage.secrets import secret_in
from cordboard.storage.tables import Flow, Voice, Webhook
from cordboard.storage.vault import Vault

Json = dict[str, Any]

TOKEN_PATH: Final = ("token",)
HTTP: Final = "http"
"""A flow's ``transport`` over which every event has an answer of its own."""


async def load_flow(session: AsyncSession, organisation_id: str, flow_id: str) -> Flow | None:
    """Return a flow of the organisation, or None where there is none."""
    wanted = select(Flow).where(Flow.organisation_id == organisation_id, Flow.id == flow_id)
    return (await session.scalars(wanted)).first()


async def flow_plan(session: AsyncSession, row: Flow, options: PlanOptions) -> CallPlan:
    """Return the plan of a call that a flow answers."""
    voice = None if row.voice_id is None else await session.get_one(Voice, row.voice_id)
    heard = row.fields["transcription"]
    provider = options.transcriber if heard["provider"] == "auto" else heard["provider"]
    return CallPlan(
        organisation_id=row.organisation_id,
        language=row.fields["language"],
        voice=VoicePlan(provider=options.synthesizer)
        if voice is None
        else voice_plan(voice, options),
        transcriber=TranscriberPlan(
            provider=provider, keywords=dict.fromkeys(heard["vocabulary"], 1.0)
        ),
        record=options.record and not options.content_free,
        content_free=options.content_free,
        bridge_phrases=options.bridge_phrases,
        longest_call_ms=options.longest_call_ms,
        flow=_own_plan(row),
    )


def api_flow(row: Flow) -> Json:
    """Return a flow in our API's form: the token masked, what it refers to by ids."""
    shown = {**api_resource(row), "voice": row.voice_id, "webhook": row.webhook_id}
    return {**shown, "created_at": row.created_at.isoformat()}


async def flow_of_call(session: AsyncSession, organisation_id: str, flow_id: str) -> Json:
    """Return a flow as a call's row keeps it, with its whole webhook; empty where it is gone."""
    row = await load_flow(session, organisation_id, flow_id)
    if row is None:
        return {}
    webhook = None if row.webhook_id is None else await session.get_one(Webhook, row.webhook_id)
    return {**api_flow(row), "webhook": None if webhook is None else api_resource(webhook)}


async def flow_token(
    session: AsyncSession, vault: Vault, organisation_id: str, flow_id: str
) -> str | None:
    """Return the token that a flow's app is shown, or None where there is none."""
    row = await load_flow(session, organisation_id, flow_id)
    return None if row is None else secret_in(vault, row, *TOKEN_PATH)


def _own_plan(row: Flow) -> FlowPlan:
    fields = row.fields
    rule = fields["barge_in"]
    return FlowPlan(
        flow_id=row.id,
        url=fields["url"],
        name=fields["name"],
        answers_each=fields["transport"] == HTTP,
        rule=BargeInRule(**{**rule, "strategy": BargeInStrategy(rule["strategy"])}),
        turn_silence_ms=fields["end_of_turn_silence_ms"],
        answer_within_ms=fields["answer_within_ms"],
        answer_delay_ms=fields["answer_delay_ms"],
        speaks_at_end=fields["assistant_speak_at"] == "end",
        waiting=Waiting(fields["waiting"]),
        fallback_text=fields["fallback_text"],
        fallback_number=fields["fallback_number"],
        digits_only=fields["digits_only"],
        sends_barge_in=fields["send_user_barge_in"],
        sends_transcript=fields["send_transcript_field"],
    )
