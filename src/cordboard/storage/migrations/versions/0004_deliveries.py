"""Events on their way to webhooks, every attempt, and how the webhooks fare."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(36), primary_key=True, nullable=False),
        sa.Column("organisation_id", sa.String(36), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("call_id", sa.String(36), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("webhook_id", sa.String(36), nullable=False),
        sa.Column("type", sa.String(60), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("method", sa.String(8), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("attempts_count", sa.Integer(), nullable=False),
        sa.Column("due_at", _TIME, nullable=False),
        sa.Column("first_at", _TIME),
        sa.Column("finished_at", _TIME),
        sa.Column("lease_until", _TIME),
        sa.UniqueConstraint("call_id", "sequence", name="uq_deliveries_call_id_sequence"),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name="fk_deliveries_organisation_id"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "call_id"],
            ["calls.organisation_id", "calls.id"],
            name="fk_deliveries_organisation_id_call_id",
        ),
    )
    op.create_index("ix_deliveries_due", "deliveries", ["state", "due_at"])
    op.create_index("ix_deliveries_webhook", "deliveries", ["webhook_id", "state"])
    op.create_index("ix_deliveries_newest", "deliveries", ["organisation_id", "created_at", "id"])
    op.create_table(
        "delivery_attempts",
        sa.Column("delivery_id", sa.String(36), primary_key=True, nullable=False),
        sa.Column("number", sa.Integer(), primary_key=True, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("failure", sa.String(40)),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["deliveries.id"], name="fk_delivery_attempts_delivery_id"
        ),
    )
    op.create_table(
        "webhook_health",
        sa.Column("webhook_id", sa.String(36), primary_key=True, nullable=False),
        sa.Column("organisation_id", sa.String(36), nullable=False),
        sa.Column("failing_since", _TIME),
        sa.Column("disabled_at", _TIME),
        sa.Column("disabled_why", sa.String(40)),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("old_secret", sa.Text()),
        sa.Column("old_until", _TIME),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name="fk_webhook_health_organisation_id"
        ),
    )
