"""``/x/v1/deliveries``, and the secrets that webhooks are signed with."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from cordboard.control.answers import answer
from cordboard.control.deliveries import service
from cordboard.control.deliveries.schemas import Replay, State
from cordboard.control.fields import validated
from cordboard.control.requests import Body, Page, Reader, Writer

router = APIRouter(prefix="/x/v1")


@router.get("/deliveries")
async def get_delivery(caller: Reader, id: UUID) -> Response:
    """Return a delivery with its body and every attempt."""
    async with caller.reading() as unit:
        return answer(unit, await service.whole(unit, str(id)))


@router.get("/deliveries/list")
async def list_deliveries(
    caller: Reader, page: Page, state: State | None = None, call_id: UUID | None = None
) -> Response:
    """List deliveries, the newest first."""
    chosen = None if call_id is None else str(call_id)
    async with caller.reading() as unit:
        return answer(unit, await service.listed(unit, page, state, chosen))


@router.post("/deliveries/replay")
async def replay(caller: Writer, body: Body) -> Response:
    """Send deliveries that are over once more; webhooks that were disabled are enabled."""
    fields = validated(Replay, body, ("body",))
    async with caller.writing() as unit:
        return answer(unit, await service.replayed(unit, fields))


@router.get("/webhooks/health")
async def get_health(caller: Reader, id: UUID) -> Response:
    """Return how a webhook fares."""
    async with caller.reading() as unit:
        return answer(unit, await service.health(unit, str(id)))


@router.get("/webhooks/health/list")
async def list_health(caller: Reader, page: Page) -> Response:
    """List how webhooks fare, the newest webhook first."""
    async with caller.reading() as unit:
        return answer(unit, await service.healths(unit, page))


@router.post("/webhooks/secret")
async def show_secret(caller: Writer, id: UUID) -> Response:
    """Return what a webhook's requests are signed with, and how it fares."""
    async with caller.writing() as unit:
        return answer(unit, await service.secret(unit, str(id), rotate=False))


@router.post("/webhooks/rotate_secret")
async def rotate_secret(caller: Writer, id: UUID) -> Response:
    """Give a webhook a new secret."""
    async with caller.writing() as unit:
        return answer(unit, await service.secret(unit, str(id), rotate=True))
