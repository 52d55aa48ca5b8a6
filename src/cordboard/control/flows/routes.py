"""``/x/v1/flows``."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from cordboard.control.answers import answer
from cordboard.control.flows.calling import call_out
from cordboard.control.flows.service import FLOWS, NOUN
from cordboard.control.flows.stream import Streams, lines, resumed_at
from cordboard.control.requests import Body, Reader, Writer
from cordboard.control.resource_routes import resource_router
from cordboard.control.rows import find
from cordboard.control.scopes import CALLING
from cordboard.storage.tables import Flow

router = resource_router("/x/v1/flows", FLOWS)
protocol = APIRouter(prefix=CALLING.rstrip("/"))


@router.post("/delete")
async def delete_flow(caller: Writer, id: UUID) -> Response:
    """Take a flow away."""
    async with caller.writing() as unit:
        return answer(unit, await FLOWS.delete(unit, str(id)))


@router.get("/{flow_id}/events")
async def stream_events(
    request: Request,
    caller: Reader,
    flow_id: UUID,
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """Stream what happens on the flow's calls, as Server-Sent Events."""
    streams: Streams = request.app.state.streams
    async with caller.reading() as unit:
        flow = await find(unit, Flow, str(flow_id), NOUN)
        since = await resumed_at(unit, last_event_id)
    place = streams.take()
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    stream = lines(caller, flow, since, streams, place)
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


@protocol.post("/{flow_id}/call", status_code=201)
async def call_out_of_flow(
    caller: Writer,
    flow_id: str,
    body: Body,
    idempotency_key: Annotated[str | None, Header(alias="idempotency-key")] = None,
) -> Response:
    """Ask for a call of a flow's app; it is placed by an engine that has room."""
    return JSONResponse(await call_out(caller, flow_id, body, idempotency_key), 201)
