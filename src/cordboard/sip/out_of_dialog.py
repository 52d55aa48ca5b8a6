"""Requests outside a call: admission, fitness, and the methods that make no call."""

from __future__ import annotations

from cordboard.sip.bodies import SDP_TYPE, media_type
from cordboard.sip.config import Allow, Drop, Refuse, Verdict
from cordboard.sip.core import ALLOW, Core
from cordboard.sip.fields import BadField, parse_tokens, uri_scheme
from cordboard.sip.message import Request
from cordboard.sip.responses import Fields, respond_stateless
from cordboard.sip.session_interval import asked_interval
from cordboard.sip.uas import receive_invite

_EXTENSIONS = frozenset(("timer",))
_STATUS = {
    "SUBSCRIBE": 489, "PUBLISH": 489, "NOTIFY": 481, "BYE": 481, "UPDATE": 481, "INFO": 481,
    "REFER": 403, "MESSAGE": 405, "REGISTER": 405, "PRACK": 481,
}  # fmt: skip
_BODIES = frozenset((SDP_TYPE, "multipart/mixed", "multipart/alternative", "multipart/related"))


def receive_out_of_dialog(core: Core, request: Request, now_ms: int) -> None:
    """Take a request without a To tag that repeats no known one."""
    if request.method == "ACK" or not core.config.accepts_source(request.source, now_ms):
        return
    if core.transactions.is_merged(request):
        respond_stateless(core, request, 482)
        return
    verdict = core.config.authorise(request, now_ms)
    if isinstance(verdict, Drop):
        return
    refusal = verdict if isinstance(verdict, Refuse) else _refusal(core, request)
    if refusal is not None:
        respond_stateless(core, request, refusal.status, refusal.reason, refusal.headers)
    elif request.method == "INVITE":
        receive_invite(core, request, _label(verdict), now_ms)
    else:
        respond_stateless(core, request, 200, "", capability_fields(core))


def _label(verdict: Verdict) -> str:
    return verdict.label if isinstance(verdict, Allow) else ""


def capability_fields(core: Core) -> Fields:
    """What OPTIONS is answered with (RFC 3261 11.2)."""
    return (
        ("Allow", ALLOW),
        ("Accept", SDP_TYPE),
        ("Supported", "timer"),
        ("Contact", core.contact),
    )


def _refusal(core: Core, request: Request) -> Refuse | None:
    """Judge a request in the order of RFC 3261 8.2."""
    if request.method not in ("INVITE", "OPTIONS"):
        return Refuse(_STATUS.get(request.method, 501))
    if uri_scheme(request.uri) not in ("sip", "sips", "tel"):
        return Refuse(416)
    return unfit(core, request)


def unfit(core: Core, request: Request) -> Refuse | None:
    """Return why a request, inside a dialog or not, cannot be served as it is, or None."""
    required = parse_tokens(request.headers.every("require"))
    lacking = [name for name in required if name not in _EXTENSIONS]
    if lacking and request.method != "CANCEL":
        return Refuse(420, "", (("Unsupported", ", ".join(lacking)),))
    if request.method in ("INVITE", "UPDATE"):
        return _unfit_body(request) or _unfit_interval(core, request)
    return None


def _unfit_body(request: Request) -> Refuse | None:
    kind = media_type(request)
    encoding = (request.headers.get("content-encoding") or "identity").lower()
    if request.body and (kind not in _BODIES or encoding != "identity"):
        return Refuse(415, "", (("Accept", SDP_TYPE), ("Accept-Encoding", "identity")))
    accepted = request.headers.every("accept")
    if accepted:
        kinds = [part.partition(";")[0].strip() for part in parse_tokens(accepted)]
        if not {SDP_TYPE, "application/*", "*/*"} & set(kinds):
            return Refuse(406)
    return None


def _unfit_interval(core: Core, request: Request) -> Refuse | None:
    try:
        asked = asked_interval(request)
    except BadField as error:
        return Refuse(400, str(error))
    if asked is not None and asked[0] < core.config.min_session_s:
        return Refuse(422, "", (("Min-SE", str(core.config.min_session_s)),))
    return None
