"""Events on their way to webhooks, and every attempt to get one there."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cordboard.storage.tables.rows import ID, Row, TenantRow, within_organisation


class Delivery(TenantRow):
    """One event for one webhook; its ``id`` is the event's and names it to the receiver.

    ``url`` and ``method`` are the webhook's when the event arose; ``body`` is what is sent, the
    same each time. ``state`` is ``waiting``, ``delivered`` or ``failed``. A waiting one is tried
    when ``due_at`` has come, unless a ``worker`` is at it, until ``lease_until``. ``first_at`` is
    when it was tried first.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        within_organisation("call_id", "calls"),
        UniqueConstraint("call_id", "sequence"),
        Index("ix_deliveries_due", "state", "due_at"),
        Index("ix_deliveries_lease", "lease_until", "webhook_id"),
        Index("ix_deliveries_webhook", "webhook_id", "state"),
        Index("ix_deliveries_newest", "organisation_id", "created_at", "id"),
    )

    call_id: Mapped[str] = mapped_column(ID)
    sequence: Mapped[int] = mapped_column(Integer)
    webhook_id: Mapped[str] = mapped_column(ID)
    type: Mapped[str] = mapped_column(String(60))
    url: Mapped[str] = mapped_column(Text)
    method: Mapped[str] = mapped_column(String(8))
    body: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(12), default="waiting")
    attempts_count: Mapped[int] = mapped_column(Integer, default=0)
    due_at: Mapped[datetime]
    first_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    worker: Mapped[str | None] = mapped_column(ID)


class DeliveryAttempt(Row):
    """One try: ``status`` is null where no answer came, ``answer`` its first kibibyte."""

    __tablename__ = "delivery_attempts"

    delivery_id: Mapped[str] = mapped_column(ID, ForeignKey("deliveries.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime]
    duration_ms: Mapped[int] = mapped_column(Integer)
    status: Mapped[int | None] = mapped_column(Integer)
    failure: Mapped[str | None] = mapped_column(String(40))
    answer: Mapped[str] = mapped_column(Text)


class WebhookHealth(Row):
    """How a webhook fares; a row is there once an event of it has failed or it got a secret.

    ``failing_since`` is the first failure after the last success; ``disabled_at`` is set when
    nothing more is sent. ``secret`` is sealed; the ``old_secret`` signs too until it runs out.
    """

    __tablename__ = "webhook_health"

    webhook_id: Mapped[str] = mapped_column(ID, primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisations.id"))
    failing_since: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    disabled_why: Mapped[str | None] = mapped_column(String(40))
    secret: Mapped[str] = mapped_column(Text)
    old_secret: Mapped[str | None] = mapped_column(Text)
    old_until: Mapped[datetime | None]
