"""``/x/v1/flows``."""

from __future__ import annotations

from uuid import UUID

from starlette.responses import Response

from cordboard.control.answers import answer
from cordboard.control.flows.service import FLOWS
from cordboard.control.requests import Writer
from cordboard.control.resource_routes import resource_router

router = resource_router("/x/v1/flows", FLOWS)


@router.post("/delete")
async def delete_flow(caller: Writer, id: UUID) -> Response:
    """Take a flow away."""
    async with caller.writing() as unit:
        return answer(unit, await FLOWS.delete(unit, str(id)))
