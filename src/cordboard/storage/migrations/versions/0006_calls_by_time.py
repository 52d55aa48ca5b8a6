"""Let lists of calls be sorted by their beginnings and ends without sorting all of them."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the indexes."""
    for name in ("started", "ended"):
        columns = ["organisation_id", f"{name}_at", "id"]
        op.create_index(f"ix_calls_{name}", "calls", columns)
