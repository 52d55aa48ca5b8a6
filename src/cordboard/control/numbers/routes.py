"""``/v1/numbers``: numbers are addressed by themselves, not by an id."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from cordboard.control.answers import answer
from cordboard.control.numbers import buying, service
from cordboard.control.requests import Body, Page, Reader, Writer

router = APIRouter(prefix="/v1/numbers")


@router.get("")
async def get_number(caller: Reader, phone_number: str) -> Response:
    """Return a number."""
    async with caller.reading() as unit:
        return answer(unit, await service.get(unit, phone_number, caller.client_version))


@router.get("/list")
async def list_numbers(caller: Reader, page: Page) -> Response:
    """Return a page of numbers."""
    async with caller.reading() as unit:
        return answer(unit, await service.page_of_numbers(unit, page, caller.client_version))


@router.post("/link")
async def link_number(caller: Writer, body: Body) -> Response:
    """Take over a number of a trunk."""
    async with caller.writing() as unit:
        return answer(unit, await service.link(unit, body, caller.client_version))


@router.post("/buy")
async def buy_number(caller: Writer, body: Body) -> Response:
    """Buy a number, of a linked account or out of a trunk's pool."""
    return await buying.buy(caller, body)


@router.post("/update")
async def update_number(caller: Writer, phone_number: str, body: Body) -> Response:
    """Change a number."""
    async with caller.writing() as unit:
        return answer(unit, await service.update(unit, phone_number, body, caller.client_version))


@router.post("/cancel")
async def cancel_number(caller: Writer, phone_number: str) -> Response:
    """Give a number up."""
    async with caller.writing() as unit:
        return answer(unit, await service.cancel(unit, phone_number, caller.client_version))
