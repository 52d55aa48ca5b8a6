"""What an account at a carrier is still to be asked about a number: on record until it is done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from cordboard.storage.tables import Number, NumberWish

LEAD: Final = "lead"
LET_GO: Final = "let_go"
RELEASE: Final = "release"
BUY: Final = "buy"

LEASE: Final = timedelta(seconds=60)
"""So long whoever took a wish has for it before another one may."""

BUYING: Final = timedelta(seconds=120)
"""A purchase is looked after so long after it began: by then its own request is over."""

AGAIN_S: Final = 5
AGAIN_S_MAX: Final = 3_600
PROBLEM_CHARS_MAX: Final = 300


@dataclass(frozen=True, slots=True)
class Wish:
    """A wish that was taken. ``number`` is empty, and ``carrier_sid``, where there is none."""

    wish_id: str
    organisation_id: str
    connection_id: str
    kind: str
    number: str
    carrier_sid: str
    attempts_count: int


async def wish(session: AsyncSession, row: Number, kind: str, wish_id: str, at: datetime) -> None:
    """Have an account asked something of a number; it replaces what was wished before."""
    assert row.telephony_account_connection_id is not None
    await session.execute(
        delete(NumberWish).where(
            NumberWish.organisation_id == row.organisation_id, NumberWish.number == row.number
        )
    )
    session.add(
        NumberWish(
            id=wish_id,
            organisation_id=row.organisation_id,
            created_at=at,
            connection_id=row.telephony_account_connection_id,
            kind=kind,
            number=row.number,
            carrier_sid=row.carrier_sid if kind == RELEASE else None,
            due_at=at,
            attempts_count=0,
        )
    )


def purchase(wish_id: str, organisation_id: str, connection_id: str, at: datetime) -> NumberWish:
    """Return the row that stands for a purchase before it is made."""
    return NumberWish(
        id=wish_id,
        organisation_id=organisation_id,
        created_at=at,
        connection_id=connection_id,
        kind=BUY,
        due_at=at + BUYING,
        attempts_count=0,
    )


async def is_any_due(session: AsyncSession, now: datetime) -> bool:
    """Tell whether there is something to be done."""
    found = await session.scalar(select(NumberWish.id).where(NumberWish.due_at <= now).limit(1))
    return found is not None


async def take(session: AsyncSession, now: datetime) -> Wish | None:
    """Take the wish that is due first, for a while."""
    due = select(NumberWish).where(NumberWish.due_at <= now).order_by(NumberWish.due_at).limit(1)
    row = (await session.scalars(due)).first()
    if row is None:
        return None
    row.attempts_count += 1
    row.due_at = now + LEASE
    return Wish(
        *(row.id, row.organisation_id, row.connection_id, row.kind),
        *(row.number or "", row.carrier_sid or "", row.attempts_count),
    )


async def done(session: AsyncSession, wish_id: str) -> None:
    """Take a wish off the record."""
    await session.execute(delete(NumberWish).where(NumberWish.id == wish_id))


async def put_off(session: AsyncSession, taken: Wish, problem: str, now: datetime) -> None:
    """Try again later: after five seconds, twice as long each time, an hour at most."""
    row = await session.get(NumberWish, taken.wish_id)
    if row is None:
        return
    wait_s = min(AGAIN_S * 2 ** min(taken.attempts_count - 1, 20), AGAIN_S_MAX)
    row.due_at = now + timedelta(seconds=wait_s)
    row.problem = problem[:PROBLEM_CHARS_MAX]
