"""Calls that come in: INVITE, its answers, CANCEL, ACK (RFC 3261 sections 9.2, 13.3)."""

from __future__ import annotations

from cordboard.sip.bodies import sdp_of
from cordboard.sip.core import ALLOW, AwaitedAck, Core, Leg, LegState, LegTimer
from cordboard.sip.dialog import dialog_of_request
from cordboard.sip.ending import send_bye
from cordboard.sip.events import (
    CallConfirmed,
    CallOffered,
    EndedBy,
    ReinviteConfirmed,
)
from cordboard.sip.fields import clean, uri_user
from cordboard.sip.message import Request
from cordboard.sip.responses import Fields, respond, respond_stateless
from cordboard.sip.session_interval import agree
from cordboard.sip.transaction import Transaction
from cordboard.sip.transaction_table import GIVE_UP_MS, T1_MS, T2_MS, State

_IDENTITY = frozenset(("p-asserted-identity", "remote-party-id", "diversion", "history-info"))


def receive_invite(core: Core, request: Request, label: str, now_ms: int) -> None:
    """Take an admitted INVITE outside a dialog: 100 at once, then ``CallOffered``."""
    if len(core.legs) >= core.config.max_legs:
        respond_stateless(core, request, 503, "", (("Retry-After", "5"),))
        return
    handle = core.new_token()
    dialog = dialog_of_request(request, core.new_token(), core.config.first_cseq)
    transaction = core.transactions.open_server(request, handle)
    leg = Leg(handle, dialog, LegState.OFFERED, transaction)
    core.add_leg(leg)
    core.index(leg)
    respond(core, transaction, 100, now_ms)
    core.start(leg, LegTimer.RING_LIMIT, now_ms + core.config.ring_limit_ms)
    core.report(_offer(leg, request, label))


def _offer(leg: Leg, request: Request, label: str) -> CallOffered:
    parsed = request.parsed
    headers = {
        name.lower(): clean(value)
        for name, value in request.headers
        if name.lower().startswith("x-") or name.lower() in _IDENTITY
    }
    return CallOffered(
        handle=leg.handle,
        call_id=clean(parsed.call_id),
        from_user=uri_user(parsed.sender.uri),
        to_user=uri_user(parsed.recipient.uri),
        request_user=uri_user(request.uri),
        display_name=clean(parsed.sender.display_name),
        source=request.source,
        sdp_offer=sdp_of(request),
        headers=headers,
        label=label,
    )


def ring(core: Core, leg: Leg, status: int, sdp: bytes, now_ms: int) -> bool:
    """Send a provisional answer with the dialog's tag."""
    if leg.state is not LegState.OFFERED or leg.invite is None or not 101 <= status <= 199:
        return False
    respond(
        core, leg.invite, status, now_ms,
        to_tag=leg.dialog.local_tag, fields=_contact(core), body=sdp,
    )  # fmt: skip
    return True


def answer(core: Core, leg: Leg, sdp: bytes, now_ms: int) -> bool:
    """Send 200 and repeat it until ACK comes."""
    if leg.state is not LegState.OFFERED or leg.invite is None:
        return False
    leg.state = LegState.ANSWERED
    core.stop(leg, LegTimer.RING_LIMIT)
    accept(core, leg, leg.invite, sdp, now_ms)
    return True


def accept(core: Core, leg: Leg, transaction: Transaction, sdp: bytes, now_ms: int) -> None:
    """Send 200 to a first INVITE or a re-INVITE."""
    request = transaction.request
    fields = (*_contact(core), *agree(core, leg, request, now_ms))
    leg.local_sdp = sdp or leg.local_sdp
    respond(
        core, transaction, 200, now_ms, to_tag=leg.dialog.local_tag, fields=fields, body=sdp
    )  # fmt: skip
    is_first = transaction is leg.invite
    wants_sdp = sdp_of(request) is None
    leg.awaited_ack = AwaitedAck(transaction, request.parsed.cseq, T1_MS, is_first, wants_sdp)
    core.start(leg, LegTimer.ANSWER_AGAIN, now_ms + T1_MS)
    core.start(leg, LegTimer.NO_ACK, now_ms + GIVE_UP_MS)


def _contact(core: Core) -> Fields:
    return (("Contact", core.contact), ("Allow", ALLOW), ("Supported", "timer"))


def reject(
    core: Core, leg: Leg, status: int, reason: str, fields: Fields, now_ms: int, by: EndedBy
) -> bool:
    """Send a final answer that is no 2xx; the call ends and the leg is forgotten."""
    if leg.state is not LegState.OFFERED or leg.invite is None:
        return False
    respond(
        core, leg.invite, status, now_ms,
        reason=reason, to_tag=leg.dialog.local_tag, fields=fields,
    )  # fmt: skip
    core.end(leg, by, status, reason)
    core.release(leg)
    return True


def receive_cancel(core: Core, request: Request, now_ms: int) -> None:
    """Take a CANCEL: 200 if the INVITE is known, 487 to it if it has no final answer yet."""
    invite = core.transactions.find_server(request, "INVITE")
    if invite is None:
        if core.config.accepts_source(request.source, now_ms):
            respond_stateless(core, request, 481)
        return
    leg = core.legs.get(invite.user)
    transaction = core.transactions.open_server(request, invite.user)
    tag = leg.dialog.local_tag if leg else core.new_token()
    respond(core, transaction, 200, now_ms, to_tag=tag)
    if leg is None or invite.state is not State.PROCEEDING:
        return
    if invite is leg.invite:
        reject(core, leg, 487, "Request Terminated", (), now_ms, EndedBy.REMOTE)
    elif invite is leg.pending:
        leg.pending = None
        core.stop(leg, LegTimer.REINVITE_UNANSWERED)
        respond(core, invite, 487, now_ms, to_tag=tag)


def receive_ack(core: Core, leg: Leg, request: Request, now_ms: int) -> None:
    """Take the ACK to a 2xx; repeated and stray ones change nothing."""
    if leg.adopted and leg.released:
        core.start(leg, LegTimer.LATE_ACK, now_ms + GIVE_UP_MS)
        core.send_in_dialog(leg, "BYE", now_ms)
        return
    awaited = leg.awaited_ack
    if awaited is None or awaited.cseq != request.parsed.cseq:
        return
    leg.awaited_ack = None
    core.stop(leg, LegTimer.ANSWER_AGAIN)
    core.stop(leg, LegTimer.NO_ACK)
    if leg.ended:
        send_bye(core, leg, now_ms, EndedBy.LOCAL, 0, "")
        return
    sdp = sdp_of(request) if awaited.wants_sdp else None
    if awaited.is_first:
        leg.state = LegState.CONFIRMED
        core.report(CallConfirmed(leg.handle, sdp))
    else:
        core.report(ReinviteConfirmed(leg.handle, sdp))


def answer_again(core: Core, leg: Leg, now_ms: int) -> None:
    """Repeat the 200, at doubling intervals up to T2."""
    awaited = leg.awaited_ack
    if awaited is None:
        return
    core.transactions.send_again(awaited.transaction)
    awaited.interval_ms = min(2 * awaited.interval_ms, T2_MS)
    core.start(leg, LegTimer.ANSWER_AGAIN, now_ms + awaited.interval_ms)


def no_ack(core: Core, leg: Leg, now_ms: int) -> None:
    """Give up waiting for ACK: BYE (RFC 3261 13.3.1.4)."""
    send_bye(core, leg, now_ms, EndedBy.NO_ACK, 408, "no ACK to the answer")
