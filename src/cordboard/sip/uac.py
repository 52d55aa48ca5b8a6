"""Calls that we place: INVITE, forked answers, CANCEL and its race, challenges."""

from __future__ import annotations

from dataclasses import dataclass

from cordboard.sip.bodies import SDP_TYPE, sdp_of
from cordboard.sip.core import ALLOW, Core, Leg, LegState, LegTimer
from cordboard.sip.datagram import Address
from cordboard.sip.dialog import Dialog, dialog_of_answer
from cordboard.sip.digest import Credentials, answer_challenge, choose_challenge
from cordboard.sip.ending import send_bye
from cordboard.sip.events import CallAnswered, CallProgressed, EndedBy
from cordboard.sip.fields import check_line, clean
from cordboard.sip.message import Headers, Request, Response
from cordboard.sip.redirection import contacts_of
from cordboard.sip.responses import phrase
from cordboard.sip.session_interval import take_answer
from cordboard.sip.transaction import OWNER_PREFIX, Transaction, top_branch
from cordboard.sip.transaction_table import GIVE_UP_MS, State, Timer

SILENCE = "no answer of any kind"
RINGING_LIMIT = "ringing limit"


@dataclass(frozen=True, slots=True)
class InvitationNames:
    """Names chosen before the INVITE is sent, by which it can be cancelled after a crash."""

    call_id: str
    local_tag: str
    branch: str


@dataclass(frozen=True, slots=True)
class Invitation:
    """Whom to call, as whom, and where to send it.

    ``target`` and ``sender`` are URIs; ``destination`` is the trunk's signalling address, to which
    alone everything of this call is sent. ``headers`` go into the INVITE only. Without ``names``
    they are made up. With ``holds_ack`` the answer is acknowledged by ``acknowledge`` only, so that
    the dialog can be stored first; until then the far end repeats its answer. ``attempt`` counts up
    where the same names are used again, at another place or for another number (RFC 3261 8.1.3.4).
    """

    target: str
    sender: str
    destination: Address
    sdp: bytes
    display_name: str = ""
    credentials: Credentials | None = None
    headers: tuple[tuple[str, str], ...] = ()
    ring_limit_ms: int = 60_000
    names: InvitationNames | None = None
    holds_ack: bool = False
    attempt: int = 0


def quoted(text: str) -> str:
    """Return text as a quoted string (RFC 3261 25.1)."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def invite(core: Core, invitation: Invitation, now_ms: int) -> Leg:
    """Send an INVITE and return its leg. Raises ``BadField`` for text that is no line."""
    leg = _calling_leg(core, invitation)
    core.start(leg, LegTimer.RING_LIMIT, now_ms + invitation.ring_limit_ms)
    _send_invite(core, leg, (), now_ms)
    return leg


def cancel_lost(
    core: Core, invitation: Invitation, now_ms: int, *, challenged: bool = False
) -> Leg:
    """Give up a call whose INVITE a process that died may have sent; ``names`` must be its own.

    The INVITE is never sent again. CANCEL goes out at once, a late 487 is acknowledged, and an
    answer that crosses it is acknowledged and hung up. ``challenged`` means the second INVITE of
    the call, with credentials.
    """
    leg = _calling_leg(core, invitation)
    if challenged:
        leg.dialog.next_cseq()
    leg.progressed = True
    branch, request = _invite_request(core, leg, ())
    leg.invite = core.transactions.resume_client(
        request, branch, leg.dialog.peer, leg.handle, now_ms
    )
    cancel(core, leg, now_ms, EndedBy.LOCAL, "server restarted")
    return leg


def _calling_leg(core: Core, invitation: Invitation) -> Leg:
    texts = (invitation.target, invitation.sender, invitation.display_name)
    check_line("invitation", *texts, *(part for field in invitation.headers for part in field))
    name = f"{quoted(invitation.display_name)} " if invitation.display_name else ""
    # Two for each attempt: an INVITE that is challenged takes a second number.
    first = core.config.first_cseq - 1 + 2 * invitation.attempt
    names = invitation.names or InvitationNames(
        core.new_token(), core.new_token(), core.new_token()
    )
    dialog = Dialog(
        call_id=names.call_id,
        local_tag=names.local_tag,
        remote_tag="",
        local_address=f"{name}<{invitation.sender}>",
        remote_address=f"<{invitation.target}>",
        remote_target=invitation.target,
        peer=invitation.destination,
        local_cseq=first,
        reserved_cseq=first + 100,
    )
    leg = Leg(core.new_token(), dialog, LegState.CALLING, is_caller=True)
    leg.local_sdp = invitation.sdp
    leg.credentials = invitation.credentials
    leg.extra_headers = invitation.headers
    leg.branch = names.branch
    leg.holds_ack = invitation.holds_ack
    core.add_leg(leg)
    return leg


def _send_invite(core: Core, leg: Leg, fields: tuple[tuple[str, str], ...], now_ms: int) -> None:
    branch, request = _invite_request(core, leg, fields)
    leg.invite = core.transactions.open_client(request, branch, leg.dialog.peer, leg.handle, now_ms)


def _invite_request(
    core: Core, leg: Leg, fields: tuple[tuple[str, str], ...]
) -> tuple[str, Request]:
    """Return the next INVITE with its branch; both follow from the leg's names alone."""
    leg.dialog.next_cseq()
    uri, headers = leg.dialog.request_headers("INVITE")
    branch, via = core.new_via(f"{leg.branch}{leg.dialog.local_cseq}")
    own = [("Contact", core.contact), ("Allow", ALLOW), ("Supported", "timer")]
    own.append(("User-Agent", core.config.user_agent))
    if leg.local_sdp:
        own.append(("Content-Type", SDP_TYPE))
    headers = Headers([("Via", via), *headers, *own, *leg.extra_headers, *fields])
    return branch, Request("INVITE", uri, headers, leg.local_sdp)


