"""What account connections are sorted by."""

from __future__ import annotations

from typing import Final

from cordboard.control.rows import Columns
from cordboard.storage.tables import AccountConnection

COLUMNS: Final[Columns] = {"type": AccountConnection.__table__.c.type}
