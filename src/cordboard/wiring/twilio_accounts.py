"""Which linked account a number is reached through, and its token."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cordboard.storage.database import Database
from cordboard.storage.phone_numbers import stored_user_part
from cordboard.storage.secrets import secret_in
from cordboard.storage.tables import AccountConnection, Number
from cordboard.storage.vault import SecretUnreadable, Vault
from cordboard.telephony.twilio.api import is_account_sid

log = logging.getLogger(__name__)

TYPE: Final = "account_connection_twilio"
CANDIDATES_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Linked:
    """An account, and the number that is asked about where there is one."""

    connection_id: str
    account_sid: str
    number: str
    token: str = field(repr=False)


class TwilioAccounts:
    """Reads account connections."""

    def __init__(self, database: Database, vault: Vault, home_country: str) -> None:
        self._database = database
        self._vault = vault
        self._home_country = home_country

    async def of_called(self, number: str) -> list[Linked]:
        """Return the accounts through which somebody is reached at a number: one, as a rule."""
        try:
            text = stored_user_part(number, self._home_country)
        except ValueError:
            return []
        wanted = (
            select(Number)
            .where(
                Number.number == text,
                Number.active.is_(True),
                Number.telephony_account_connection_id.is_not(None),
            )
            .limit(CANDIDATES_MAX)
        )
        async with self._database.read() as session:
            rows = (await session.scalars(wanted)).all()
            found = [await self._of_number(session, row) for row in rows]
        return [linked for linked in found if linked is not None]

    async def of_caller(self, organisation_id: str, number: str) -> Linked | None:
        """Return the account of an organisation's number."""
        wanted = select(Number).where(
            Number.organisation_id == organisation_id,
            Number.number == number,
            Number.active.is_(True),
        )
        async with self._database.read() as session:
            row = (await session.scalars(wanted)).first()
            return None if row is None else await self._of_number(session, row)

    async def by_id(self, organisation_id: str, connection_id: str) -> Linked | None:
        """Return an organisation's account."""
        async with self._database.read() as session:
            return await self._read(session, organisation_id, connection_id, "")

    async def _of_number(self, session: AsyncSession, row: Number) -> Linked | None:
        connection_id = row.telephony_account_connection_id
        if connection_id is None:
            return None
        return await self._read(session, row.organisation_id, connection_id, row.number)

    async def _read(
        self, session: AsyncSession, organisation_id: str, connection_id: str, number: str
    ) -> Linked | None:
        row = await session.get(AccountConnection, connection_id)
        if row is None or row.organisation_id != organisation_id or row.type != TYPE:
            return None
        try:
            token = secret_in(self._vault, row, "credentials", "twilio_auth_token")
        except SecretUnreadable:
            log.warning("leg.token_unreadable", extra={"connection": connection_id})
            return None
        credentials = row.fields.get("credentials") or {}
        account_sid = str(credentials.get("twilio_account_sid") or "")
        if not token or not is_account_sid(account_sid):
            log.warning("leg.account_unusable", extra={"connection": connection_id})
            return None
        return Linked(row.id, account_sid, number, token)
