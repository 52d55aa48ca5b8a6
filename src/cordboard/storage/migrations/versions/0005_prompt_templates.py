"""Texts that prompts are made from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "prompt_templates",
        sa.Column("id", sa.String(36), primary_key=True, nullable=False),
        sa.Column("organisation_id", sa.String(36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("secrets", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name="fk_prompt_templates_organisation_id"
        ),
        sa.UniqueConstraint("organisation_id", "id", name="uq_prompt_templates_organisation_id_id"),
    )
    op.create_index(
        "ix_prompt_templates_newest", "prompt_templates", ["organisation_id", "created_at", "id"]
    )
