"""``/v1/calls``, and ``/x/v1/calls`` with what the public API has no place for."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import JSONResponse, Response

from cordboard.control.answers import answer
from cordboard.control.calls import service
from cordboard.control.calls.create import create
from cordboard.control.calls.links import PATH, SECONDS_MAX, Link, link_path, opens
from cordboard.control.calls.queries import events_of
from cordboard.control.calls.schemas import (
    listed_call,
    shown_event,
    wants_text_times,
)
from cordboard.control.calls.showing import record_of, show_call
from cordboard.control.calls.sound_answer import played
from cordboard.control.errors import NotFound
from cordboard.control.older_clients import readable
from cordboard.control.requests import Body, Page, Reader, Writer
from cordboard.control.services import ControlServices
from cordboard.control.unit import Caller

router = APIRouter(prefix="/v1/calls")
extension = APIRouter(prefix="/x/v1/calls")
links = APIRouter()

Key = Annotated[str | None, Header(alias="idempotency-key")]

Language = Annotated[str | None, Header(alias="x-fern-language")]


@router.get("")
async def get_call(caller: Reader, id: UUID) -> Response:
    """Return a call."""
    async with caller.reading() as unit:
        row = await service.find_public_call(unit, str(id))
        return answer(unit, await show_call(unit, row))


@router.get("/list")
async def list_calls(caller: Reader, page: Page, language: Language = None) -> Response:
    """Return a page of calls."""
    version = caller.client_version
    texts = wants_text_times(language, version)
    async with caller.reading() as unit:
        rows, total = await service.page_of_calls(unit, page, public=True)
        items = [listed_call(row, version, text_times=texts) for row in rows]
        return answer(unit, page.envelope(items, total))


@router.post("/create")
async def create_call(caller: Writer, body: Body, idempotency_key: Key = None) -> Response:
    """Ask for a call; it is placed by an engine that has room."""
    call = await create(caller, body, idempotency_key)
    return JSONResponse(readable(call, caller.client_version))


@router.post("/end")
async def end_call(caller: Writer, id: UUID) -> Response:
    """End a call; one that has ended is returned as it is."""
    async with caller.reading() as unit:
        await service.find_public_call(unit, str(id))
    row = await service.end(caller, str(id))
    async with caller.reading() as unit:
        return answer(unit, await show_call(unit, row))


@router.get("/recording")
async def get_recording(request: Request, caller: Reader, id: UUID) -> Response:
    """Return a call's recording."""
    return await _recording(request, caller, id)


@router.get("/recording/{call_id}")
async def get_recording_by_path(request: Request, caller: Reader, call_id: UUID) -> Response:
    """Return a call's recording, addressed as one of the pages has it."""
    return await _recording(request, caller, call_id)


async def _recording(request: Request, caller: Caller, call_id: UUID) -> Response:
    sound = await service.recording(caller, str(call_id))
    return played(sound, str(call_id), request.headers)


@extension.get("")
async def get_extended(caller: Reader, id: UUID) -> Response:
    """Return a call with direction, operator, end reason, and what of its request has no effect."""
    async with caller.reading() as unit:
        row = await service.find_call(unit, str(id))
        return answer(unit, await show_call(unit, row) | await record_of(unit, row))


@extension.get("/list")
async def list_extended(caller: Reader, page: Page) -> Response:
    """Return a page of calls with direction, operator and end reason."""
    async with caller.reading() as unit:
        rows, total = await service.page_of_calls(unit, page, public=False)
        version = caller.client_version
        items = [listed_call(row, version) | await record_of(unit, row) for row in rows]
        return answer(unit, page.envelope(items, total))


@extension.get("/{call_id}/recording_url")
async def get_recording_url(
    request: Request,
    caller: Reader,
    call_id: UUID,
    seconds: Annotated[int, Query(ge=1, le=SECONDS_MAX)] = SECONDS_MAX,
) -> Response:
    """Return an address under which the recording is had without a key, for a while."""
    async with caller.reading() as unit:
        row = await service.recorded_call(unit, str(call_id))
        path, ends = link_path(unit.services, row.organisation_id, row.id, seconds)
        url = str(request.base_url).rstrip("/") + path
        return answer(unit, {"url": url, "expires_at": ends.isoformat()})


@links.get(PATH + "{call_id}")
async def get_linked_recording(
    request: Request,
    call_id: str,
    organization: str = "",
    until: str = "",
    signature: str = "",
) -> Response:
    """Return a recording to whoever has the address of it; every refusal is the same 404."""
    services: ControlServices = request.app.state.services
    link = Link(organization, call_id, until)
    sent = request.scope["raw_path"] + b"?" + request.scope["query_string"]
    as_made = sent.endswith(link.path(signature).encode("utf-8", "surrogatepass"))
    if not as_made or not opens(services, link, signature):
        raise NotFound(service.NO_RECORDING)
    caller = Caller(services, link.organisation_id, "", "viewer", None)
    sound = await service.linked_recording(caller, link.call_id)
    return played(sound, link.call_id, request.headers)


@extension.post("/end")
async def end_extended(caller: Writer, id: UUID) -> Response:
    """End a call of an agent or a flow; one that has ended is returned as it is."""
    row = await service.end(caller, str(id))
    async with caller.reading() as unit:
        return answer(unit, await show_call(unit, row) | await record_of(unit, row))


@extension.get("/recording")
async def get_extended_recording(request: Request, caller: Reader, id: UUID) -> Response:
    """Return the recording of a call of an agent or a flow."""
    return await _recording(request, caller, id)


@extension.get("/{call_id}/events")
async def list_events(
    caller: Reader,
    call_id: UUID,
    after: Annotated[int, Query(ge=-1, le=2**31 - 1)] = -1,
    size: Annotated[int, Query(ge=1, le=1000)] = 1000,
) -> Response:
    """Return the facts of a call's timeline that follow ``after``, oldest first."""
    async with caller.reading() as unit:
        row = await service.find_call(unit, str(call_id))
        events = await events_of(unit, row.id, after, size)
        return answer(unit, {"items": [shown_event(event) for event in events]})
