"""Organisations and the keys that open them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from cordboard.storage.tables.rows import ID, Row, TenantRow


class Organisation(Row):
    """A tenant. Its id is what the public API calls ``user_id``.

    The quotas say how many calls it may have at a time and ask for in a day (UTC), and how many
    requests it may send in a minute; None is no limit.
    """

    __tablename__ = "organisations"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    calls_max_count: Mapped[int | None]
    calls_per_day_max_count: Mapped[int | None]
    requests_per_minute_max_count: Mapped[int | None]


class ApiKey(TenantRow):
    """A key of the REST API; only a keyed hash of it is kept.

    ``role`` is one of ``storage.keys.ROLES``; ``scopes`` (with blanks between them) narrow it, None
    does not. ``prefix`` is what lists show of the key.
    """

    __tablename__ = "api_keys"
    __table_args__ = (Index("ix_api_keys_organisation_id", "organisation_id"),)

    name: Mapped[str] = mapped_column(String(200))
    prefix: Mapped[str] = mapped_column(String(32))
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[str] = mapped_column(String(20))
    scopes: Mapped[str | None] = mapped_column(String(2000))
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
