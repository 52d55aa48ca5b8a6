"""An organisation's own account answers its calls, and nobody else's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from cordboard.ids import Randomness
from cordboard.storage.database import Database, migrate
from cordboard.storage.secrets import secret_place
from cordboard.storage.tables import AccountConnection, Organisation
from cordboard.storage.vault import MasterKey, Vault
from cordboard.wiring.stored_keys import FRESH_MS, StoredKeys

NOW = datetime(2026, 5, 1, tzinfo=UTC)
ORGANISATION = "00000000-0000-4000-8000-000000000001"
CONNECTION = "00000000-0000-4000-8000-000000000002"
CARRIER = "00000000-0000-4000-8000-000000000003"
VAULT = Vault(MasterKey(bytes(range(32))), Randomness.system().random_bytes)


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Return a database with one organisation that has an account at a vendor and a carrier."""
    await migrate(database_url)
    opened = Database(database_url)
    async with opened.write() as session:
        session.add(Organisation(id=ORGANISATION, name="O", created_at=NOW))
        await session.flush()
        for row_id, kind in ((CONNECTION, "openai"), (CARRIER, "twilio")):
            row = AccountConnection(
                id=row_id,
                organisation_id=ORGANISATION,
                type=f"account_connection_{kind}",
                created_at=NOW,
                fields={},
                secrets={},
            )
            _seal(row, "their-own-key")
            session.add(row)
    yield opened
    await opened.close()


def _seal(row: AccountConnection, key: str) -> None:
    path = ("credentials", "openai_api_key")
    row.secrets = {".".join(path): VAULT.seal(key, secret_place(row, path))}


async def test_the_key_of_an_account(database: Database) -> None:
    """An account's key comes out of the vault; another type of account and no account have none."""
    keys = StoredKeys(database, VAULT, lambda: 0)
    assert await keys.of_account(CONNECTION) == "their-own-key"
    assert await keys.of_account(CARRIER) is None
    assert await keys.of_account(ORGANISATION) is None
    assert await keys.of_voice(ORGANISATION) is None


async def test_a_changed_key_counts_within_a_minute(database: Database) -> None:
    """A key is kept for a minute, so that a reply does not wait for the database."""
    now_ms = 0
    keys = StoredKeys(database, VAULT, lambda: now_ms)
    assert await keys.of_account(CONNECTION) == "their-own-key"
    async with database.write() as session:
        row = await session.get_one(AccountConnection, CONNECTION)
        _seal(row, "a-newer-key")
    assert await keys.of_account(CONNECTION) == "their-own-key"
    now_ms = FRESH_MS
    assert await keys.of_account(CONNECTION) == "a-newer-key"


async def test_a_key_outlives_its_database(tmp_path: Path, database: Database) -> None:
    """While the database cannot be asked the last key is used; a moved secret does not open."""
    now_ms = 0
    keys = StoredKeys(database, VAULT, lambda: now_ms)
    assert await keys.of_account(CONNECTION) == "their-own-key"
    async with database.write() as session:
        connection = await session.connection()
        await connection.exec_driver_sql("ALTER TABLE account_connections RENAME TO gone")
    now_ms = FRESH_MS
    assert await keys.of_account(CONNECTION) == "their-own-key"
    assert await keys.of_account(CARRIER) is None


@pytest.mark.parametrize("sealed", ["", "v1.nonsense"])
async def test_a_key_that_does_not_open(database: Database, sealed: str) -> None:
    """What cannot be opened is no key."""
    async with database.write() as session:
        row = await session.get_one(AccountConnection, CONNECTION)
        row.secrets = {"credentials.openai_api_key": sealed}
    assert await StoredKeys(database, VAULT, lambda: 0).of_account(CONNECTION) is None
