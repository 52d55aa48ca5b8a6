"""What is written about a call, as SQL: each function works within the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import CursorResult, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from cordboard.call.events import EndReason
from cordboard.ports import CallEnding, Direction, Fact, NewCall
from cordboard.storage.announcing import (
    HUMAN_RESULTS,
    announce,
    announce_facts,
    closing,
    connected,
)
from cordboard.storage.tables import Call, CallEvent, Leg

TERMINAL: Final = ("ended", "error")

_STAGES: Final = {
    "transfer_started": "transfer_started",
    "transfer_answered": "transfer_successful",
    "transfer_failed": "picked_up",
}
"""What a fact makes of a call's stage."""

DO_NOT_CALL_RESULTS: Final = {"do_not_call_asked": True, "do_not_call_not_asked": False}
"""What a fact says of the callee's wish not to be called again."""

_OUTCOMES: Final = {
    "transfer_started": "transfer_unanswered",
    "transfer_successful": "transfer_disconnected",
}
_ERRORS: Final = {
    EndReason.PROVIDER_FAILED: "a provider failed",
    EndReason.CARRIER_FAILED: "the carrier failed",
    EndReason.DIAL_REFUSED: "the number may not be dialled",
    EndReason.INTERRUPTED: "the call was interrupted",
    EndReason.INTERNAL_ERROR: "internal error",
}
_BY_CALLER: Final = (EndReason.CALLER_HUNG_UP, EndReason.CALLER_CANCELLED)
_WITHOUT_OUTCOME: Final = (EndReason.INTERRUPTED, EndReason.INTERNAL_ERROR)

_TRANSCRIPTS: Final = (
    update(Call)
    .where(Call.id == bindparam("of"), *(Call.status != status for status in TERMINAL))
    .values(transcript=bindparam("to"))
)


@dataclass(frozen=True, slots=True)
class KeptFact:
    """A fact on its way into the timeline."""

    call_id: str
    organisation_id: str
    fact: Fact


@dataclass(frozen=True, slots=True)
class Lease:
    """An engine's claim on a call."""

    engine_id: str
    until: datetime


def new_rows(call: NewCall, agent: Mapping[str, object], lease: Lease) -> tuple[Call, Leg]:
    """Return the rows of a call that begins."""
    ours = call.to_number if call.direction is Direction.INBOUND else call.from_number
    answer = call.plan.context_answer
    row = Call(
        id=call.call_id,
        organisation_id=call.organisation_id,
        created_at=call.at,
        direction=call.direction.value,
        status="not_started",
        stage="created",
        from_number=call.from_number,
        to_number=call.to_number,
        agent_phone_number=ours,
        operator="agent" if call.plan.flow is None else "flow",
        agent_id=call.plan.agent_id,
        flow_id=None if call.plan.flow is None else call.plan.flow.flow_id,
        agent=plain(agent),
        plan=plain(call.plan.to_json()),
        carrier=call.carrier,
        trunk_id=call.trunk_id,
        telephony_provider=call.carrier,
        telephony_id=call.carrier_handle,
        telephony_account_connection_id=call.account_connection_id,
        hipaa_compliant=call.plan.content_free,
        call_variables=None if answer is None else dict(answer.values),
        owner_engine=lease.engine_id,
        lease_until=lease.until,
    )
    return row, first_leg(call)


def first_leg(call: NewCall) -> Leg:
    """Return the row of the leg that a call begins with."""
    return Leg(
        id=call.leg_id,
        organisation_id=call.organisation_id,
        created_at=call.at,
        call_id=call.call_id,
        carrier=call.carrier,
        state="offered",
        carrier_handle=call.carrier_handle,
        dialog=plain(call.dialog),
    )


async def append_facts(session: AsyncSession, facts: Sequence[KeptFact]) -> None:
    """Append to timelines; a fact that is there already (a repeated batch) stays as it is."""
    rows = [
        {
            "call_id": kept.call_id,
            "sequence": kept.fact.sequence,
            "organisation_id": kept.organisation_id,
            "kind": kept.fact.kind[:60],
            "at": kept.fact.at,
            "at_ms": kept.fact.at_ms,
            "content": plain(kept.fact.content),
        }
        for kept in facts
    ]
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    await session.execute(dialect.insert(CallEvent).on_conflict_do_nothing(), rows)
    for kept in facts:
        told = _told_of_call(kept.fact.kind)
        if told:
            await session.execute(
                update(Call)
                .where(Call.id == kept.call_id, Call.status.not_in(TERMINAL))
                .values(**told)
            )
    await announce_facts(session, [(kept.call_id, kept.fact) for kept in facts])


