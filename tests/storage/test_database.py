"""Transactions and migrations of the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import pytest_asyncio
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine

from cordboard.storage.database import (
    BadAddress,
    Database,
    DatabaseAway,
    SchemaUnknown,
    address,
    migrate,
)
from cordboard.storage.tables import Agent, Organisation, Prompt, Row, Voice
from tests.databases import opened
from tests.postgres import PostgresServer

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the address of a database that is empty, or does not exist yet, as its directory."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/new/cordboard.db"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.make(empty=True)
    yield url
    server.drop(url)


@pytest_asyncio.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """Return a migrated database."""
    async with opened(url) as database:
        yield database


async def test_migrations_add_up_to_the_models(url: str) -> None:
    """What the migrations make is what the models say, and a second run changes nothing."""
    await migrate(url)
    await migrate(url)
    engine = create_async_engine(address(url))
    async with engine.connect() as connection:
        differences = await connection.run_sync(_differences)
    await engine.dispose()
    assert differences == []


def _differences(connection: Connection) -> list[object]:
    options = {"compare_type": True}
    return list(
        compare_metadata(MigrationContext.configure(connection, opts=options), Row.metadata)
    )


async def test_a_newer_schema_is_refused(database: Database, url: str) -> None:
    """A database that a newer version made is left alone."""
    async with database.write() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaUnknown, match="newer version"):
        await migrate(url)


async def test_pragmas(tmp_path: Path) -> None:
    """On SQLite both sides run in WAL with foreign keys on; the writer syncs fully."""
    url = f"sqlite:///{tmp_path}/cordboard.db"
    await migrate(url)
    database = Database(url)
    async with database.write() as session:
        assert (await session.execute(text("PRAGMA journal_mode"))).scalar() == "wal"
        assert (await session.execute(text("PRAGMA synchronous"))).scalar() == 2
        assert (await session.execute(text("PRAGMA foreign_keys"))).scalar() == 1
    async with database.read() as session:
        assert (await session.execute(text("PRAGMA foreign_keys"))).scalar() == 1
    await database.close()


async def test_a_raising_block_leaves_nothing(database: Database) -> None:
    """A transaction whose block raises has no effect."""

    async def fail() -> None:
        async with database.write() as session:
            session.add(Organisation(id="o", name="O", created_at=AT))
            await session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with database.read() as session:
        assert (await session.execute(select(func.count()).select_from(Organisation))).scalar() == 0


async def test_readers_cannot_write(database: Database) -> None:
    """A change in a reading transaction is refused by the database itself."""
    async with database.read() as session:
        session.add(Organisation(id="o", name="O", created_at=AT))
        with pytest.raises(DBAPIError, match=r"readonly|read-only"):
            await session.flush()


async def test_times_come_back_in_utc(database: Database) -> None:
    """A time is stored to the microsecond in UTC; one without a zone is refused."""
    eastern = AT.astimezone(timezone(timedelta(hours=-5)))
    async with database.write() as session:
        session.add(Organisation(id="o", name="O", created_at=eastern))
    async with database.read() as session:
        row = await session.get_one(Organisation, "o")
    assert row.created_at == AT
    assert row.created_at.tzinfo is UTC
    with pytest.raises(Exception, match="time zone"):
        async with database.write() as session:
            session.add(Organisation(id="p", name="P", created_at=AT.replace(tzinfo=None)))


async def test_references_stay_within_the_organisation(database: Database) -> None:
    """The database itself refuses an agent that uses another organisation's prompt."""
    async with database.write() as session:
        for name in ("a", "b"):
            session.add(Organisation(id=name, name=name, created_at=AT))
        await session.flush()
        session.add(
            Prompt(id="p", organisation_id="a", created_at=AT, type="prompt", fields={}, secrets={})
        )
        session.add(
            Voice(id="v", organisation_id="b", created_at=AT, type="t", fields={}, secrets={})
        )
    with pytest.raises(IntegrityError):
        async with database.write() as session:
            session.add(
                Agent(
                    id="x",
                    organisation_id="b",
                    created_at=AT,
                    fields={},
                    prompt_id="p",
                    voice_id="v",
                )
            )


async def test_writers_take_turns(database: Database) -> None:
    """Fifty transactions at once that each read and then write all succeed, and none is lost."""
    async with database.write() as session:
        session.add(Organisation(id="o", name="0", created_at=AT))

    async def count_up() -> None:
        async with database.write() as session:
            row = await session.get_one(Organisation, "o")
            await asyncio.sleep(0)
            row.name = str(int(row.name) + 1)

    async with asyncio.TaskGroup() as group:
        for _ in range(50):
            group.create_task(count_up())
    async with database.read() as session:
        assert (await session.get_one(Organisation, "o")).name == "50"


async def test_a_second_process_waits_its_turn(database: Database, url: str) -> None:
    """Two writers on one file, as two processes have them, wait for each other."""
    other = Database(url)

    async def add(through: Database, start: int) -> None:
        for number in range(start, start + 20):
            async with through.write() as session:
                session.add(Organisation(id=str(number), name="n", created_at=AT))

    async with asyncio.TaskGroup() as group:
        group.create_task(add(database, 0))
        group.create_task(add(other, 100))
    await other.close()
    async with database.read() as session:
        count = (await session.execute(select(func.count()).select_from(Organisation))).scalar()
    assert count == 40


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("mysql://root:hunter2@db/x", "only sqlite"),
        ("hunter2", "no address"),
        ("postgresql+psycopg2://root:hunter2@db/x", "only sqlite"),
        ("sqlite:///:memory:", "needs a file"),
    ],
)
def test_bad_addresses(url: str, why: str) -> None:
    """What cannot be used is refused with the reason, and without what it holds."""
    with pytest.raises(BadAddress, match=why) as refused:
        Database(url)
    assert "hunter2" not in str(refused.value)


async def test_several_processes_migrate(url: str) -> None:
    """Processes that start at once bring a new database up to date together."""
    if url.startswith("postgresql"):
        await asyncio.gather(*(migrate(url) for _ in range(3)))
    await migrate(url)


async def test_a_server_that_goes_away(postgres: PostgresServer) -> None:
    """A server that has crashed is told as being away, before, during and after; then it is used
    again.
    """
    url = postgres.make()
    database = Database(url)
    async with database.write() as session:
        session.add(Organisation(id="o", name="0", created_at=AT))

    async def cut_off() -> None:
        async with database.write() as session:
            session.add(Organisation(id="p", name="1", created_at=AT))
            await session.flush()
            postgres.stop()

    with pytest.raises(DatabaseAway):
        await cut_off()
    for transaction in (database.read, database.write):
        with pytest.raises((DatabaseAway, OSError)):
            async with transaction() as session:
                await session.execute(text("SELECT 1"))
    postgres.start()
    async with database.read() as session:
        ids = list(await session.scalars(select(Organisation.id)))
    assert ids == ["o"]
    await database.close()
