"""Responses: what is copied from the request, and the usual phrases."""

from __future__ import annotations

from http import HTTPStatus

from cordboard.sip.core import ALLOW, Core
from cordboard.sip.message import Headers, Request, Response
from cordboard.sip.transaction import Transaction, response_address

Fields = tuple[tuple[str, str], ...]

_PHRASES = {
    100: "Trying", 180: "Ringing", 183: "Session Progress", 202: "Accepted",
    406: "Not Acceptable", 416: "Unsupported URI Scheme", 420: "Bad Extension",
    422: "Session Interval Too Small", 480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist", 482: "Loop Detected", 486: "Busy Here",
    487: "Request Terminated", 488: "Not Acceptable Here", 489: "Bad Event",
    491: "Request Pending", 500: "Server Internal Error", 503: "Service Unavailable",
    505: "Version Not Supported", 600: "Busy Everywhere", 603: "Decline",
}  # fmt: skip


def phrase(status: int) -> str:
    """Return the usual reason phrase of a status."""
    if status in _PHRASES:
        return _PHRASES[status]
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unspecified"


def make_response(
    request: Request,
    status: int,
    reason: str = "",
    *,
    to_tag: str = "",
    fields: Fields = (),
    body: bytes = b"",
) -> Response:
    """Build a response (RFC 3261 8.2.6). ``to_tag`` is added if To has none."""
    headers = Headers()
    for value in request.headers.every("via"):
        headers.add("Via", value)
    for name in ("From", "To", "Call-ID", "CSeq"):
        value = request.headers.get(name) or ""
        if name == "To" and to_tag and not _has_tag(request):
            value += f";tag={to_tag}"
        if value:
            headers.add(name, value)
    if status < 300:
        for value in request.headers.every("record-route"):
            headers.add("Record-Route", value)
    for name, value in fields:
        headers.add(name, _one_line(value))
    if body:
        headers.add("Content-Type", "application/sdp")
    return Response(status, _one_line(reason or phrase(status)), headers, body)


def respond(
    core: Core,
    transaction: Transaction,
    status: int,
    now_ms: int,
    *,
    reason: str = "",
    to_tag: str = "",
    fields: Fields = (),
    body: bytes = b"",
) -> None:
    """Answer a request within its transaction."""
    if status > 100:
        fields = (*fields, ("Server", core.config.user_agent))
    response = make_response(
        transaction.request, status, reason, to_tag=to_tag, fields=fields, body=body
    )
    core.transactions.respond(transaction, response, now_ms)


def respond_stateless(
    core: Core, request: Request, status: int, reason: str = "", fields: Fields = ()
) -> None:
    """Answer without keeping anything: a repeated request gets the same answer again.

    The tag is derived from the request, so that it is the same too (RFC 3261 8.2.7).
    """
    if request.method == "ACK":
        return
    if status in (405, 501):
        fields = (*fields, ("Allow", ALLOW))
    parsed = request.essentials
    tag = f"x{parsed.cseq}" if parsed else "x"
    response = make_response(request, status, reason, to_tag=tag, fields=fields)
    core.transactions.send(response.encode(), response_address(request))


def _has_tag(request: Request) -> bool:
    return request.essentials is not None and bool(request.essentials.recipient.tag)


def _one_line(text: str) -> str:
    return text.replace("\r", " ").replace("\n", " ")
