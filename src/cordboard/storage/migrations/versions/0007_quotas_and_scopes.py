"""What an organisation may use, and what a key may reach."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_QUOTAS = ("calls_max_count", "calls_per_day_max_count", "requests_per_minute_max_count")


def upgrade() -> None:
    """Add the columns."""
    for name in _QUOTAS:
        op.add_column("organisations", sa.Column(name, sa.Integer()))
    op.add_column("api_keys", sa.Column("scopes", sa.String(2000)))


def downgrade() -> None:
    """Remove the columns."""
    op.drop_column("api_keys", "scopes")
    for name in _QUOTAS:
        op.drop_column("organisations", name)
