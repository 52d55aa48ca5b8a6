"""Making, listing and revoking keys, and the first one of an installation."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from cordboard.control.errors import Conflict, Forbidden, Invalid, NotFound
from cordboard.control.fields import Json
from cordboard.control.keys.queries import first_organisation, key_by_hash, key_by_id, keys_of
from cordboard.control.services import ControlServices
from cordboard.ports import Clock, Randomness
from cordboard.storage.keys import OWNER_ROLES, ROLES, key_hash, key_prefix, new_key
from cordboard.storage.tables import ApiKey, Organisation


@dataclass(frozen=True, slots=True)
class KeyMaking:
    """What it takes to make keys; the server has it, and so has the command line."""

    clock: Clock
    randomness: Randomness
    key_secret: bytes = field(repr=False)

    def add(
        self,
        session: AsyncSession,
        organisation_id: str,
        name: str,
        role: str,
        scopes: str | None = None,
    ) -> str:
        """Add a key with fresh text, which is returned and kept nowhere."""
        text = new_key(self.randomness)
        self.add_text(session, organisation_id, name, role, text).scopes = scopes
        return text

    def add_text(
        self, session: AsyncSession, organisation_id: str, name: str, role: str, text: str
    ) -> ApiKey:
        """Add a key whose text is given."""
        row = ApiKey(
            id=self.randomness.uuid(),
            organisation_id=organisation_id,
            created_at=self.clock.wall(),
            name=name,
            prefix=key_prefix(text),
            key_hash=key_hash(self.key_secret, text),
            role=role,
        )
        session.add(row)
        return row


async def organisation_in(session: AsyncSession, making: KeyMaking) -> Organisation:
    """Return the first organisation, made now where there is none."""
    found = await first_organisation(session)
    if found is None:
        found = Organisation(
            id=making.randomness.uuid(), name="First organisation", created_at=making.clock.wall()
        )
        session.add(found)
        await session.flush()
    return found


async def ensure_owner(services: ControlServices, bootstrap_key: str | None) -> str | None:
    """See to it that somebody can use the server; call it at every start, after ``migrate``.

    A bootstrap key becomes an owner's key of the first organisation. Without one, an installation
    that has no key at all gets a fresh one, which is returned to be printed this once.
    """
    making = KeyMaking(services.clock, services.randomness, services.key_secret)
    async with services.database.write() as session:
        organisation = await organisation_in(session, making)
        if bootstrap_key:
            hashed = key_hash(services.key_secret, bootstrap_key)
            if await key_by_hash(session, hashed) is None:
                making.add_text(session, organisation.id, "bootstrap", "owner", bootstrap_key)
            return None
        if await keys_of(session, organisation.id):
            return None
        return making.add(session, organisation.id, "owner", "owner")


def check_role(role: object, given_by: str = "operator") -> str:
    """Return a role by its name; nobody gives away more than they have.

    Raises:
        Invalid: there is none of that name.
        Forbidden: it may do more than ``given_by``, the role of who gives it.

    """
    if role not in ROLES:
        raise Invalid.at(("body", "role"), f"must be one of {', '.join(ROLES)}")
    if ROLES.index(str(role)) < ROLES.index(given_by):
        raise Forbidden(f"Only an {role}'s API key may make another one")
    return str(role)


async def revoke(session: AsyncSession, organisation_id: str, key_id: str, at: datetime) -> ApiKey:
    """Take a key out of force at once; the last owner's key stays."""
    row = await key_by_id(session, organisation_id, key_id)
    if row is None:
        raise NotFound("No such API key")
    rows = await keys_of(session, organisation_id)
    owners = [key for key in rows if _opens_all(key)]
    if owners == [row]:
        raise Conflict("The last owner's key cannot be revoked")
    row.revoked_at = row.revoked_at or at
    return row


def _opens_all(row: ApiKey) -> bool:
    return row.role in OWNER_ROLES and row.scopes is None and row.revoked_at is None


def shown(row: ApiKey) -> Json:
    """Return a key as the API shows it: never its text."""
    return {
        "id": row.id,
        "user_id": row.organisation_id,
        "name": row.name,
        "prefix": row.prefix,
        "role": row.role,
        "scopes": row.scopes.split() if row.scopes else None,
        "created_at": row.created_at.isoformat(),
        "last_used_at": row.last_used_at.isoformat() if row.last_used_at else None,
        "revoked_at": row.revoked_at.isoformat() if row.revoked_at else None,
    }