def _told_of_call(kind: str) -> dict[str, object]:
    """Return what a fact of this kind makes of its call's row."""
    told: dict[str, object] = {}
    if (stage := _STAGES.get(kind)) is not None:
        told["stage"] = stage
    if (result := HUMAN_RESULTS.get(kind)) is not None:
        told["human_detection_result"] = result
    if (asked := DO_NOT_CALL_RESULTS.get(kind)) is not None:
        told["do_not_call_result"] = asked
    return told


async def mark_answered(session: AsyncSession, call_id: str, at: datetime) -> None:
    """Turn a call that has not started into one in progress."""
    numbers = (
        await session.execute(
            update(Call)
            .where(Call.id == call_id, Call.status == "not_started")
            .values(status="in_progress", stage="picked_up", started_at=at)
            .returning(Call.to_number, Call.from_number)
        )
    ).one_or_none()
    if numbers is not None:
        await announce(session, call_id, [connected(*numbers, at)])
    await session.execute(
        update(Leg).where(Leg.call_id == call_id, Leg.state == "offered").values(state="answered")
    )


async def replace_transcripts(session: AsyncSession, transcripts: Mapping[str, str]) -> None:
    """Set the transcripts of calls, by their ids, that are not over."""
    if transcripts:
        rows = [{"of": call_id, "to": clean(text)} for call_id, text in transcripts.items()]
        await (await session.connection()).execute(_TRANSCRIPTS, rows)


async def close_call(session: AsyncSession, call_id: str, ending: CallEnding) -> bool:
    """Make a call terminal; False if it was already, which changes nothing."""
    before = (
        await session.execute(select(Call.stage, Call.hipaa_compliant).where(Call.id == call_id))
    ).one_or_none()
    if before is None:
        return False
    picked_up = before.stage not in (None, "created")
    failed = ending.reason in _ERRORS
    closed: CursorResult[Any] = await session.execute(  # type: ignore[assignment]
        update(Call)
        .where(Call.id == call_id, Call.status.not_in(TERMINAL))
        .values(
            status="error" if failed else "ended",
            stage_outcome=_OUTCOMES.get(before.stage)
            or _outcome(ending.reason, picked_up=picked_up),
            end_reason=ending.reason.value,
            error_message=_error_message(ending) if failed else None,
            ended_at=ending.at,
            transcript=None if before.hipaa_compliant else clean(ending.transcript),
            recording_available=ending.recording_available,
            owner_engine=None,
            lease_until=None,
        )
    )
    await session.execute(update(Leg).where(Leg.call_id == call_id).values(state="ended"))
    if closed.rowcount != 1:
        return False
    row = await session.get_one(Call, call_id, populate_existing=True)
    await announce(session, call_id, closing(row))
    return True


def plain(value: Mapping[str, object]) -> dict[str, Any]:
    """Return a copy in JSON values only; what is none is written as its text."""
    copied: dict[str, Any] = json.loads(json.dumps(dict(value), default=str))
    return copied


def clean(text: str) -> str:
    """Return ``text`` without what a database's text cannot hold."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def _outcome(reason: EndReason, *, picked_up: bool) -> str | None:
    if reason in _WITHOUT_OUTCOME:
        return None
    if reason is EndReason.NO_HUMAN:
        return "human_unanswered"
    if not picked_up:
        unanswered = reason is EndReason.NO_ANSWER
        return "human_unanswered" if unanswered else "call_did_not_connect"
    return "human_disconnected" if reason in _BY_CALLER else "bot_disconnected"


def _error_message(ending: CallEnding) -> str:
    message = _ERRORS[ending.reason]
    detail = clean(ending.detail)
    return message if not detail or detail in message else f"{message}: {detail}"
