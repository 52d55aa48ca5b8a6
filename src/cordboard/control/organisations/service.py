"""Rules of organisations: whoever runs the installation makes them and sets their quotas."""

from __future__ import annotations

from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from cordboard.control.errors import NotFound
from cordboard.control.fields import Json, given, mapping, validated
from cordboard.control.keys.service import KeyMaking
from cordboard.control.organisations.queries import organisation_by_id, organisations
from cordboard.control.organisations.schemas import OrganisationParams, Quotas
from cordboard.control.unit import Unit
from cordboard.storage.tables import Organisation

QUOTAS: Final = tuple(Quotas.model_fields)
PLACE: Final = ("body",)


async def get(unit: Unit, row_id: str | None) -> Json:
    """Return an organisation: the caller's own, or to an operator any.

    Raises:
        NotFound: there is none, or the caller may not know of it.

    """
    own = row_id is None or row_id == unit.organisation_id
    if not own and unit.role != "operator":
        raise NotFound("No organization with this id")
    return shown(await _found(unit, row_id or unit.organisation_id))


async def list_all(unit: Unit) -> Json:
    """Return all organisations, oldest first."""
    return {"items": [shown(row) for row in await organisations(unit.session)]}


async def create(unit: Unit, body: Json) -> Json:
    """Make an organisation and its first owner's key; ``key`` is shown in this answer only."""
    params = validated(OrganisationParams, given(body), PLACE)
    services = unit.services
    row = Organisation(
        id=services.randomness.uuid(),
        name=params.name,
        created_at=services.clock.wall(),
        **params.quotas.model_dump(),
    )
    unit.session.add(row)
    await unit.session.flush()
    making = KeyMaking(services.clock, services.randomness, services.key_secret)
    return {**shown(row), "key": making.add(unit.session, row.id, "owner", "owner")}


async def update(unit: Unit, row_id: str, body: Json) -> Json:
    """Change what the body gives; a quota that is null is lifted."""
    row = await _found(unit, row_id)
    new = given(body)
    quotas = mapping(new.get("quotas", {}), (*PLACE, "quotas"))
    merged = {"name": row.name, **new, "quotas": {**_quotas(row), **quotas}}
    params = validated(OrganisationParams, merged, PLACE)
    row.name = params.name
    for name, most in params.quotas.model_dump().items():
        setattr(row, name, most)
    return shown(row)


async def named(session: AsyncSession, name: str) -> Organisation:
    """Return the organisation of an id or a name.

    Raises:
        NotFound: none is called so, or more than one.

    """
    rows = await organisations(session)
    found = [row for row in rows if row.id == name] or [row for row in rows if row.name == name]
    if len(found) != 1:
        many = f": {len(found)} have it, take the id" if found else ""
        raise NotFound(f"No organization with this id or name{many}")
    return found[0]


def shown(row: Organisation) -> Json:
    """Return an organisation as the API shows it."""
    return {
        "id": row.id,
        "name": row.name,
        "created_at": row.created_at.isoformat(),
        "quotas": _quotas(row),
    }


def _quotas(row: Organisation) -> Json:
    return {name: getattr(row, name) for name in QUOTAS}


async def _found(unit: Unit, row_id: str) -> Organisation:
    row = await organisation_by_id(unit.session, row_id)
    if row is None:
        raise NotFound("No organization with this id")
    return row