def receive_answer(core: Core, transaction: Transaction, response: Response, now_ms: int) -> None:
    """Take a response to an INVITE that makes a dialog (not a re-INVITE)."""
    leg = core.legs.get(transaction.user)
    if 200 <= response.status < 300:
        _receive_success(core, leg, transaction, response, now_ms)
        return
    if leg is None or leg.invite is not transaction:
        return
    if response.status < 200:
        _receive_progress(core, leg, response, now_ms)
    elif not _try_credentials(core, leg, transaction, response, now_ms):
        status = response.status
        reason = clean(response.reason) or phrase(status)
        core.end(leg, EndedBy.REMOTE, status, reason, contacts_of(response))
        core.release(leg)


def _receive_progress(core: Core, leg: Leg, response: Response, now_ms: int) -> None:
    leg.progressed = True
    if leg.cancel_wanted:
        _send_cancel(core, leg, now_ms)
    elif response.status > 100 and not leg.ended:
        reason = clean(response.reason)
        core.report(CallProgressed(leg.handle, response.status, reason, sdp_of(response)))


def _receive_success(
    core: Core, leg: Leg | None, transaction: Transaction, response: Response, now_ms: int
) -> None:
    """Acknowledge each 2xx; keep the first, hang up on further forks and on cancelled calls."""
    tag = response.parsed.recipient.tag
    if leg is not None and leg.held_ack is not None and leg.dialog.remote_tag == tag:
        return
    known = transaction.forks.get(tag)
    if known is not None:
        core.transactions.send(*known)
        return
    if len(transaction.forks) >= 16:
        return
    dialog = dialog_of_answer(transaction.request, response, transaction.destination)
    if leg is None or leg.state is not LegState.CALLING or leg.invite is not transaction:
        transaction.forks[tag] = _send_ack(core, dialog)
        _hang_up_fork(core, dialog, now_ms)
        return
    if leg.holds_ack and not leg.ended:
        leg.held_ack = transaction
    else:
        transaction.forks[tag] = _send_ack(core, dialog)
    dialog.reserved_cseq = leg.dialog.reserved_cseq
    leg.dialog = dialog
    leg.state = LegState.CONFIRMED
    core.index(leg)
    core.stop(leg, LegTimer.RING_LIMIT)
    core.stop(leg, LegTimer.CANCEL_UNANSWERED)
    core.store(leg)
    if leg.ended:
        send_bye(core, leg, now_ms, EndedBy.LOCAL, 0, "")
        return
    take_answer(core, leg, response, now_ms)
    core.report(CallAnswered(leg.handle, sdp_of(response)))


def acknowledge(core: Core, leg: Leg) -> bool:
    """Send the ACK that was held back; False if none is."""
    transaction, leg.held_ack = leg.held_ack, None
    if transaction is None:
        return False
    transaction.forks[leg.dialog.remote_tag] = _send_ack(core, leg.dialog)
    return True


