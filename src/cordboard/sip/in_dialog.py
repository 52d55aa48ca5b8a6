"""Requests of the peer inside a call: BYE, re-INVITE, UPDATE, INFO, NOTIFY, OPTIONS."""

from __future__ import annotations

from collections.abc import Callable

from cordboard.sip.bodies import digit_of, media_type, sdp_of, status_of_fragment
from cordboard.sip.core import ALLOW, Core, Leg, LegState, LegTimer
from cordboard.sip.ending import drop_pending
from cordboard.sip.events import (
    DigitPressed,
    EndedBy,
    InfoReceived,
    RefreshReceived,
    ReinviteReceived,
    TransferProgressed,
)
from cordboard.sip.fields import clean
from cordboard.sip.message import Request
from cordboard.sip.out_of_dialog import capability_fields, unfit
from cordboard.sip.responses import respond, respond_stateless
from cordboard.sip.session_interval import agree
from cordboard.sip.transaction import Transaction
from cordboard.sip.transaction_table import GIVE_UP_MS
from cordboard.sip.uas import accept, receive_ack

_RETRY = (("Retry-After", "2"),)


def receive_in_dialog(core: Core, request: Request, now_ms: int) -> None:
    """Take a request with a To tag that repeats no known one.

    A request of another host than the dialog's peer is met with silence.
    """
    leg = core.find_leg(request)
    if leg is None:
        if request.method != "ACK" and core.config.accepts_source(request.source, now_ms):
            respond_stateless(core, request, 481)
        return
    if not core.config.is_peer(request.source, leg.dialog.peer):
        return
    if request.method == "ACK":
        receive_ack(core, leg, request, now_ms)
        return
    refusal = unfit(core, request)
    if refusal is not None:
        respond_stateless(core, request, refusal.status, refusal.reason, refusal.headers)
        return
    transaction = core.transactions.open_server(request, leg.handle)
    if not leg.dialog.accepts_cseq(request.parsed.cseq):
        respond(core, transaction, 500, now_ms, reason="Out of Order")
        return
    _HANDLERS.get(request.method, _unknown)(core, leg, transaction, now_ms)


def _bye(core: Core, leg: Leg, transaction: Transaction, now_ms: int) -> None:
    respond(core, transaction, 200, now_ms)
    if leg.state is LegState.OFFERED and leg.invite is not None:
        respond(core, leg.invite, 487, now_ms, to_tag=leg.dialog.local_tag)
    drop_pending(core, leg, now_ms)
    core.end(leg, EndedBy.REMOTE, 200, "BYE")
    core.release(leg)


def _reinvite(core: Core, leg: Leg, transaction: Transaction, now_ms: int) -> None:
    respond(core, transaction, 100, now_ms)
    if not _may_change(core, leg, transaction, now_ms):
        return
    leg.pending = transaction
    core.start(leg, LegTimer.REINVITE_UNANSWERED, now_ms + GIVE_UP_MS)
    _retarget(core, leg, transaction.request)
    core.report(ReinviteReceived(leg.handle, sdp_of(transaction.request)))


