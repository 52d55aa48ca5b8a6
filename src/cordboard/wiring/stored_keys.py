"""Keys that organisations bring for their own accounts at vendors."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from cordboard.storage.database import Database
from cordboard.storage.secrets import secret_in
from cordboard.storage.tables import AccountConnection, Voice
from cordboard.storage.vault import SecretUnreadable, Vault

log = logging.getLogger(__name__)

FRESH_MS: Final = 60_000
READ_S: Final = 1.0
MOST_KEPT: Final = 1_000

_CREDENTIALS: Final = "credentials"


@dataclass(frozen=True, slots=True)
class _Kept:
    key: str | None
    read_ms: int


class StoredKeys:
    """Reads keys from the vault and keeps them for a minute, at most a thousand.

    While the database cannot be asked, the key that was read last goes on being used: a running
    call does not notice.
    """

    def __init__(self, database: Database, vault: Vault, now_ms: Callable[[], int]) -> None:
        self._database = database
        self._vault = vault
        self._now_ms = now_ms
        self._kept: dict[tuple[type, str], _Kept] = {}

    async def of_account(self, connection_id: str) -> str | None:
        """Return the key of an account for language, or None if it has none that opens."""
        return await self._key(
            AccountConnection, connection_id, (_CREDENTIALS, "openai_api_key"), "_openai"
        )

    async def of_voice(self, voice_id: str) -> str | None:
        """Return the key that a voice brings, or None where it brings none."""
        return await self._key(Voice, voice_id, ("api_key",), "")

    async def _key(
        self, table: type[AccountConnection | Voice], row_id: str, path: tuple[str, ...], kind: str
    ) -> str | None:
        place = (table, row_id)
        kept = self._kept.get(place)
        if kept is not None and self._now_ms() - kept.read_ms < FRESH_MS:
            return kept.key
        try:
            async with asyncio.timeout(READ_S):
                key = await self._read(table, row_id, path, kind)
        except (TimeoutError, SQLAlchemyError, OSError) as problem:
            log.warning("provider.key_unread", extra={"error": type(problem).__name__})
            return None if kept is None else kept.key
        if place not in self._kept and len(self._kept) >= MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[place] = _Kept(key, self._now_ms())
        return key

    async def _read(
        self, table: type[AccountConnection | Voice], row_id: str, path: tuple[str, ...], kind: str
    ) -> str | None:
        async with self._database.read() as session:
            row = await session.get(table, row_id)
        if row is None or not row.type.endswith(kind):
            return None
        try:
            return secret_in(self._vault, row, *path)
        except SecretUnreadable:
            log.warning("provider.key_unreadable", extra={"row": row_id})
            return None
