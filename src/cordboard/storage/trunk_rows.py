"""SIP trunks as signalling needs them: with their passwords in clear, never to be shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cordboard.storage.secrets import secret_in
from cordboard.storage.tables import SipTrunk
from cordboard.storage.vault import Vault

BY_OPERATOR = "by_operator"
"""The field of a trunk that tells that an operator wrote its target and networks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTrunk:
    """One trunk. Calls come from ``networks`` or from ``user``; they go to ``target``."""

    trunk_id: str
    organisation_id: str
    name: str
    networks: tuple[IPv4Network | IPv6Network, ...]
    user: str | None
    password: str | None = field(repr=False)
    digest: str
    target: str | None
    transport: str
    registers: bool
    realm: str | None
    register_user: str | None
    register_password: str | None = field(repr=False)
    number_format: str
    dial_prefixes: tuple[str, ...]
    allow_any: bool
    srtp: str
    by_operator: bool


async def all_trunks(session: AsyncSession, vault: Vault) -> tuple[StoredTrunk, ...]:
    """Return the trunks of all organisations, oldest first.

    Raises:
        SecretUnreadable: a password does not open under this master key.

    """
    rows = await session.scalars(select(SipTrunk).order_by(SipTrunk.created_at, SipTrunk.id))
    return tuple(_stored(row, vault) for row in rows)


def _stored(row: SipTrunk, vault: Vault) -> StoredTrunk:
    fields = row.fields
    return StoredTrunk(
        trunk_id=row.id,
        organisation_id=row.organisation_id,
        name=row.name,
        networks=tuple(ip_network(text) for text in fields["networks"]),
        user=fields["user"],
        password=secret_in(vault, row, "password"),
        digest=fields.get("digest", "sha-256"),
        target=fields["target"],
        transport=fields["transport"],
        registers=fields["register"],
        realm=fields["realm"],
        register_user=fields["register_user"],
        register_password=secret_in(vault, row, "register_password"),
        number_format=fields["number_format"],
        dial_prefixes=tuple(fields["dial_prefixes"]),
        allow_any=fields["allow_any"],
        srtp=fields["srtp"],
        by_operator=bool(fields.get(BY_OPERATOR)),
    )