def _update(core: Core, leg: Leg, transaction: Transaction, now_ms: int) -> None:
    sdp = sdp_of(transaction.request)
    if sdp is None and leg.state is LegState.CONFIRMED:
        _retarget(core, leg, transaction.request)
        fields = agree(core, leg, transaction.request, now_ms)
        respond(core, transaction, 200, now_ms, fields=(("Contact", core.contact), *fields))
        core.report(RefreshReceived(leg.handle))
        return
    if not _may_change(core, leg, transaction, now_ms):
        return
    leg.pending = transaction
    core.start(leg, LegTimer.REINVITE_UNANSWERED, now_ms + GIVE_UP_MS // 2)
    _retarget(core, leg, transaction.request)
    core.report(ReinviteReceived(leg.handle, sdp))


def _may_change(core: Core, leg: Leg, transaction: Transaction, now_ms: int) -> bool:
    """Refuse a change that crosses another (RFC 3261 14.2, RFC 3311 5.2)."""
    if leg.ended or leg.state is LegState.ENDING:
        respond(core, transaction, 481, now_ms)
    elif leg.outgoing is not None:
        respond(core, transaction, 491, now_ms)
    elif leg.pending is not None or leg.state is LegState.OFFERED:
        respond(core, transaction, 500, now_ms, fields=_RETRY)
    elif leg.awaited_ack is not None:
        respond(core, transaction, 491, now_ms)
    else:
        return True
    return False


def _retarget(core: Core, leg: Leg, request: Request) -> None:
    if leg.dialog.refresh_target(request):
        core.store(leg)


def answer_reinvite(core: Core, leg: Leg, sdp: bytes, now_ms: int) -> bool:
    """Accept the pending change."""
    pending = leg.pending
    if pending is None or leg.ended:
        return False
    leg.pending = None
    core.stop(leg, LegTimer.REINVITE_UNANSWERED)
    if pending.request.method == "INVITE":
        accept(core, leg, pending, sdp, now_ms)
        return True
    fields = (("Contact", core.contact), *agree(core, leg, pending.request, now_ms))
    leg.local_sdp = sdp
    respond(core, pending, 200, now_ms, fields=fields, body=sdp)
    return True


def reject_reinvite(core: Core, leg: Leg, status: int, now_ms: int) -> bool:
    """Refuse the pending change; the call goes on as it was."""
    pending = leg.pending
    if pending is None:
        return False
    leg.pending = None
    core.stop(leg, LegTimer.REINVITE_UNANSWERED)
    respond(core, pending, status, now_ms)
    return True


def _info(core: Core, leg: Leg, transaction: Transaction, now_ms: int) -> None:
    respond(core, transaction, 200, now_ms)
    if leg.ended:
        return
    kind = media_type(transaction.request)
    pressed = digit_of(kind, transaction.request.body)
    if pressed is not None:
        core.report(DigitPressed(leg.handle, *pressed))
    elif not kind.startswith("application/dtmf"):
        core.report(InfoReceived(leg.handle, clean(kind), transaction.request.body))


def _notify(core: Core, leg: Leg, transaction: Transaction, now_ms: int) -> None:
    event = (transaction.request.headers.get("event") or "").partition(";")[0].strip().lower()
    if event != "refer" or not leg.refer_open:
        respond(core, transaction, 481 if event == "refer" else 489, now_ms)
        return
    respond(core, transaction, 200, now_ms)
    progress = status_of_fragment(transaction.request.body)
    state = (transaction.request.headers.get("subscription-state") or "").lower()
    is_final = state.startswith("terminated") or (progress is not None and progress[0] >= 200)
    if is_final:
        leg.refer_open = False
    if not leg.ended and progress is not None:
        core.report(TransferProgressed(leg.handle, *progress, is_final))


def _options(core: Core, leg: Leg, transaction: Transaction, now_ms: int) -> None:
    respond(core, transaction, 200, now_ms, fields=capability_fields(core))


def _refer(core: Core, leg: Leg, transaction: Transaction, now_ms: int) -> None:
    respond(core, transaction, 403, now_ms)


def _unknown(core: Core, leg: Leg, transaction: Transaction, now_ms: int) -> None:
    known = transaction.request.method in ("MESSAGE", "PRACK", "SUBSCRIBE", "PUBLISH", "REGISTER")
    respond(core, transaction, 405 if known else 501, now_ms, fields=(("Allow", ALLOW),))


_HANDLERS: dict[str, Callable[[Core, Leg, Transaction, int], None]] = {
    "BYE": _bye,
    "INVITE": _reinvite,
    "UPDATE": _update,
    "INFO": _info,
    "NOTIFY": _notify,
    "OPTIONS": _options,
    "REFER": _refer,
}
