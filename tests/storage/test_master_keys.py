"""A database and its master key belong together."""

from __future__ import annotations

import base64
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cordboard.clock import SystemClock
from cordboard.ids import Randomness
from cordboard.storage.database import Database, migrate
from cordboard.storage.master_keys import settle_master_key
from cordboard.storage.tables import Organisation
from cordboard.storage.vault import MasterKey, MasterKeyRefused
from tests.databases import opened

CLOCK, CHANCE = SystemClock(), Randomness.system()
OTHER_KEY = base64.b64encode(CHANCE.random_bytes(32)).decode()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """An empty database away from any data directory."""
    url = f"sqlite+aiosqlite:///{tmp_path}/elsewhere.db"
    async with opened(url) as database:
        yield database


async def settled(database: Database, data_dir: Path, text: str | None = None) -> MasterKey:
    """Settle the key of a data directory."""
    data_dir.mkdir(exist_ok=True)  # noqa: ASYNC240
    return await settle_master_key(data_dir, text, database, CLOCK, CHANCE)


async def test_the_first_start_makes_a_key_that_later_ones_find(
    database: Database, tmp_path: Path
) -> None:
    """The key is made once, in a file that only we may read."""
    first = await settled(database, tmp_path / "data")
    assert (tmp_path / "data" / "master.key").stat().st_mode & 0o777 == 0o600
    assert (await settled(database, tmp_path / "data")).key_id == first.key_id


async def test_an_empty_directory_does_not_open_a_database_with_data(
    database: Database, tmp_path: Path
) -> None:
    """Another data directory without the key is refused; no key is made there."""
    await settled(database, tmp_path / "data")
    with pytest.raises(MasterKeyRefused, match="no master key"):
        await settled(database, tmp_path / "other")
    assert not (tmp_path / "other" / "master.key").exists()


async def test_a_key_by_setting_is_shared_by_machines(database: Database, tmp_path: Path) -> None:
    """With the right key in the setting any directory will do; with another one none."""
    await settled(database, tmp_path / "one", OTHER_KEY)
    assert (await settled(database, tmp_path / "two", OTHER_KEY)).key_id
    wrong = base64.b64encode(CHANCE.random_bytes(32)).decode()
    with pytest.raises(MasterKeyRefused, match="not the one"):
        await settled(database, tmp_path / "two", wrong)


async def test_a_key_by_file_is_shared_by_machines(database: Database, tmp_path: Path) -> None:
    """A copy of the key's file is enough for another directory."""
    made = await settled(database, tmp_path / "one")
    (tmp_path / "two").mkdir()
    shutil.copy2(tmp_path / "one" / "master.key", tmp_path / "two")
    assert (await settled(database, tmp_path / "two")).key_id == made.key_id


async def test_a_key_of_another_database_is_refused(database: Database, tmp_path: Path) -> None:
    """A directory with a key of its own cannot open somebody else's database."""
    await settled(database, tmp_path / "data")
    url = f"sqlite+aiosqlite:///{tmp_path}/second.db"
    await migrate(url)
    second = Database(url)
    await settled(second, tmp_path / "second")
    await second.close()
    with pytest.raises(MasterKeyRefused, match="not the one"):
        await settled(database, tmp_path / "second")


async def test_data_without_a_check_needs_its_key(database: Database, tmp_path: Path) -> None:
    """A database that holds an organisation is never given a new key."""
    async with database.write() as session:
        session.add(Organisation(id=CHANCE.uuid(), name="o", created_at=CLOCK.wall()))
    with pytest.raises(MasterKeyRefused):
        await settled(database, tmp_path / "data")
