"""The user agent's face: one per socket (RFC 3261).

Feed it with ``receive`` and ``handle_deadline``, give it commands, and after each of these take
``events`` and ``datagrams_to_send``. Nothing a peer sends raises. Commands return False when they
come too late (the call is gone or in another state); that is normal, not an error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from cordboard.sip import uac, uas
from cordboard.sip.config import UserAgentConfig
from cordboard.sip.core import LEG_PREFIX, Core, Leg, LegState, LegTimer
from cordboard.sip.datagram import Address, Deadline, OutgoingDatagram
from cordboard.sip.dialog import Dialog, DialogRecord
from cordboard.sip.ending import send_bye
from cordboard.sip.events import EndedBy, SipEvent
from cordboard.sip.fields import BadField
from cordboard.sip.in_dialog import answer_reinvite, receive_in_dialog, reject_reinvite
from cordboard.sip.in_dialog_requests import (
    receive_final,
    request_timed_out,
    send_info,
    send_refer,
    send_reinvite,
    session_due,
)
from cordboard.sip.message import BadMessage, Request, Response, parse_datagram
from cordboard.sip.out_of_dialog import receive_out_of_dialog
from cordboard.sip.registration import REGISTRATION_PREFIX, Registrations
from cordboard.sip.responses import respond_stateless
from cordboard.sip.transaction import OWNER_PREFIX, Transaction
from cordboard.sip.transaction_table import Timer


class UserAgent:
    """A SIP server and client without sockets.

    ``new_token`` must return at least 64 random bits as a token of RFC 3261 (letters, digits).
    """

    def __init__(self, config: UserAgentConfig, new_token: Callable[[], str]) -> None:
        self._core = Core(config, new_token)
        self.calls = CallCommands(self._core)
        self.requests = RequestCommands(self._core)
        self.registrations = Registrations(self._core)

    def receive(self, payload: bytes, source: Address, now_ms: int) -> None:
        """Take one datagram. Never raises for anything that a peer sends."""
        if not payload.strip(b"\r\n\0"):
            return
        try:
            message = parse_datagram(payload, source)
        except BadMessage as bad:
            self._answer_bad(bad, source, now_ms)
            return
        if isinstance(message, Response):
            self._receive_response(message, now_ms)
        else:
            self._receive_request(message, now_ms)

    def handle_deadline(self, now_ms: int) -> None:
        """Do all that is due."""
        for owner, name in self._core.timers.due(now_ms):
            if owner.startswith(OWNER_PREFIX):
                self._transaction_due(owner.removeprefix(OWNER_PREFIX), Timer(name), now_ms)
            elif owner.startswith(REGISTRATION_PREFIX):
                self.registrations.due(owner.removeprefix(REGISTRATION_PREFIX), now_ms)
            else:
                leg = self._core.legs.get(owner.removeprefix(LEG_PREFIX))
                if leg is not None:
                    _leg_due(self._core, leg, LegTimer(name), now_ms)

    def next_deadline(self) -> Deadline | None:
        """Return when ``handle_deadline`` is next due, or None."""
        return self._core.timers.next_deadline()

    def datagrams_to_send(self) -> list[OutgoingDatagram]:
        """Take what is to be sent, in order."""
        outbox, self._core.transactions.outbox = self._core.transactions.outbox, []
        return outbox

    def events(self) -> list[SipEvent]:
        """Take what happened, in order."""
        reports, self._core.reports = self._core.reports, []
        return reports

    def counts(self) -> dict[str, int]:
        """Return how much is held: legs, dialogs, transactions, timers. All 0 when idle."""
        core = self._core
        return {
            "legs": len(core.legs),
            "dialogs": len(core.dialogs),
            "transactions": len(core.transactions),
            "timers": len(core.timers),
        }

    def _answer_bad(self, bad: BadMessage, source: Address, now_ms: int) -> None:
        if bad.status is None or bad.request is None or bad.request.method == "ACK":
            return
        if self._core.config.accepts_source(source, now_ms):
            request = replace(bad.request, essentials=None)
            respond_stateless(self._core, request, bad.status, f"{bad}"[:120])

    def _receive_request(self, request: Request, now_ms: int) -> None:
        core = self._core
        transaction = core.transactions.find_server(request)
        if transaction is not None:
            core.transactions.receive_request(transaction, request, now_ms)
            if request.method != "ACK" or not request.parsed.recipient.tag:
                return
        if core.transactions.is_full:
            return
        if request.method == "CANCEL":
            uas.receive_cancel(core, request, now_ms)
        elif request.parsed.recipient.tag:
            receive_in_dialog(core, request, now_ms)
        else:
            receive_out_of_dialog(core, request, now_ms)

    def _receive_response(self, response: Response, now_ms: int) -> None:
        core = self._core
        if response.parsed.via.host != _host(core.config.local):
            return
        transaction = core.transactions.receive_response(response, now_ms)
        if transaction is None:
            return
        if transaction.request.method == "REGISTER":
            self.registrations.receive(transaction, response, now_ms)
        elif _makes_dialog(transaction):
            uac.receive_answer(core, transaction, response, now_ms)
        else:
            receive_final(core, transaction, response, now_ms)

    def _transaction_due(self, key: str, timer: Timer, now_ms: int) -> None:
        core = self._core
        transaction = core.transactions.fire(key, timer, now_ms)
        if transaction is not None and transaction.user.startswith(REGISTRATION_PREFIX):
            self.registrations.timed_out(transaction, now_ms)
            return
        leg = core.legs.get(transaction.user) if transaction else None
        if transaction is None or leg is None or transaction.is_server:
            return
        if _makes_dialog(transaction):
            uac.give_up(core, leg, now_ms)
        else:
            request_timed_out(core, leg, transaction, now_ms)


class CallCommands:
    """Commands that make, answer and end calls, by the call's handle."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def invite(self, invitation: uac.Invitation, now_ms: int) -> str:
        """Place a call and return its handle."""
        return uac.invite(self._core, invitation, now_ms).handle

    def acknowledge(self, handle: str) -> bool:
        """Send the ACK to the answer of a call that was placed with ``holds_ack``."""
        leg = self._core.legs.get(handle)
        return leg is not None and uac.acknowledge(self._core, leg)

    def cancel_lost(
        self, invitation: uac.Invitation, now_ms: int, *, challenged: bool = False
    ) -> str:
        """Give up a call that a process that died was placing; returns a new handle."""
        return uac.cancel_lost(self._core, invitation, now_ms, challenged=challenged).handle

    def abandon(self, handle: str, now_ms: int) -> bool:
        """Let go of a call whose INVITE got no answer at all; False where it got one."""
        leg = self._core.legs.get(handle)
        return leg is not None and uac.abandon(self._core, leg, now_ms)

    def ring(self, handle: str, now_ms: int, status: int = 180, sdp: bytes = b"") -> bool:
        """Send a provisional answer, 180 or 183 with early media."""
        leg = self._core.legs.get(handle)
        return leg is not None and uas.ring(self._core, leg, status, sdp, now_ms)

    def answer(self, handle: str, sdp: bytes, now_ms: int) -> bool:
        """Answer with 200 and a session description."""
        leg = self._core.legs.get(handle)
        return leg is not None and uas.answer(self._core, leg, sdp, now_ms)

    def reject(
        self,
        handle: str,
        status: int,
        now_ms: int,
        reason: str = "",
        headers: tuple[tuple[str, str], ...] = (),
    ) -> bool:
        """Refuse a call with a status from 300 to 699."""
        leg = self._core.legs.get(handle)
        if leg is None or not 300 <= status <= 699:
            return False
        return uas.reject(self._core, leg, status, reason, headers, now_ms, EndedBy.LOCAL)

    def hang_up(self, handle: str, now_ms: int, reason: str = "") -> bool:
        """End the call, whatever its state: 480, BYE now or after the ACK, or CANCEL."""
        core = self._core
        leg = core.legs.get(handle)
        if leg is None or leg.ended:
            return False
        uac.acknowledge(core, leg)
        if leg.state is LegState.OFFERED:
            return uas.reject(core, leg, 480, reason, (), now_ms, EndedBy.LOCAL)
        if leg.state is LegState.CALLING:
            uac.cancel(core, leg, now_ms, EndedBy.LOCAL, reason)
        elif leg.state is LegState.ANSWERED:
            core.end(leg, EndedBy.LOCAL, 0, reason)
        else:
            send_bye(core, leg, now_ms, EndedBy.LOCAL, 0, reason)
        return True

    def dialog(self, handle: str) -> DialogRecord | None:
        """Return the dialog's persisted form, good for a BYE after a restart."""
        leg = self._core.legs.get(handle)
        return leg.dialog.to_dict() if leg else None

    def adopt(self, record: DialogRecord) -> str:
        """Take over a confirmed dialog from its persisted form and return a new handle.

        Raises ``BadField`` for a record that ``dialog`` did not make.
        """
        dialog = Dialog.from_dict(record)
        if not dialog.remote_tag and not dialog.remote_target:
            raise BadField("dialog record: no peer")
        leg = Leg(self._core.new_token(), dialog, LegState.CONFIRMED, adopted=True)
        self._core.add_leg(leg)
        self._core.index(leg)
        return leg.handle


