"""``/x/v1/sip_trunks``."""

from __future__ import annotations

from uuid import UUID

from starlette.responses import Response

from cordboard.control.answers import answer
from cordboard.control.requests import Writer
from cordboard.control.resource_routes import resource_router
from cordboard.control.sip_trunks.service import SIP_TRUNKS

router = resource_router("/x/v1/sip_trunks", SIP_TRUNKS)


@router.post("/delete")
async def delete_trunk(caller: Writer, id: UUID) -> Response:
    """Take a trunk away."""
    async with caller.writing() as unit:
        return answer(unit, await SIP_TRUNKS.delete(unit, str(id)))
