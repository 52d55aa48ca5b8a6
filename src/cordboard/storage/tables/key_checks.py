"""What tells a later start whether it has the right master key."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from cordboard.storage.tables.rows import Row


class KeyCheck(Row):
    """The one row: a value made by the master key, from which the key cannot be told."""

    __tablename__ = "key_checks"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    value: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
