"""Transactions: many readers, one writer where the database can have only one.

On SQLite all writes go through one connection under a lock, each in a transaction that takes the
write lock at its start, so that no transaction fails half-way because another one came first.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from sqlalchemy import Connection, event
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

if TYPE_CHECKING:
    from alembic.config import Config

BUSY_TIMEOUT_MS: Final = 5_000
READERS_COUNT: Final = 4
MIGRATIONS: Final = Path(__file__).parent / "migrations"


class SchemaUnknown(Exception):
    """The database has a schema that this version does not know: a newer one made it."""


class Database:
    """The database of one process. ``read`` and ``write`` each are one transaction.

    Sessions keep their objects usable after the commit (``expire_on_commit`` is off).
    """

    def __init__(self, url: str) -> None:
        """Connects at the first transaction; ``url`` is SQLAlchemy's, with an async driver."""
        self._sqlite = is_sqlite(url)
        self._readers = _engine(url, READERS_COUNT, writes=False)
        self._writer = _engine(url, 1, writes=True) if self._sqlite else self._readers
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """One consistent view; whatever was changed in it is dropped."""
        async with AsyncSession(self._readers, expire_on_commit=False) as session:
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """One transaction: durable when the block has been left, without effect when it raised.

        On SQLite it waits for its turn; to ask for a second one inside the block never ends.
        """
        if not self._sqlite:
            async with self._transaction() as session:
                yield session
            return
        async with self._turn, self._transaction() as session:
            yield session

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncSession]:
        async with AsyncSession(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    async def close(self) -> None:
        """Close all connections."""
        await self._readers.dispose()
        await self._writer.dispose()


async def migrate(url: str) -> None:
    """Bring the schema of the database at ``url`` up to date; does nothing when it is.

    Raises:
        SchemaUnknown: the database is newer than this program; nothing was changed.

    """
    if is_sqlite(url):
        _make_directory(url)
    engine = _engine(url, 1, writes=True)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def is_sqlite(url: str) -> bool:
    """Tell whether ``url`` names a SQLite database."""
    return make_url(url).get_backend_name() == "sqlite"


def migration_config(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration; there is no ``alembic.ini``."""
    from alembic.config import Config  # it takes long to import and is needed once

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.util import CommandError

    try:
        command.upgrade(migration_config(connection), "head")
    except CommandError as error:
        raise SchemaUnknown(f"a newer version of cordboard made this database: {error}") from None


def _make_directory(url: str) -> None:
    path = make_url(url).database
    if path and path != ":memory:":
        Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)


class _Cursor(Protocol):
    def execute(self, statement: str) -> object: ...

    def close(self) -> None: ...


def _engine(url: str, size: int, *, writes: bool) -> AsyncEngine:
    if not is_sqlite(url):
        return create_async_engine(url, pool_size=size + 1, pool_pre_ping=True)
    engine = create_async_engine(url, pool_size=size, max_overflow=0)
    begin = "BEGIN IMMEDIATE" if writes else "BEGIN"

    def connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver must not begin transactions by itself
        cursor: _Cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        if not writes:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine.sync_engine, "connect", connected)
    event.listen(engine.sync_engine, "begin", begun)
    return engine
