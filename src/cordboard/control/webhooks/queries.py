"""What webhooks are sorted by."""

from __future__ import annotations

from typing import Final

from cordboard.control.rows import Columns, text_fields
from cordboard.storage.tables import Webhook

COLUMNS: Final[Columns] = text_fields(Webhook, "url", "method")
