"""Calls that wait to be placed: claimed by one engine, fenced before they are dialled.

An engine claims a call under a lease, and may lose it again as long as nothing has been dialled.
``fence`` is the last write before the carrier is asked: a call with a dial attempt on record is
never dialled again, whatever happened to its engine.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, CursorResult, and_, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cordboard.call.events import EndReason
from cordboard.call.plan import CallPlan
from cordboard.ports import CallEnding, Direction, NewCall
from cordboard.storage import call_writes
from cordboard.storage.call_writes import Lease
from cordboard.storage.tables import Call, DialAttempt, Leg

FIRST_ATTEMPT: Final = 1
LIVE: Final = ("not_started", "in_progress")
"""Named rather than excluding what is over: only so the index on status and lease is of use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundLimits:
    """How many calls of one organisation, and of one of its numbers, are placed at a time."""

    per_organisation_count: int = 10
    per_number_count: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedCall:
    """A call that was asked for and is now ours to place; ``params`` are ``telephony_params``.

    ``caller_name`` and ``caller_number`` are who it is to be shown as, where that is not simply
    ``from_number``.
    """

    call_id: str
    organisation_id: str
    from_number: str
    to_number: str
    trunk_id: str
    carrier: str
    plan: CallPlan
    created_at: datetime
    params: dict[str, str] = field(default_factory=dict)
    caller_name: str = ""
    caller_number: str | None = None


async def claim(
    session: AsyncSession,
    lease: Lease,
    now: datetime,
    limits: OutboundLimits,
    ours: Collection[str] = (),
) -> WantedCall | None:
    """Claim the oldest call that may be placed now, or return None.

    ``ours`` are the calls this process has claimed; others of its name are leftovers of an earlier
    run that never dialled.
    """
    free = or_(
        Call.owner_engine.is_(None),
        Call.lease_until < now,
        and_(Call.owner_engine == lease.engine_id, Call.id.not_in(ours)),
    )
    statement = (
        select(Call)
        .where(
            Call.direction == Direction.OUTBOUND.value,
            Call.status == "not_started",
            free,
            ~exists().where(DialAttempt.call_id == Call.id),
            _running(now, Call.organisation_id) < limits.per_organisation_count,
            _running(now, Call.from_number) < limits.per_number_count,
        )
        .order_by(Call.created_at, Call.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=Call)
    )
    row = (await session.scalars(statement)).first()
    if row is None:
        return None
    row.owner_engine, row.lease_until = lease.engine_id, lease.until
    return WantedCall(
        call_id=row.id,
        organisation_id=row.organisation_id,
        from_number=row.from_number,
        to_number=row.to_number,
        trunk_id=row.trunk_id or "",
        carrier=row.carrier,
        plan=CallPlan.from_json(row.plan),
        created_at=row.created_at,
        params=dict(row.telephony_params or {}),
    )


def _running(now: datetime, shared: Any) -> ColumnElement[int]:
    """Count the calls under way that have ``shared`` (a column of ``Call``) in common with it."""
    other = aliased(Call)
    return (
        select(func.count())
        .select_from(other)
        .where(
            other.organisation_id == Call.organisation_id,
            getattr(other, shared.key) == shared,
            other.direction == Direction.OUTBOUND.value,
            other.status.in_(LIVE),
            other.owner_engine.is_not(None),
            other.lease_until >= now,
            other.id != Call.id,
        )
        .correlate(Call)
        .scalar_subquery()
    )


async def fence(session: AsyncSession, call: NewCall, lease: Lease) -> bool:
    """Write leg and dial attempt; False where the call is not ours to dial (any more).

    Once this is durable the call counts as dialled, whether or not the INVITE left.
    """
    taken: CursorResult[Any] = await session.execute(  # type: ignore[assignment]
        update(Call)
        .where(
            Call.id == call.call_id,
            Call.status == "not_started",
            Call.owner_engine == lease.engine_id,
        )
        .values(telephony_id=call.carrier_handle, lease_until=lease.until)
        .execution_options(synchronize_session=False)
    )
    if taken.rowcount != 1:
        return False
    attempt = select(DialAttempt.id).where(DialAttempt.call_id == call.call_id).limit(1)
    if (await session.execute(attempt)).first() is not None:
        return False
    await _add_dialled(session, call_writes.first_leg(call))
    return True


async def add_transfer_leg(
    session: AsyncSession,
    call: NewCall,
    wanted: WantedCall,
    carrier_handle: str,
    dialog: Mapping[str, object],
) -> None:
    """Write the leg of a transfer and its dial attempt, before it is dialled."""
    leg = Leg(
        id=wanted.call_id,
        organisation_id=call.organisation_id,
        created_at=wanted.created_at,
        call_id=call.call_id,
        role="transfer",
        carrier=call.carrier,
        state="offered",
        carrier_handle=carrier_handle,
        dialog=call_writes.plain(dialog),
    )
    await _add_dialled(session, leg)


async def _add_dialled(session: AsyncSession, leg: Leg) -> None:
    """Write a leg that is about to be dialled, with its attempt."""
    session.add(leg)
    session.add(
        DialAttempt(
            id=leg.id,
            organisation_id=leg.organisation_id,
            created_at=leg.created_at,
            call_id=leg.call_id,
            leg_id=leg.id,
            attempt=FIRST_ATTEMPT,
        )
    )
    await session.flush()


async def give_back(session: AsyncSession, call_id: str, engine_id: str) -> None:
    """Let another engine, or ourselves later, place a call that we claimed and did not dial."""
    await session.execute(
        update(Call)
        .where(
            Call.id == call_id,
            Call.owner_engine == engine_id,
            ~exists().where(DialAttempt.call_id == Call.id),
        )
        .values(owner_engine=None, lease_until=None)
        .execution_options(synchronize_session=False)
    )


async def withdraw(session: AsyncSession, call_id: str, at: datetime) -> bool:
    """End a call that nobody has begun to place; False where somebody has, or it is over."""
    found = select(Call.id).where(
        Call.id == call_id,
        Call.direction == Direction.OUTBOUND.value,
        Call.status == "not_started",
        Call.owner_engine.is_(None),
    )
    if (await session.execute(found.with_for_update())).first() is None:
        return False
    return await call_writes.close_call(session, call_id, _ending(EndReason.API_ENDED, "", at))


async def refuse(
    session: AsyncSession, call_id: str, reason: EndReason, why: str, at: datetime
) -> None:
    """Close a call that cannot be dialled; ``why`` goes into its ``error_message``."""
    await call_writes.close_call(session, call_id, _ending(reason, why, at))


def _ending(reason: EndReason, detail: str, at: datetime) -> CallEnding:
    return CallEnding(reason=reason, detail=detail, at=at, transcript="", recording_available=False)
