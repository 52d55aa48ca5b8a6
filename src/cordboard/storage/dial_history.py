"""What an organisation has dialled lately: the limits count it also after a restart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cordboard.ports import Direction
from cordboard.storage.tables import Call, DialAttempt

ATTEMPTS_FOR: Final = timedelta(hours=1)
TALKS_FOR: Final = timedelta(days=1)
ROWS_MAX: Final = 20_000


@dataclass(frozen=True, slots=True)
class DialHistory:
    """Dials of the last hour (when, stored number) and conversations of the last day (their end,
    their length); both oldest first.
    """

    attempts: tuple[tuple[datetime, str], ...]
    talks: tuple[tuple[datetime, timedelta], ...]


async def dial_history(session: AsyncSession, organisation_id: str, now: datetime) -> DialHistory:
    """Return what an organisation dialled."""
    dialled = (
        select(DialAttempt.created_at, Call.to_number)
        .join(Call, Call.id == DialAttempt.call_id)
        .where(
            DialAttempt.organisation_id == organisation_id,
            DialAttempt.created_at > now - ATTEMPTS_FOR,
            # The leg of the call itself; the number of a transfer is not on the call's row.
            DialAttempt.leg_id == Call.id,
        )
        .order_by(DialAttempt.created_at.desc())
        .limit(ROWS_MAX)
    )
    talked = (
        select(Call.ended_at, Call.started_at)
        .where(
            Call.organisation_id == organisation_id,
            Call.direction == Direction.OUTBOUND.value,
            Call.created_at > now - 2 * TALKS_FOR,
            Call.ended_at > now - TALKS_FOR,
            Call.started_at.is_not(None),
        )
        .order_by(Call.ended_at.desc())
        .limit(ROWS_MAX)
    )
    attempts = [(at, number) for at, number in await session.execute(dialled)]
    talks = [
        (ended, ended - started)
        for ended, started in await session.execute(talked)
        if ended is not None and started is not None
    ]
    return DialHistory(tuple(reversed(attempts)), tuple(reversed(talks)))
