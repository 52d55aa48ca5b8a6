"""Flows, and which flow a call was of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; let calls name their flow."""
    op.create_table(
        "flows",
        sa.Column("id", sa.String(36), primary_key=True, nullable=False),
        sa.Column("organisation_id", sa.String(36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("secrets", sa.JSON(), nullable=False),
        sa.Column("voice_id", sa.String(36)),
        sa.Column("webhook_id", sa.String(36)),
        sa.UniqueConstraint("organisation_id", "id", name="uq_flows_organisation_id_id"),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name="fk_flows_organisation_id"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "voice_id"],
            ["voices.organisation_id", "voices.id"],
            name="fk_flows_organisation_id_voice_id",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "webhook_id"],
            ["webhooks.organisation_id", "webhooks.id"],
            name="fk_flows_organisation_id_webhook_id",
        ),
    )
    op.create_index("ix_flows_newest", "flows", ["organisation_id", "created_at", "id"])
    op.add_column("calls", sa.Column("flow_id", sa.String(36)))
    op.create_index("ix_calls_flow", "calls", ["flow_id", "created_at"])
    # Lists of agents' calls alone are found by the indexes that hold their orders.
    for name, column in (("newest", "created"), ("started", "started"), ("ended", "ended")):
        op.drop_index(f"ix_calls_{name}", "calls")
        columns = ["organisation_id", f"{column}_at", "id", "operator"]
        op.create_index(f"ix_calls_{name}", "calls", columns)
