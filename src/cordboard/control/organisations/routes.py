"""``/x/v1/organizations``: an operator makes and limits them; everybody sees their own."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from cordboard.control.answers import answer
from cordboard.control.auth import Operator
from cordboard.control.organisations import service
from cordboard.control.requests import Body, Reader

router = APIRouter(prefix="/x/v1/organizations")


@router.get("")
async def get_organization(caller: Reader, id: UUID | None = None) -> Response:
    """Return an organisation; without an id, the caller's own."""
    async with caller.reading() as unit:
        return answer(unit, await service.get(unit, str(id) if id else None))


@router.get("/list")
async def list_organizations(caller: Operator) -> Response:
    """List all organisations."""
    async with caller.reading() as unit:
        return answer(unit, await service.list_all(unit))


@router.post("/create")
async def create_organization(caller: Operator, body: Body) -> Response:
    """Make an organisation with its first key."""
    async with caller.writing() as unit:
        return answer(unit, await service.create(unit, body))


@router.post("/update")
async def update_organization(caller: Operator, id: UUID, body: Body) -> Response:
    """Change an organisation's name and quotas."""
    async with caller.writing() as unit:
        return answer(unit, await service.update(unit, str(id), body))
