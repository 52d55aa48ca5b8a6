"""Requests of ours inside a call: INFO, REFER, re-INVITE, session refresh, and their answers."""

from __future__ import annotations

from cordboard.sip.bodies import SDP_TYPE, sdp_of
from cordboard.sip.core import ALLOW, Core, Leg, LegState, LegTimer
from cordboard.sip.ending import send_bye
from cordboard.sip.events import EndedBy, RequestAnswered
from cordboard.sip.fields import clean
from cordboard.sip.message import Response
from cordboard.sip.responses import Fields, phrase
from cordboard.sip.session_interval import restart, take_answer
from cordboard.sip.transaction import Transaction
from cordboard.sip.transaction_table import GIVE_UP_MS
from cordboard.sip.uac import acknowledge_reinvite, authorization

_REPORTED = frozenset(("INFO", "REFER", "INVITE"))


def send_info(core: Core, leg: Leg, content_type: str, body: bytes, now_ms: int) -> bool:
    """Send INFO, for example a digit."""
    if leg.state is not LegState.CONFIRMED:
        return False
    core.send_in_dialog(leg, "INFO", now_ms, (("Content-Type", content_type),), body)
    return True


def send_refer(core: Core, leg: Leg, target: str, now_ms: int) -> bool:
    """Ask the peer to call ``target`` instead of us (RFC 3515)."""
    if leg.state is not LegState.CONFIRMED or leg.refer_open or "\r" in target or "\n" in target:
        return False
    leg.refer_open = True
    fields = (("Contact", core.contact), ("Refer-To", f"<{target}>"))
    core.send_in_dialog(leg, "REFER", now_ms, fields)
    return True


def send_reinvite(core: Core, leg: Leg, sdp: bytes, now_ms: int) -> bool:
    """Offer changed media. False if another change is under way."""
    if leg.state is not LegState.CONFIRMED or leg.awaited_ack is not None:
        return False
    if leg.outgoing is not None or leg.pending is not None:
        return False
    leg.local_sdp = sdp
    fields: Fields = (("Contact", core.contact), ("Allow", ALLOW), ("Supported", "timer"))
    fields += _interval_fields(leg)
    fields += (("Content-Type", SDP_TYPE),)
    leg.outgoing = core.send_in_dialog(leg, "INVITE", now_ms, fields, sdp)
    return True


def _interval_fields(leg: Leg) -> Fields:
    if leg.session is None:
        return ()
    who = "uac" if leg.session.we_refresh else "uas"
    return (("Session-Expires", f"{leg.session.interval_s};refresher={who}"),)


def session_due(core: Core, leg: Leg, now_ms: int) -> None:
    """Refresh the session where that is ours to do, else end a call that was not refreshed."""
    session = leg.session
    if session is None or leg.ended:
        return
    if not session.we_refresh:
        send_bye(core, leg, now_ms, EndedBy.TIMEOUT, 408, "session not refreshed")
        return
    session.overdue_count += 1
    if session.overdue_count > 2:
        send_bye(core, leg, now_ms, EndedBy.TIMEOUT, 408, "session refresh not answered")
        return
    core.start(leg, LegTimer.SESSION, now_ms + 1_000 * max(10, session.interval_s // 6))
    if leg.peer_allows_update:
        fields = (("Contact", core.contact), ("Supported", "timer"), *_interval_fields(leg))
        core.send_in_dialog(leg, "UPDATE", now_ms, fields)
    elif leg.local_sdp:
        send_reinvite(core, leg, leg.local_sdp, now_ms)


def receive_final(core: Core, transaction: Transaction, response: Response, now_ms: int) -> None:
    """Take a response to a request of ours inside a dialog."""
    leg = core.legs.get(transaction.user)
    if leg is None or response.status < 200:
        return
    method = transaction.request.method
    if method == "INVITE" and response.status < 300:
        acknowledge_reinvite(core, leg, transaction)
        if leg.outgoing is not transaction:
            return
    if _repeat_with_credentials(core, leg, transaction, response, now_ms):
        return
    _settle(core, leg, transaction, response.status, response, now_ms)


def request_timed_out(core: Core, leg: Leg, transaction: Transaction, now_ms: int) -> None:
    """Take it as 408 when a request of ours got no answer (RFC 3261 8.1.3.1)."""
    _settle(core, leg, transaction, 408, None, now_ms)


def _settle(
    core: Core,
    leg: Leg,
    transaction: Transaction,
    status: int,
    response: Response | None,
    now_ms: int,
) -> None:
    method = transaction.request.method
    if leg.outgoing is transaction:
        leg.outgoing = None
    if method == "BYE":
        _bye_settled(core, leg, status, now_ms)
        return
    if leg.ended:
        return
    if method == "REFER" and status >= 300:
        leg.refer_open = False
    if method in ("INVITE", "UPDATE") and response is not None and status < 300:
        take_answer(core, leg, response, now_ms)
        leg.dialog.refresh_target(response)
        restart(core, leg, now_ms)
    if method in _REPORTED:
        reason = clean(response.reason) if response else phrase(status)
        sdp = sdp_of(response) if response and status < 300 else None
        core.report(RequestAnswered(leg.handle, method, status, reason, sdp))
    if status in (408, 481) and method in ("INVITE", "UPDATE"):
        send_bye(core, leg, now_ms, EndedBy.REMOTE, status, f"{method} got {status}")


def _bye_settled(core: Core, leg: Leg, status: int, now_ms: int) -> None:
    """Forget the leg, but for an adopted one that the peer does not know (481).

    The dead process's 200 may still be on its way: if its ACK comes, the BYE is said again.
    """
    if not leg.adopted or status != 481 or leg.released:
        core.release(leg)
        return
    core.report_released(leg)
    core.start(leg, LegTimer.LATE_ACK, now_ms + GIVE_UP_MS)


def _repeat_with_credentials(
    core: Core, leg: Leg, transaction: Transaction, response: Response, now_ms: int
) -> bool:
    """Answer a challenge inside a call that we placed, never in one that came in."""
    request = transaction.request
    already = request.headers.get("authorization") or request.headers.get("proxy-authorization")
    field = None if already else authorization(core, leg, request, response)
    if field is None:
        return False
    kept = tuple((name, value) for name, value in request.headers if name not in _MADE_ANEW)
    again = core.send_in_dialog(leg, request.method, now_ms, (*kept, field), request.body)
    if leg.outgoing is transaction:
        leg.outgoing = again
    return True


_MADE_ANEW = frozenset(("Via", "From", "To", "Call-ID", "CSeq", "Max-Forwards", "Route"))
