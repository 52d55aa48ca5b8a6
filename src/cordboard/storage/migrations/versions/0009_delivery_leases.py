"""Let the attempts that are under way be counted for each webhook."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the index."""
    op.create_index("ix_deliveries_lease", "deliveries", ["lease_until", "webhook_id"])
