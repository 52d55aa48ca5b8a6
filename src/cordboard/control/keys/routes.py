"""``/x/v1/keys``: an owner makes, lists and revokes keys."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from cordboard.control.answers import answer
from cordboard.control.auth import Owner
from cordboard.control.fields import validated
from cordboard.control.keys.queries import keys_of
from cordboard.control.keys.schemas import KeyParams
from cordboard.control.keys.service import KeyMaking, check_role, revoke, shown
from cordboard.control.requests import Body
from cordboard.control.scopes import check_within, parse_scopes, stored_scopes
from cordboard.storage.keys import new_key

router = APIRouter(prefix="/x/v1/keys")


@router.get("/list")
async def list_keys(caller: Owner) -> Response:
    """List the organisation's keys."""
    async with caller.reading() as unit:
        rows = await keys_of(unit.session, unit.organisation_id)
        return answer(unit, {"items": [shown(row) for row in rows]})


@router.post("/create")
async def create_key(caller: Owner, body: Body) -> Response:
    """Make a key; ``key`` is shown in this answer only."""
    fields = validated(KeyParams, body, ("body",))
    role = check_role(fields.role, caller.role)
    scopes = parse_scopes(fields.scopes, ("body", "scopes"))
    check_within(caller.scopes, stored_scopes(scopes))
    services = caller.services
    making = KeyMaking(services.clock, services.randomness, services.key_secret)
    async with caller.writing() as unit:
        text = new_key(services.randomness)
        row = making.add_text(unit.session, unit.organisation_id, fields.name, role, text)
        row.scopes = scopes
        return answer(unit, {**shown(row), "key": text})


@router.post("/revoke")
async def revoke_key(caller: Owner, id: UUID) -> Response:
    """Take a key out of force."""
    async with caller.writing() as unit:
        at = unit.services.clock.wall()
        row = await revoke(unit.session, unit.organisation_id, str(id), at)
        return answer(unit, shown(row))
