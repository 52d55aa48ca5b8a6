"""A whole database copied into an empty one, of the same kind or the other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from sqlalchemy import Table, insert, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from cordboard.storage.database import Database, address, is_sqlite, migrate
from cordboard.storage.tables import Row

CHUNK_COUNT: Final = 500


class CopyRefused(Exception):
    """It was not copied, and the target is as empty as before; the text says why."""


async def copy_database(
    source_url: str, target_url: str, progress: Callable[[str, int], None]
) -> None:
    """Copy every row of one database, as it is at this moment, in one transaction of the other.

    Both are brought up to date first. Rows keep all they hold: ids, numbers in their call's order,
    and what is sealed, which the same master key opens. ``progress`` hears of each table how many
    rows it had.

    Raises:
        CopyRefused: there is no source, the target holds rows, or cannot hold one of the source.
        BadAddress: an address cannot be used.
        DatabaseAway: a server is not there.
        SchemaUnknown: a newer version made one of them.

    """
    _check_there(source_url)
    await migrate(source_url)
    await migrate(target_url)
    source, target = Database(source_url), Database(target_url)
    try:
        async with source.read() as reading, target.write() as writing:
            tables = Row.metadata.sorted_tables
            for table in tables:
                await _check_empty(writing, table)
            for table in tables:
                progress(table.name, await _copy(reading, writing, table))
    finally:
        await source.close()
        await target.close()


def _check_there(url: str) -> None:
    path = address(url).database
    if is_sqlite(url) and not Path(str(path)).is_file():
        raise CopyRefused(f"there is no database {path}")


async def _check_empty(session: AsyncSession, table: Table) -> None:
    if (await session.execute(select(table).limit(1))).first() is not None:
        raise CopyRefused(f"the target holds data already (table {table.name}): take an empty one")


async def _copy(reading: AsyncSession, writing: AsyncSession, table: Table) -> int:
    count = 0
    found = await reading.stream(select(table).order_by(*table.primary_key))
    async for rows in found.mappings().partitions(CHUNK_COUNT):
        try:
            await writing.execute(insert(table), [dict(row) for row in rows])
        except DBAPIError as problem:
            if problem.connection_invalidated:
                raise
            # Its text would hold the rows.
            why = type(getattr(problem.orig, "__cause__", None) or problem.orig).__name__
            raise CopyRefused(
                f"a row of table {table.name} cannot be kept by the target: {why}"
            ) from None
        count += len(rows)
    return count
