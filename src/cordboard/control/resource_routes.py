"""The four routes that resources have: get, list, create, update."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from cordboard.control.answers import answer
from cordboard.control.fields import Json
from cordboard.control.requests import Body, Page, PageQuery, Reader, Writer
from cordboard.control.unit import Unit


class Noun(Protocol):
    """What the routes need of a noun's service."""

    async def get(self, unit: Unit, row_id: str) -> Json:
        """Return one."""
        ...

    async def list(self, unit: Unit, page: PageQuery) -> Json:
        """Return a page."""
        ...

    async def create(self, unit: Unit, body: Json) -> Json:
        """Make one."""
        ...

    async def update(self, unit: Unit, row_id: str, body: Json) -> Json:
        """Change one."""
        ...


def resource_router(path: str, noun: Noun) -> APIRouter:
    """Return the routes of ``noun`` under ``path``."""
    router = APIRouter(prefix=path)

    @router.get("")
    async def get(caller: Reader, id: UUID) -> Response:
        """Return one."""
        async with caller.reading() as unit:
            return answer(unit, await noun.get(unit, str(id)))

    @router.get("/list")
    async def list_page(caller: Reader, page: Page) -> Response:
        """Return a page of them."""
        async with caller.reading() as unit:
            return answer(unit, await noun.list(unit, page))

    @router.post("/create")
    async def create(caller: Writer, body: Body) -> Response:
        """Make one and return it."""
        async with caller.writing() as unit:
            return answer(unit, await noun.create(unit, body))

    @router.post("/update")
    async def update(caller: Writer, id: UUID, body: Body) -> Response:
        """Change what the body gives and return the whole."""
        async with caller.writing() as unit:
            return answer(unit, await noun.update(unit, str(id), body))

    return router
