"""The queries that all nouns have in common. Each one takes the organisation from the unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.sql.base import ExecutableOption

from cordboard.control.errors import Invalid, NotFound
from cordboard.control.fields import as_uuid
from cordboard.control.requests import PageQuery
from cordboard.control.unit import Unit
from cordboard.storage.tables import ResourceRow, TenantRow

R = TypeVar("R", bound=TenantRow)

# A column to sort by: how it is called in the API, and what it is in the database.
Columns = Mapping[str, ColumnElement[Any]]

_MISSING: Final = "No {noun} with this id"


async def find(unit: Unit, table: type[R], row_id: object, noun: str, place: str = "") -> R:
    """Return a row of the unit's organisation.

    Raises:
        NotFound: there is none; a row of another organisation is no different from none.

    """
    canonical = as_uuid(row_id)
    row = None
    if canonical is not None:
        wanted = select(table).where(
            table.organisation_id == unit.organisation_id, table.id == canonical
        )
        row = (await unit.session.scalars(wanted)).first()
    if row is None:
        missing = _MISSING.format(noun=noun)
        raise NotFound(f"{place}: {missing}" if place else missing)
    return row


async def page_of(
    unit: Unit,
    table: type[R],
    page: PageQuery,
    columns: Columns,
    options: Sequence[ExecutableOption] = (),
    only: Sequence[ColumnElement[bool]] = (),
) -> tuple[Sequence[R], int]:
    """Return the rows of a page, and how many there are in all; ``options`` say how to load them.

    ``only`` says which rows count.

    Raises:
        Invalid: the column to sort by is not one of ``columns``.

    """
    mine = and_(table.organisation_id == unit.organisation_id, *only)
    services = unit.services
    now = services.clock.wall()
    total = await services.totals.of(unit.session, table, unit.organisation_id, now, only)
    start: tuple[ColumnElement[bool], ...] = ()
    passed = (page.page - 1) * page.size
    order = _order(table, page, columns)
    if page.sort_column is None:
        start, passed = total.start(passed)
    # First the ids alone, which an index holds in order; whole rows only of this page.
    wanted = select(table.id).where(mine, *start).order_by(*order)
    ids = (await unit.session.scalars(wanted.limit(page.size).offset(passed))).all()
    # By ids alone: with more to go by, PostgreSQL may read all of an organisation's rows as long as
    # it has not counted a new table. They are of the same view, so they are still ours.
    rows = await unit.session.scalars(select(table).options(*options).where(table.id.in_(ids)))
    by_id = {row.id: row for row in rows}
    return [by_id[row_id] for row_id in ids if row_id in by_id], total.count


def _order(table: type[R], page: PageQuery, columns: Columns) -> tuple[ColumnElement[Any], ...]:
    if page.sort_column is None:
        return table.created_at.desc(), table.id.desc()
    every = {"id": table.id, "created_at": table.created_at, **columns}
    column = every.get(page.sort_column)
    if column is None:
        known = ", ".join(sorted(every))
        raise Invalid.at(("query", "sort_column"), f"must be one of {known}")
    if page.sort_desc:
        return column.desc(), table.id.desc()
    return column.asc(), table.id.asc()


def text_fields(table: type[ResourceRow], *names: str) -> Columns:
    """Return sort columns for texts of a resource's fields."""
    return {name: table.fields[name].as_string() for name in names}


def number_fields(table: type[ResourceRow], *names: str) -> Columns:
    """Return sort columns for numbers of a resource's fields."""
    return {name: table.fields[name].as_float() for name in names}
