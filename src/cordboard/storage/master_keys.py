"""The master key of an installation, checked against the database that it belongs to."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from cordboard.ports import Clock, Randomness
from cordboard.storage.database import Database
from cordboard.storage.tables import KeyCheck, Organisation
from cordboard.storage.vault import (
    KEY_FILE,
    KEY_SETTING,
    MasterKey,
    MasterKeyRefused,
    given_key,
    load_master_key,
)


async def settle_master_key(
    data_dir: Path,
    text: str | None,
    database: Database,
    clock: Clock,
    randomness: Randomness,
) -> MasterKey:
    """Return the key that the database was written with, or make one for an empty installation.

    ``text`` is the setting's value; with it, several machines may share a database.

    Raises:
        MasterKeyRefused: the key is missing, malformed, or not the one of this database.

    """
    async with database.read() as session:
        check = await session.scalar(select(KeyCheck))
        in_use = check is not None or await session.scalar(select(Organisation.id)) is not None
    if check is not None:
        # Whichever directory it comes from: the database tells whether it is the right one.
        given = given_key(data_dir, text)
        if given is None:
            raise MasterKeyRefused(
                f"the database holds data, but {data_dir} holds no master key: put {KEY_FILE} back "
                f"or set {KEY_SETTING}; its secrets cannot be read without it"
            )
        key = given
    else:
        known = in_use or (data_dir / "recordings").exists()
        key = load_master_key(data_dir, text, randomness.random_bytes, holds_data=known)
    if check is None:
        async with database.write() as session:
            check = await session.scalar(select(KeyCheck))
            if check is None:  # another process may have come first
                check = KeyCheck(id=1, value=key.check, created_at=clock.wall())
                session.add(check)
    if not key.matches(check.value):
        raise MasterKeyRefused(
            "the master key is not the one that the data in the database was encrypted with"
        )
    return key
