"""Telephone numbers and the SIP trunks they are reached through."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Boolean, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cordboard.storage.tables.rows import (
    ID,
    JsonObject,
    TenantRow,
    tenant_key,
    within_organisation,
)


class SipTrunk(TenantRow):
    """A SIP peer: where calls may come from and where they are sent.

    ``fields`` holds ``networks`` (list of CIDR texts), ``user`` (digest user that may call us),
    ``target`` (URI for calls we make), ``transport``, ``register``, ``realm``,
    ``register_user``, ``number_format``, ``dial_prefixes`` (list), ``allow_any``, ``srtp``.
    ``secrets`` holds ``password`` (of ``user``) and ``register_password``.
    """

    __tablename__ = "sip_trunks"
    __table_args__ = (
        tenant_key(),
        UniqueConstraint("organisation_id", "name"),
        Index("ix_sip_trunks_newest", "organisation_id", "created_at", "id"),
    )

    name: Mapped[str] = mapped_column(String(100))
    fields: Mapped[JsonObject]
    secrets: Mapped[JsonObject]


class Number(TenantRow):
    """A number of the organisation; ``number`` is digits without ``+``, or a SIP user part.

    ``inbound_agent_id`` and ``inbound_flow_id`` exclude each other. ``telephony_provider`` is the
    carrier's name in the public API; ``sip`` where ``trunk_id`` is set. ``carrier_sid`` is the
    carrier's identifier of a number that was bought here, and is given back when it is given up.
    """

    __tablename__ = "numbers"
    __table_args__ = (
        tenant_key(),
        UniqueConstraint("organisation_id", "number"),
        Index("ix_numbers_newest", "organisation_id", "created_at", "id"),
        Index("ix_numbers_number", "number"),
        within_organisation("inbound_agent_id", "agents"),
        within_organisation("trunk_id", "sip_trunks"),
        within_organisation("telephony_account_connection_id", "account_connections"),
    )

    number: Mapped[str] = mapped_column(String(64))
    label: Mapped[str] = mapped_column(String, default="")
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    outbound_only: Mapped[bool] = mapped_column(Boolean, default=False)
    example_context: Mapped[JsonObject | None]
    telephony_provider: Mapped[str] = mapped_column(String(20))
    inbound_agent_id: Mapped[str | None] = mapped_column(ID)
    inbound_flow_id: Mapped[str | None] = mapped_column(ID)
    trunk_id: Mapped[str | None] = mapped_column(ID)
    telephony_account_connection_id: Mapped[str | None] = mapped_column(ID)
    carrier_sid: Mapped[str | None] = mapped_column(String(64))


class NumberWish(TenantRow):
    """What an account at a carrier is still to be asked about a number; gone when it is done.

    ``kind`` is ``lead`` (its calls come here), ``let_go``, ``release`` (of ``carrier_sid``) or
    ``buy``: then ``id`` is the name the purchase bears at the carrier, and there is no number yet.
    """

    __tablename__ = "number_wishes"
    __table_args__ = (
        UniqueConstraint("organisation_id", "number"),
        Index("ix_number_wishes_due", "due_at"),
        within_organisation("connection_id", "account_connections"),
    )

    connection_id: Mapped[str] = mapped_column(ID)
    kind: Mapped[str] = mapped_column(String(10))
    number: Mapped[str | None] = mapped_column(String(64))
    carrier_sid: Mapped[str | None] = mapped_column(String(64))
    due_at: Mapped[datetime]
    attempts_count: Mapped[int] = mapped_column(Integer, default=0)
    problem: Mapped[str | None] = mapped_column(String(300))