class RequestCommands:
    """Commands inside a confirmed call, by the call's handle."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def answer_reinvite(self, handle: str, sdp: bytes, now_ms: int) -> bool:
        """Accept the change that ``ReinviteReceived`` reported."""
        leg = self._core.legs.get(handle)
        return leg is not None and answer_reinvite(self._core, leg, sdp, now_ms)

    def reject_reinvite(self, handle: str, status: int, now_ms: int) -> bool:
        """Refuse the change, usually with 488; the call goes on."""
        leg = self._core.legs.get(handle)
        return leg is not None and reject_reinvite(self._core, leg, status, now_ms)

    def send_info(self, handle: str, content_type: str, body: bytes, now_ms: int) -> bool:
        """Send INFO; ``RequestAnswered`` follows."""
        leg = self._core.legs.get(handle)
        return leg is not None and send_info(self._core, leg, content_type, body, now_ms)

    def refer(self, handle: str, target: str, now_ms: int) -> bool:
        """Ask the peer to call ``target``; ``TransferProgressed`` tells how it goes."""
        leg = self._core.legs.get(handle)
        return leg is not None and send_refer(self._core, leg, target, now_ms)

    def reinvite(self, handle: str, sdp: bytes, now_ms: int) -> bool:
        """Offer changed media; ``RequestAnswered`` follows (491: try again in 2.1 to 4 s)."""
        leg = self._core.legs.get(handle)
        return leg is not None and send_reinvite(self._core, leg, sdp, now_ms)


def _makes_dialog(transaction: Transaction) -> bool:
    """Tell a first INVITE from a re-INVITE by its To tag."""
    to_value = transaction.request.headers.get("to") or ""
    return transaction.request.method == "INVITE" and ";tag=" not in to_value.rpartition(">")[2]


def _host(address: Address) -> str:
    host = address[0].lower()
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def _leg_due(core: Core, leg: Leg, timer: LegTimer, now_ms: int) -> None:
    if timer is LegTimer.ANSWER_AGAIN:
        uas.answer_again(core, leg, now_ms)
    elif timer is LegTimer.NO_ACK:
        uas.no_ack(core, leg, now_ms)
    elif timer is LegTimer.REINVITE_UNANSWERED:
        reject_reinvite(core, leg, 500, now_ms)
    elif timer is LegTimer.SESSION:
        session_due(core, leg, now_ms)
    elif timer is LegTimer.LATE_ACK:
        core.release(leg)
    elif timer is LegTimer.CANCEL_UNANSWERED:
        uac.give_up(core, leg, now_ms)
    elif leg.state is LegState.OFFERED:
        uas.reject(core, leg, 480, "ringing limit", (), now_ms, EndedBy.TIMEOUT)
    elif leg.state is LegState.CALLING:
        uac.cancel(core, leg, now_ms, EndedBy.TIMEOUT, uac.RINGING_LIMIT)
