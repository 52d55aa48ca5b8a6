"""Where the rows keep their secrets, and how those who need one get it in clear."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cordboard.storage.tables import Action, ResourceRow, SipTrunk, Voice
from cordboard.storage.vault import SecretPlace, Vault

SIGNATURE_SECRET = ("config", "signature_secret")


def secret_place(row: ResourceRow | SipTrunk, path: tuple[str, ...]) -> SecretPlace:
    """Return the place that a row's secret is bound to; ``path`` leads to it in ``fields``."""
    column = f"secrets.{'.'.join(path)}"
    return SecretPlace(row.organisation_id, row.__tablename__, column, row.id)


def secret_in(vault: Vault, row: ResourceRow | SipTrunk, *path: str) -> str | None:
    """Return a row's secret in clear, or None where it has none.

    Raises:
        SecretUnreadable: it is there and does not open.

    """
    sealed = row.secrets.get(".".join(path))
    return None if sealed is None else vault.open(sealed, secret_place(row, path))


async def signature_secret(
    session: AsyncSession, vault: Vault, organisation_id: str, action_id: str
) -> str | None:
    """Return what requests of an external action are signed with, or None where there is none."""
    wanted = select(Action).where(Action.organisation_id == organisation_id, Action.id == action_id)
    row = (await session.scalars(wanted)).first()
    return None if row is None else secret_in(vault, row, *SIGNATURE_SECRET)


async def voice_key(
    session: AsyncSession, vault: Vault, organisation_id: str, voice_id: str
) -> str | None:
    """Return the key that a voice brings for its provider, or None where it brings none."""
    wanted = select(Voice).where(Voice.organisation_id == organisation_id, Voice.id == voice_id)
    row = (await session.scalars(wanted)).first()
    return None if row is None else secret_in(vault, row, "api_key")
