"""All SQL about keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cordboard.storage.tables import ApiKey, Organisation


async def key_by_hash(session: AsyncSession, hashed: str) -> ApiKey | None:
    """Return the key that hashes to ``hashed``; it may have been revoked."""
    return (await session.scalars(select(ApiKey).where(ApiKey.key_hash == hashed))).first()


async def access_by_hash(session: AsyncSession, hashed: str) -> tuple[ApiKey, Organisation] | None:
    """Return the key in force that hashes to ``hashed``, and whose it is.

    One that was revoked is not even read: it would take longer than one that never was.
    """
    wanted = select(ApiKey, Organisation).join(
        Organisation, Organisation.id == ApiKey.organisation_id
    )
    in_force = ApiKey.key_hash == hashed, ApiKey.revoked_at.is_(None)
    row = (await session.execute(wanted.where(*in_force))).first()
    return None if row is None else (row[0], row[1])


async def key_by_id(session: AsyncSession, organisation_id: str, key_id: str) -> ApiKey | None:
    """Return a key of the organisation."""
    wanted = select(ApiKey).where(ApiKey.organisation_id == organisation_id, ApiKey.id == key_id)
    return (await session.scalars(wanted)).first()


async def keys_of(session: AsyncSession, organisation_id: str) -> Sequence[ApiKey]:
    """Return all keys of the organisation, oldest first."""
    wanted = select(ApiKey).where(ApiKey.organisation_id == organisation_id)
    return (await session.scalars(wanted.order_by(ApiKey.created_at, ApiKey.id))).all()


async def touch_key(session: AsyncSession, key_id: str, at: datetime) -> None:
    """Note that a key was used."""
    await session.execute(update(ApiKey).where(ApiKey.id == key_id).values(last_used_at=at))


async def first_organisation(session: AsyncSession) -> Organisation | None:
    """Return the oldest organisation."""
    wanted = select(Organisation).order_by(Organisation.created_at, Organisation.id)
    return (await session.scalars(wanted.limit(1))).first()
