"""A database copied into another one holds the same rows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import JSON, Boolean, Column, Integer, Table, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cordboard.call.events import EndReason
from cordboard.storage.copying import CHUNK_COUNT, CopyRefused, copy_database
from cordboard.storage.database import Database
from cordboard.storage.deliveries import secrets_of
from cordboard.storage.tables import Call, Row, WebhookHealth
from cordboard.storage.tables.rows import UtcTime
from tests.delivery.receiver import House, house
from tests.postgres import PostgresServer

FACTS = CHUNK_COUNT + 3
TEXT = "žluťoučký kůň \U0001f40e"


@pytest.fixture
def source(tmp_path: Path) -> str:
    """Return the address of the database that is copied."""
    return f"sqlite:///{tmp_path}/c.db"


@pytest_asyncio.fixture
async def home(source: str) -> AsyncIterator[House]:
    """Return a house on SQLite with calls whose events were delivered, and rows of every table."""
    async with house(source) as opened:
        call_id = await opened.add_call()
        await opened.answer(call_id)
        await opened.keep(call_id, FACTS + 1, "caller_turn", text=TEXT)
        await opened.close(call_id, reason=EndReason.CALLER_HUNG_UP)
        async with opened.delivering():
            await opened.idle()
        async with opened.database.write() as session:
            await _fill_the_rest(session)
            facts = Row.metadata.tables["call_events"]
            (row,) = (await session.execute(select(facts))).mappings()
            rows = [{**row, "sequence": number} for number in range(1, FACTS + 1)]
            await session.execute(insert(facts), rows)
        yield opened


async def _fill_the_rest(session: AsyncSession) -> None:
    """Put a row into every table that has none."""
    for table in Row.metadata.sorted_tables:
        if (await session.execute(select(table).limit(1))).first() is None:
            values = {column.name: _some(column) for column in table.columns}
            for key in table.foreign_key_constraints:
                (there, *_) = (await session.execute(select(key.referred_table))).mappings()
                values |= {part.parent.name: there[part.column.name] for part in key.elements}
            await session.execute(insert(table), values)


def _some(column: Column[Any]) -> object:
    kind = column.type
    if isinstance(kind, JSON):
        return {"text": f"{TEXT}\0", "list": [1, None, 0.1, {}], "large": 2**53}
    if isinstance(kind, UtcTime):
        return datetime(2026, 3, 4, 5, 6, 7, 123_456, tzinfo=UTC)
    if isinstance(kind, Boolean):
        return True
    if isinstance(kind, Integer):
        return 2**31 - 1
    return f"{column.name[:9]} {TEXT}"[: getattr(kind, "length", None)]


async def _rows(url: str) -> dict[str, list[dict[str, Any]]]:
    """Return every row of every table."""
    database = Database(url)
    found = {}
    async with database.read() as session:
        for table in Row.metadata.sorted_tables:
            wanted = select(table).order_by(*table.primary_key)
            found[table.name] = [dict(row) for row in (await session.execute(wanted)).mappings()]
    await database.close()
    return found


async def test_there_and_back(
    home: House, source: str, postgres: PostgresServer, tmp_path: Path
) -> None:
    """Every row is the same in PostgreSQL, and in SQLite again; what was sealed can be opened."""
    target, back = postgres.make(empty=True), f"sqlite:///{tmp_path}/back.db"
    counts: dict[str, int] = {}
    await copy_database(source, target, counts.__setitem__)
    await copy_database(target, back, lambda _table, _count: None)
    before = await _rows(source)
    assert all(before.values())
    assert counts == {name: len(rows) for name, rows in before.items()}
    assert counts["call_events"] == FACTS + 1
    for url in (target, back):
        after = await _rows(url)
        for name, rows in before.items():
            assert after[name] == rows, name
    copied = Database(target)
    async with copied.read() as session:
        sealed = [*await session.scalars(select(WebhookHealth))]
    await copied.close()
    assert [secrets_of(health, home.vault, home.clock.wall()) for health in sealed]


async def test_not_into_data(home: House, source: str, postgres: PostgresServer) -> None:
    """A target that holds anything is refused and left as it was."""
    target = postgres.make()
    await copy_database(source, target, lambda _table, _count: None)
    await home.add_call()
    before = await _rows(target)
    with pytest.raises(CopyRefused, match="holds data already"):
        await copy_database(source, target, lambda _table, _count: None)
    assert await _rows(target) == before


@pytest.mark.parametrize("bad", ["nothing after this \0", "x" * 1_000])
async def test_what_does_not_fit(
    home: House, source: str, postgres: PostgresServer, bad: str
) -> None:
    """A row that PostgreSQL cannot hold is told by its table, not its text; nothing is copied."""
    target = postgres.make()
    async with home.database.write() as session:
        await session.execute(update(Call).values(telephony_id=bad))
    with pytest.raises(CopyRefused, match="of table calls") as refused:
        await copy_database(source, target, lambda _table, _count: None)
    assert bad not in str(refused.value)
    assert not any((await _rows(target)).values())


def test_from_nothing(tmp_path: Path) -> None:
    """A misspelt source is refused, and no file is made."""
    source, target = (f"sqlite:///{tmp_path}/{name}.db" for name in ("no", "to"))
    with pytest.raises(CopyRefused, match="no database"):
        asyncio.run(copy_database(source, target, lambda _table, _count: None))
    assert list(tmp_path.iterdir()) == []


def test_no_numbers_of_its_own() -> None:
    """No table gets its ids from a counter of the database, which a copy would have to set."""
    drawn = [table.name for table in Row.metadata.sorted_tables if _counts(table)]
    assert drawn == []


def _counts(table: Table) -> bool:
    return table.autoincrement_column is not None