def _send_ack(core: Core, dialog: Dialog, body: bytes = b"") -> tuple[bytes, Address]:
    """Send the ACK to a 2xx, a transaction of its own (RFC 3261 13.2.2.4)."""
    uri, headers = dialog.request_headers("ACK")
    _, via = core.new_via()
    payload = Request("ACK", uri, Headers([("Via", via), *headers]), body).encode()
    sent = (payload, dialog.next_hop())
    core.transactions.send(*sent)
    return sent


def acknowledge_reinvite(core: Core, leg: Leg, transaction: Transaction) -> None:
    """Send, or repeat, the ACK to the 2xx of our re-INVITE."""
    known = transaction.forks.get("")
    if known is not None:
        core.transactions.send(*known)
        return
    number = int((transaction.request.headers.get("cseq") or "1").split()[0])
    uri, headers = leg.dialog.request_headers("ACK", number)
    _, via = core.new_via()
    payload = Request("ACK", uri, Headers([("Via", via), *headers])).encode()
    transaction.forks[""] = (payload, leg.dialog.next_hop())
    core.transactions.send(*transaction.forks[""])


def _hang_up_fork(core: Core, dialog: Dialog, now_ms: int) -> None:
    dialog.next_cseq()
    uri, headers = dialog.request_headers("BYE")
    branch, via = core.new_via()
    request = Request("BYE", uri, Headers([("Via", via), *headers]))
    core.transactions.open_client(request, branch, dialog.next_hop(), "", now_ms)


def cancel(core: Core, leg: Leg, now_ms: int, by: EndedBy, reason: str) -> None:
    """Give up a call that is not answered: CANCEL, once a provisional answer allows it."""
    core.end(leg, by, 487 if by is EndedBy.LOCAL else 408, reason)
    if leg.cancel_wanted:
        return
    leg.cancel_wanted = True
    if leg.progressed:
        _send_cancel(core, leg, now_ms)


def abandon(core: Core, leg: Leg, now_ms: int) -> bool:
    """Let go of a call whose INVITE got no answer at all: it is not repeated any more.

    False where there was one. Whoever got it after all is cancelled, or hung up on.
    """
    if leg.ended or leg.progressed or leg.state is not LegState.CALLING:
        return False
    cancel(core, leg, now_ms, EndedBy.LOCAL, SILENCE)
    if leg.invite is not None:
        core.timers.cancel((OWNER_PREFIX + leg.invite.key, Timer.A))
    return True


def _send_cancel(core: Core, leg: Leg, now_ms: int) -> None:
    invite = leg.invite
    if invite is None or invite.cancelled or invite.state is not State.PROCEEDING:
        return
    invite.cancelled = True
    headers = Headers()
    for name, value in invite.request.headers:
        if name in ("Via", "Route", "From", "To", "Call-ID", "Max-Forwards"):
            headers.add(name, value)
    number = (invite.request.headers.get("cseq") or "1").split()[0]
    headers.add("CSeq", f"{number} CANCEL")
    request = Request("CANCEL", invite.request.uri, headers)
    core.transactions.open_client(request, top_branch(request), invite.destination, "", now_ms)
    core.start(leg, LegTimer.CANCEL_UNANSWERED, now_ms + GIVE_UP_MS)


def give_up(core: Core, leg: Leg, now_ms: int) -> None:
    """Forget a call whose INVITE never got a final answer."""
    core.end(leg, EndedBy.TIMEOUT, 408, "no answer")
    if leg.invite is not None and leg.invite.state is State.PROCEEDING:
        core.transactions.forget(leg.invite)
    core.release(leg)


def _try_credentials(
    core: Core, leg: Leg, transaction: Transaction, response: Response, now_ms: int
) -> bool:
    """Repeat an INVITE that was challenged, once (RFC 3261 22.2)."""
    if leg.ended or leg.auth_tries >= 1:
        return False
    field = authorization(core, leg, transaction.request, response)
    if field is None:
        return False
    leg.auth_tries += 1
    leg.progressed = False
    _send_invite(core, leg, (field,), now_ms)
    return True


def authorization(
    core: Core, leg: Leg, request: Request, response: Response
) -> tuple[str, str] | None:
    """Return the field that answers a challenge, if we placed the call and have the secret."""
    names = {401: ("www-authenticate", "Authorization"),
             407: ("proxy-authenticate", "Proxy-Authorization")}  # fmt: skip
    if response.status not in names or leg.credentials is None or not leg.is_caller:
        return None
    asked, answered = names[response.status]
    challenge = choose_challenge(response.headers.every(asked), leg.credentials)
    if challenge is None:
        return None
    value = answer_challenge(
        challenge, leg.credentials, request.method, request.uri, core.new_token()
    )
    return answered, value
