"""``GET /metrics``: what the process counts, for Prometheus."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from cordboard.control.auth import reader

router = APIRouter()

_FORWARDED: Final = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Return all metrics: to whoever asks on this machine, to others with a key."""
    if not _is_local(request):
        await reader(request)
    return PlainTextResponse(request.app.state.services.metrics(), media_type=_TYPE)


def _is_local(request: Request) -> bool:
    """Tell whether the peer itself asks, from this machine, and for nobody behind it."""
    if any(name in request.headers for name in _FORWARDED) or request.client is None:
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False
