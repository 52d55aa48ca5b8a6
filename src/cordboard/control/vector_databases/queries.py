"""What vector databases are sorted by."""

from __future__ import annotations

from typing import Final

from cordboard.control.rows import Columns, text_fields
from cordboard.storage.tables import VectorDatabase

COLUMNS: Final[Columns] = {
    "type": VectorDatabase.__table__.c.type,
    **text_fields(VectorDatabase, "index", "api_environment"),
}
