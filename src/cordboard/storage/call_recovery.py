"""Calls that were left open by an engine that died: claiming them, and what is known of them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cordboard.ports import OpenCall
from cordboard.storage.call_writes import TERMINAL, Lease
from cordboard.storage.tables import Call, CallEvent, Leg


async def claim(
    session: AsyncSession,
    lease: Lease,
    now: datetime,
    lease_ms: int,
    running: Collection[str],
    *,
    others: bool = True,
) -> list[tuple[OpenCall, datetime]]:
    """Take over the legs of calls whose lease has run out, or that an earlier run of this engine
    left open.

    ``running`` are the calls this process runs itself; without ``others``, calls of other engines
    are left alone whatever their leases say. Beside each call stands the time of the
    last sign of life of the engine that ran it: a heartbeat or a fact.
    """
    own = and_(Call.owner_engine == lease.engine_id, Call.id.not_in(running))
    run_out = and_(Call.lease_until.is_not(None), Call.lease_until < now, Call.id.not_in(running))
    abandoned = or_(own, run_out) if others else own
    statement = (
        select(Call, Leg)
        .join(Leg, Leg.call_id == Call.id)
        .where(Call.status.not_in(TERMINAL), abandoned, Leg.state != "ended")
        .order_by(Call.created_at, Call.id)
        .with_for_update(skip_locked=True, of=Call)
    )
    claimed = []
    for call, leg in (await session.execute(statement)).all():
        signs = [call.created_at, await last_fact_at(session, call.id)]
        if call.lease_until is not None:
            signs.append(min(now, call.lease_until - timedelta(milliseconds=lease_ms)))
        open_call = OpenCall(call.id, leg.id, call.organisation_id, call.carrier, dict(leg.dialog))
        claimed.append((open_call, max(sign for sign in signs if sign is not None)))
        await session.execute(
            update(Call)
            .where(Call.id == call.id)
            .values(owner_engine=lease.engine_id, lease_until=lease.until)
            .execution_options(synchronize_session=False)
        )
    return claimed


async def last_fact_at(session: AsyncSession, call_id: str) -> datetime | None:
    """Return the time of the last fact of a call."""
    statement = (
        select(CallEvent.at)
        .where(CallEvent.call_id == call_id)
        .order_by(CallEvent.sequence.desc())
        .limit(1)
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def rebuilt_transcript(session: AsyncSession, call_id: str) -> str:
    """Return the transcript that the facts of a call add up to."""
    statement = (
        select(CallEvent.kind, CallEvent.content)
        .where(CallEvent.call_id == call_id)
        .order_by(CallEvent.sequence)
    )
    rows = (await session.execute(statement)).all()
    return transcript([(row.kind, row.content) for row in rows])


def transcript(facts: Iterable[tuple[str, Mapping[str, object]]]) -> str:
    """Make a transcript in the public API's form of (kind, content) in order."""
    lines: list[str] = []
    turns: set[object] = set()
    for kind, content in facts:
        text = " ".join(str(content.get("text") or "").split())
        if kind in ("turn_ended", "caller_turn"):
            turn_id = content.get("turn_id")
            if text and (turn_id is None or turn_id not in turns):
                lines.append(f"HUMAN: {text}")
                turns.add(turn_id)
        elif kind == "heard" and text:
            lines.append(f"BOT: {text}" + ("-" if content.get("whole") is False else ""))
        elif kind == "action_started":
            values = json.dumps(content.get("arguments", {}), ensure_ascii=False)
            name = content.get("function_name")
            lines.append(f"BOT_ACTION_START: !STARTING ACTION {name} WITH PARAMETERS {values}!")
        elif kind == "action_finished":
            output = json.dumps(content.get("result", {}), ensure_ascii=False)
            lines.append(f"BOT_ACTION_FINISH: !ACTION FINISHED WITH OUTPUT {output}!")
    return "\n".join(lines)
