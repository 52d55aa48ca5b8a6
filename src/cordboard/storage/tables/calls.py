"""Calls, their legs, and everything that is on record about them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Boolean, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cordboard.storage.tables.rows import (
    ID,
    JsonObject,
    Row,
    TenantRow,
    tenant_key,
    within_organisation,
)


class Call(TenantRow):
    """One call. ``agent`` is the agent, or the flow, as the API showed it at the start; ``plan`` is
    what runs; ``operator`` is ``agent`` or ``flow``.

    ``direction``, ``end_reason``, ``status``, ``stage`` and ``stage_outcome`` hold values of closed
    lists (``ports.Direction``, ``call.events.EndReason``, the public API's enums).
    ``owner_engine`` runs the call until ``lease_until``; both are null when no engine does.
    """

    __tablename__ = "calls"
    __table_args__ = (
        tenant_key(),
        Index("ix_calls_newest", "organisation_id", "created_at", "id", "operator"),
        Index("ix_calls_lease", "status", "lease_until"),
        Index("ix_calls_started", "organisation_id", "started_at", "id", "operator"),
        Index("ix_calls_ended", "organisation_id", "ended_at", "id", "operator"),
        Index("ix_calls_flow", "flow_id", "created_at"),
    )

    operator: Mapped[str] = mapped_column(String(20), default="agent")
    direction: Mapped[str] = mapped_column(String(20))
    status: Mapped[str] = mapped_column(String(20), default="not_started")
    stage: Mapped[str | None] = mapped_column(String(40))
    stage_outcome: Mapped[str | None] = mapped_column(String(40))
    end_reason: Mapped[str | None] = mapped_column(String(40))
    error_message: Mapped[str | None] = mapped_column(Text)
    from_number: Mapped[str] = mapped_column(String(64))
    to_number: Mapped[str] = mapped_column(String(64))
    agent_phone_number: Mapped[str] = mapped_column(String(64))
    agent_id: Mapped[str | None] = mapped_column(ID)
    flow_id: Mapped[str | None] = mapped_column(ID)
    agent: Mapped[JsonObject]
    plan: Mapped[JsonObject]
    carrier: Mapped[str] = mapped_column(String(20))
    trunk_id: Mapped[str | None] = mapped_column(ID)
    telephony_provider: Mapped[str] = mapped_column(String(20))
    telephony_id: Mapped[str | None] = mapped_column(String(255))
    telephony_metadata: Mapped[JsonObject | None]
    telephony_account_connection_id: Mapped[str | None] = mapped_column(ID)
    telephony_params: Mapped[JsonObject | None]
    call_variables: Mapped[JsonObject | None]
    on_no_human_answer: Mapped[str | None] = mapped_column(String(20))
    run_do_not_call_detection: Mapped[bool | None] = mapped_column(Boolean)
    hipaa_compliant: Mapped[bool] = mapped_column(Boolean, default=False)
    human_detection_result: Mapped[str | None] = mapped_column(String(20))
    do_not_call_result: Mapped[bool | None] = mapped_column(Boolean)
    transcript: Mapped[str | None] = mapped_column(Text)
    recording_available: Mapped[bool] = mapped_column(Boolean, default=False)
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    owner_engine: Mapped[str | None] = mapped_column(String(64))
    lease_until: Mapped[datetime | None]


class Leg(TenantRow):
    """One connection of a call with one far end.

    ``role`` is ``primary``, ``transfer`` or ``conference``; ``carrier_handle`` is the carrier's
    name for the leg; ``dialog`` is what the carrier's adapter needs to end the leg after a crash.
    """

    __tablename__ = "legs"
    __table_args__ = (
        tenant_key(),
        within_organisation("call_id", "calls"),
        Index("ix_legs_call_id", "call_id"),
    )

    call_id: Mapped[str] = mapped_column(ID)
    role: Mapped[str] = mapped_column(String(20), default="primary")
    carrier: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20))
    carrier_handle: Mapped[str] = mapped_column(String(255))
    dialog: Mapped[JsonObject]


class CallEvent(Row):
    """One fact of a call's timeline: appended, never changed; ``at_ms`` is null before answer."""

    __tablename__ = "call_events"
    __table_args__ = (within_organisation("call_id", "calls"),)

    call_id: Mapped[str] = mapped_column(ID, primary_key=True)
    sequence: Mapped[int] = mapped_column(Integer, primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisations.id"))
    kind: Mapped[str] = mapped_column(String(60))
    at: Mapped[datetime]
    at_ms: Mapped[int | None] = mapped_column(Integer)
    content: Mapped[JsonObject]


class DialAttempt(TenantRow):
    """A fence written before a carrier is asked to dial, so that no attempt is made twice."""

    __tablename__ = "dial_attempts"
    __table_args__ = (
        within_organisation("call_id", "calls"),
        UniqueConstraint("call_id", "leg_id", "attempt"),
    )

    call_id: Mapped[str] = mapped_column(ID)
    leg_id: Mapped[str] = mapped_column(ID)
    attempt: Mapped[int] = mapped_column(Integer)


class OutboxEvent(TenantRow):
    """A fact to be announced, written in the transaction that made it true."""

    __tablename__ = "outbox"
    __table_args__ = (
        within_organisation("call_id", "calls"),
        UniqueConstraint("call_id", "sequence"),
        Index("ix_outbox_relayed_at", "relayed_at", "created_at"),
    )

    call_id: Mapped[str] = mapped_column(ID)
    sequence: Mapped[int] = mapped_column(Integer)
    type: Mapped[str] = mapped_column(String(60))
    payload: Mapped[JsonObject]
    relayed_at: Mapped[datetime | None]
