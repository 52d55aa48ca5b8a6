"""Transactions: many readers, one writer at a time.

On SQLite all writes go through one connection, each in a transaction that takes the write lock at
its start; on PostgreSQL each takes one advisory lock. So no transaction fails half-way because
another one came first, and what one has read stays true until it has written.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib.util import find_spec
from pathlib import Path
from socket import gaierror
from typing import TYPE_CHECKING, Any, Final, Protocol

from sqlalchemy import Connection, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

if TYPE_CHECKING:
    from alembic.config import Config

BUSY_TIMEOUT_MS: Final = 5_000
READERS_COUNT: Final = 4
CACHE_KIB: Final = 512
"""What each connection to SQLite keeps of the file: more than it needs, as the system keeps the
rest, and soon reached, so that a server does not grow for thousands of calls.
"""

CONNECT_TIMEOUT_S: Final = 3.0
STATEMENT_TIMEOUT_S: Final = 10.0
MIGRATIONS: Final = Path(__file__).parent / "migrations"

_DRIVERS: Final = {
    "sqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",
}
_AWAY_STATES: Final = ("08", "40", "53", "55", "57")
"""Classes of SQLSTATE (PostgreSQL, appendix A) of a server that is away, full or in the way of
itself: connection lost, transaction rolled back, out of resources, lock not to be had, shut down.
"""


_SHUT_STATES: Final = ("28", "3D")
"""Classes of SQLSTATE of a wrong user or password, and of a database that does not exist."""

_MIGRATING: Final = 0xC0BD
"""The advisory lock that whoever migrates holds."""

_TAKE_TURN: Final = text(f"SELECT pg_advisory_xact_lock({0xC0BE})")
"""Held by the one transaction that writes now, whichever process it is of."""

_SERVER_SETTINGS: Final = {
    "application_name": "cordboard",
    # A process that hangs in the midst of a transaction must not keep the others waiting for ever.
    "idle_in_transaction_session_timeout": "15s",
    "lock_timeout": "10s",
    # A plan that was made and kept while a table was small reads all of it once it is large.
    "plan_cache_mode": "force_custom_plan",
}


class BadAddress(OSError):
    """The database's address cannot be used; the text says why, and holds nothing secret."""

    def __init__(self, why: str) -> None:
        super().__init__(f"CORDBOARD_DATABASE_URL: {why}")


class DatabaseAway(OSError):
    """The server is not there, or cannot do it now; the same may work a moment later."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the database (CORDBOARD_DATABASE_URL) is away: {why}")


class SchemaUnknown(Exception):
    """The database has a schema that this version does not know: a newer one made it."""


class Database:
    """The database of one process. ``read`` and ``write`` each are one transaction.

    Sessions keep their objects usable after the commit (``expire_on_commit`` is off).
    """

    def __init__(self, url: str) -> None:
        """Connects at the first transaction; see ``address`` for what ``url`` may be.

        Raises:
            BadAddress: it cannot be used.

        """
        self._sqlite = is_sqlite(url)
        self._readers = _engine(url, READERS_COUNT, writes=False)
        self._writer = _engine(url, 1, writes=True)
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """One consistent view; whatever was changed in it is dropped.

        Raises:
            DatabaseAway: the server went away.

        """
        with _told_away():
            async with AsyncSession(self._readers, expire_on_commit=False) as session:
                yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """One transaction: durable when the block has been left, without effect when it raised.

        It waits for its turn; to ask for a second one inside the block never ends.

        Raises:
            DatabaseAway: the server went away; whether the transaction counts may be in doubt.

        """
        sessions = AsyncSession(self._writer, expire_on_commit=False)
        with _told_away():
            async with self._turn, sessions as session, session.begin():
                if not self._sqlite:
                    await session.execute(_TAKE_TURN)
                yield session

    async def close(self) -> None:
        """Close all connections."""
        await self._readers.dispose()
        await self._writer.dispose()


async def migrate(url: str) -> None:
    """Bring the schema of the database at ``url`` up to date; does nothing when it is.

    Raises:
        BadAddress: ``url`` cannot be used.
        DatabaseAway: the server is not there.
        SchemaUnknown: the database is newer than this program; nothing was changed.

    """
    if is_sqlite(url):
        _make_directory(url)
    engine = _engine(url, 1, writes=True)
    try:
        with _told_away():
            async with engine.begin() as connection:
                if not is_sqlite(url):
                    # Of several processes that start at once, one migrates and the others wait.
                    await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATING})")
                await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def address(url: str) -> URL:
    """Return SQLAlchemy's form of ``sqlite:///PATH`` or ``postgresql://USER:PASSWORD@HOST/NAME``.

    Raises:
        BadAddress: it is neither, or its driver is not installed.

    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise BadAddress("it is no address of a database") from None
    name = parsed.drivername
    if name not in (*_DRIVERS, *_DRIVERS.values()):
        known = "sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME"
        raise BadAddress(f"{name}: only {known} can be used")
    if name.startswith("sqlite") and parsed.database in (None, "", ":memory:"):
        # Readers, the writer and other processes would each have one of their own.
        raise BadAddress("a SQLite database needs a file: sqlite:///PATH")
    parsed = parsed.set(drivername=_DRIVERS.get(name, name))
    if parsed.get_backend_name() == "postgresql" and find_spec("asyncpg") is None:
        raise BadAddress("PostgreSQL needs its driver: pip install 'cordboard[postgresql]'")
    return parsed


def is_sqlite(url: str) -> bool:
    """Tell whether ``url`` names a SQLite database."""
    return address(url).get_backend_name() == "sqlite"


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
    Path(str(address(url).database)).parent.mkdir(mode=0o700, parents=True, exist_ok=True)


@contextmanager
def _told_away() -> Iterator[None]:
    """Tell a server that is away, or does not let us in, from one that refuses a statement."""
    try:
        yield
    except DBAPIError as error:
        state = str(getattr(error.orig, "sqlstate", None) or "")
        if error.connection_invalidated or state.startswith(_AWAY_STATES):
            raise DatabaseAway(type(error.orig).__name__) from error
        if state.startswith(_SHUT_STATES):
            raise BadAddress(f"the server does not let us in (SQLSTATE {state})") from error
        raise
    except (ConnectionError, FileNotFoundError, gaierror) as error:
        # The last but one: the socket of a server on this machine is not there.
        raise DatabaseAway(type(error).__name__) from error


class _Cursor(Protocol):
    def execute(self, statement: str) -> object: ...

    def close(self) -> None: ...


def _engine(url: str, size: int, *, writes: bool) -> AsyncEngine:
    at = address(url)
    if not is_sqlite(url):
        engine = create_async_engine(
            at,
            pool_size=size,
            max_overflow=0,
            pool_timeout=CONNECT_TIMEOUT_S,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={
                "timeout": CONNECT_TIMEOUT_S,
                "command_timeout": STATEMENT_TIMEOUT_S,
                "server_settings": _SERVER_SETTINGS,
            },
        )
        if writes:
            return engine.execution_options(isolation_level="READ COMMITTED")
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    # Errors of the database, which are logged, do not repeat what was to be written.
    engine = create_async_engine(at, pool_size=size, max_overflow=0, hide_parameters=True)
    begin = "BEGIN IMMEDIATE" if writes else "BEGIN"

    def connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver must not begin transactions by itself
        cursor: _Cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        cursor.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
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
