"""One request's work: the transaction it runs in, for whom, and with what at hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from cordboard.control.services import ControlServices
from cordboard.storage.keys import WRITER_ROLES

Scopes = frozenset[str] | None
"""What a key may reach, such as ``calls:read``; None is whatever its role may."""


@dataclass(slots=True)
class Unit:
    """One transaction of one organisation; ``notices`` are put into the answer's headers.

    ``client_version`` is that of the official client, where it told. What is in ``afterwards``
    runs once all is durable, before the answer is sent.
    """

    session: AsyncSession
    organisation_id: str
    role: str
    services: ControlServices
    client_version: tuple[int, ...] | None = None
    notices: list[str] = field(default_factory=list)
    afterwards: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    scopes: Scopes = None

    @property
    def full_scope(self) -> bool:
        """Tell whether the key may see what opens other doors."""
        return self.role in WRITER_ROLES and self.scopes is None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent the request, as proven by its key; ``client_version`` is the SDK's, if it told.

    ``noun`` is what the request is about, as scopes name it.
    """

    services: ControlServices
    organisation_id: str
    key_id: str
    role: str
    client_version: tuple[int, ...] | None
    scopes: Scopes = None
    noun: str = ""

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Unit]:
        """Open a transaction that sees one state and changes nothing."""
        async with self.services.database.read() as session:
            yield self._unit(session)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Unit]:
        """Open the request's one transaction: all of it becomes durable, or nothing."""
        async with self.services.database.write() as session:
            unit = self._unit(session)
            yield unit
        for told in unit.afterwards:
            await told()

    def _unit(self, session: AsyncSession) -> Unit:
        return Unit(
            session=session,
            organisation_id=self.organisation_id,
            role=self.role,
            services=self.services,
            client_version=self.client_version,
            scopes=self.scopes,
        )
