"""Requests that may be sent again without having another effect."""

from __future__ import annotations

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cordboard.storage.tables.rows import ID, TenantRow, within_organisation


class IdempotencyKey(TenantRow):
    """A client's name for a request that placed a call; ``body_hash`` tells it from another one."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        within_organisation("call_id", "calls"),
        UniqueConstraint("organisation_id", "key"),
    )

    key: Mapped[str] = mapped_column(String(255))
    body_hash: Mapped[str] = mapped_column(String(64))
    call_id: Mapped[str] = mapped_column(ID)
