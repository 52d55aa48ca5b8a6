"""What actions are sorted by."""

from __future__ import annotations

from typing import Final

from cordboard.control.rows import Columns
from cordboard.storage.tables import Action

COLUMNS: Final[Columns] = {
    "type": Action.__table__.c.type,
    "name": Action.fields[("config", "name")].as_string(),
}
