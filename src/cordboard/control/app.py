"""The API put together: routes mounted, errors rendered."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from cordboard.control import measures
from cordboard.control.account_connections import routes as account_connections
from cordboard.control.actions import routes as actions
from cordboard.control.agents import routes as agents
from cordboard.control.auth import FailedAttempts
from cordboard.control.calls import routes as calls
from cordboard.control.deliveries import routes as deliveries
from cordboard.control.errors import ControlError, Invalid
from cordboard.control.flows import routes as flows
from cordboard.control.flows.stream import Streams
from cordboard.control.keys import routes as keys
from cordboard.control.numbers import routes as numbers
from cordboard.control.openapi import document
from cordboard.control.organisations import routes as organisations
from cordboard.control.organisations.quotas import RequestRates
from cordboard.control.prompt_templates import routes as prompt_templates
from cordboard.control.prompts import routes as prompts
from cordboard.control.services import ControlServices
from cordboard.control.sip_trunks import routes as sip_trunks
from cordboard.control.usage import routes as usage
from cordboard.control.vector_databases import routes as vector_databases
from cordboard.control.voices import routes as voices
from cordboard.control.webhooks import routes as webhooks
from cordboard.storage.database import DatabaseAway

READY_TIMEOUT_S: Final = 2

_log = logging.getLogger(__name__)
_NO_BODY: Final = " (the request had no body)"


def create_app(services: ControlServices) -> FastAPI:
    """Return the API; it keeps nothing but counts of requests, failed log-ins and streams."""
    app = FastAPI(
        title="Cordboard", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False
    )
    app.state.services = services
    app.state.attempts = FailedAttempts()
    app.state.rates = RequestRates()
    app.state.streams = Streams()
    app.add_middleware(_WithoutTrailingSlash)
    app.add_exception_handler(ControlError, _refused)
    app.add_exception_handler(RequestValidationError, _bad_query)
    app.add_exception_handler(IntegrityError, _overtaken)
    app.add_exception_handler(OperationalError, _away)
    app.add_exception_handler(PoolTimeout, _away)
    app.add_exception_handler(DatabaseAway, _away)
    app.add_exception_handler(Exception, _broken)
    nouns = (agents, prompts, voices, actions, webhooks, vector_databases, account_connections)
    for noun in (*nouns, prompt_templates, numbers, calls, sip_trunks, keys, organisations):
        app.include_router(noun.router)
    app.include_router(calls.extension)
    app.include_router(calls.links)
    app.include_router(flows.router)
    app.include_router(flows.protocol)
    app.include_router(deliveries.router)
    app.include_router(usage.router)
    app.include_router(measures.router)
    app.include_router(document.router)
    app.add_api_route("/healthz", _alive)
    app.add_api_route("/readyz", _ready)
    return app


async def _alive() -> Response:
    """Answer as long as the process does."""
    return JSONResponse({"status": "ok"})


async def _ready(request: Request) -> Response:
    """Tell whether the server should get requests and calls now."""
    services: ControlServices = request.app.state.services
    try:
        async with asyncio.timeout(READY_TIMEOUT_S):
            reason = await services.ready()
    except TimeoutError:
        reason = "the server does not know in time"
    if reason is None:
        return JSONResponse({"status": "ready"})
    return JSONResponse({"status": "not ready", "detail": reason}, 503)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ControlError)
    content: object = error.detail
    if isinstance(error, Invalid):
        shown = [problem.shown() for problem in error.problems]
        if getattr(request.state, "no_body", False):
            shown = [{**item, "msg": item["msg"] + _NO_BODY} for item in shown]
        content = shown
    return JSONResponse({"detail": content}, error.status, error.headers)


async def _bad_query(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    shown = [{key: item[key] for key in ("loc", "msg", "type")} for item in error.errors()]
    return JSONResponse({"detail": [{**item, "loc": list(item["loc"])} for item in shown]}, 422)


async def _overtaken(_request: Request, _error: Exception) -> Response:
    # Two requests at once: what this one had checked was no longer so when it was written.
    return JSONResponse({"detail": "Another request changed the same thing; try again"}, 409)


async def _away(_request: Request, error: Exception) -> Response:
    _log.warning("the database did not do its work", extra={"failure": type(error).__name__})
    return JSONResponse({"detail": "The database is busy"}, 503, {"Retry-After": "1"})


async def _broken(_request: Request, _error: Exception) -> Response:
    # The framework raises the error again after this answer, so that it is logged.
    return JSONResponse({"detail": "Internal server error"}, 500)


class _WithoutTrailingSlash:
    """Takes ``/v1/numbers/`` for ``/v1/numbers``; old clients do not follow redirects."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] == "http" and len(path) > 1 and path.endswith("/"):
            scope = {**scope, "path": path.rstrip("/") or "/"}
        await self._app(scope, receive, send)
