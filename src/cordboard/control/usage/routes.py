"""``/v1/usage``."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from cordboard.control.answers import answer
from cordboard.control.requests import Reader
from cordboard.control.usage import service

router = APIRouter(prefix="/v1/usage")


@router.get("")
async def get_usage(caller: Reader) -> Response:
    """Return how much the organisation has telephoned this month."""
    async with caller.reading() as unit:
        return answer(unit, await service.show(unit, caller.client_version))
