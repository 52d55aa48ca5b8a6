"""``/v1/account_connections``."""

from __future__ import annotations

from uuid import UUID

from starlette.responses import Response

from cordboard.control.account_connections.service import ACCOUNT_CONNECTIONS
from cordboard.control.account_connections.steering import add, remove
from cordboard.control.answers import answer
from cordboard.control.requests import Body, Writer
from cordboard.control.resource_routes import resource_router

router = resource_router("/v1/account_connections", ACCOUNT_CONNECTIONS)


@router.post("/add_to_steering_pool")
async def add_to_steering_pool(caller: Writer, id: UUID, body: Body) -> Response:
    """Reserve a number of the account for warm transfers."""
    async with caller.writing() as unit:
        return answer(unit, await add(unit, str(id), body))


@router.post("/remove_from_steering_pool")
async def remove_from_steering_pool(caller: Writer, id: UUID, body: Body) -> Response:
    """Reserve a number no longer."""
    async with caller.writing() as unit:
        return answer(unit, await remove(unit, str(id), body))
