"""What every table has in common: ids, the organisation a row belongs to, times in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    MetaData,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

ID: Final = String(36)

JsonObject = dict[str, Any]

_NAMES: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcTime(TypeDecorator[datetime]):
    """A moment in UTC, also on databases that keep no time zone; refuses naive times."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware time to UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time needs a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return an aware time."""
        if value is None or value.tzinfo is not None:
            return value
        return value.replace(tzinfo=UTC)


class Row(DeclarativeBase):
    """The root of all tables; ``Row.metadata`` is what the migrations must add up to."""

    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map: ClassVar = {datetime: UtcTime(), JsonObject: JSON(none_as_null=True)}


class TenantRow(Row):
    """A row of one organisation; references to it carry the organisation as well."""

    __abstract__ = True

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisations.id"))
    created_at: Mapped[datetime]


def tenant_key() -> UniqueConstraint:
    """Return the constraint that lets other tables of the same organisation refer to a table."""
    return UniqueConstraint("organisation_id", "id")


def within_organisation(column: str, table: str) -> ForeignKeyConstraint:
    """Return a foreign key that can only point at a row of the same organisation."""
    return ForeignKeyConstraint(
        ["organisation_id", column], [f"{table}.organisation_id", f"{table}.id"]
    )
