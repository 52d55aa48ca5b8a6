"""Databases as tests need them; the fixture ``database_url`` says where."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cordboard.storage.database import Database, migrate
from cordboard.storage.tables import Organisation
from tests.calls import BEGUN_AT


@asynccontextmanager
async def opened(url: str, *organisations: str) -> AsyncIterator[Database]:
    """Open a new database that holds organisations of these ids, and nothing else."""
    await migrate(url)
    database = Database(url)
    async with database.write() as session:
        session.add_all(
            [Organisation(id=each, name=each, created_at=BEGUN_AT) for each in organisations]
        )
    try:
        yield database
    finally:
        await database.close()
