"""What accounts at carriers are still to be asked about numbers, and which numbers were bought."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; let numbers keep the carrier's identifier."""
    op.create_table(
        "number_wishes",
        sa.Column("id", sa.String(36), primary_key=True, nullable=False),
        sa.Column("organisation_id", sa.String(36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("connection_id", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("number", sa.String(64)),
        sa.Column("carrier_sid", sa.String(64)),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts_count", sa.Integer(), nullable=False),
        sa.Column("problem", sa.String(300)),
        sa.UniqueConstraint(
            "organisation_id", "number", name="uq_number_wishes_organisation_id_number"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name="fk_number_wishes_organisation_id"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "connection_id"],
            ["account_connections.organisation_id", "account_connections.id"],
            name="fk_number_wishes_organisation_id_connection_id",
        ),
    )
    op.create_index("ix_number_wishes_due", "number_wishes", ["due_at"])
    op.add_column("numbers", sa.Column("carrier_sid", sa.String(64)))
