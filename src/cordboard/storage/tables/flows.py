"""Flows: users' own apps that answer numbers."""

from __future__ import annotations

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from cordboard.storage.tables.agents import ResourceRow
from cordboard.storage.tables.rows import ID, tenant_key, within_organisation


class Flow(ResourceRow):
    """How an app is reached, and what its calls do where it does not say.

    ``secrets`` holds ``token``. Without a voice the server's own speaks.
    """

    __tablename__ = "flows"
    __table_args__ = (
        tenant_key(),
        Index("ix_flows_newest", "organisation_id", "created_at", "id"),
        within_organisation("voice_id", "voices"),
        within_organisation("webhook_id", "webhooks"),
    )

    voice_id: Mapped[str | None] = mapped_column(ID)
    webhook_id: Mapped[str | None] = mapped_column(ID)
