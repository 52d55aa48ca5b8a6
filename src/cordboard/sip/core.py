"""What the parts of the user agent share: legs, dialogs, transactions, timers, reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from cordboard.sip.config import UserAgentConfig
from cordboard.sip.dialog import Dialog, DialogId
from cordboard.sip.digest import Credentials
from cordboard.sip.events import CallEnded, CallReleased, DialogChanged, EndedBy, SipEvent
from cordboard.sip.message import Headers, Request
from cordboard.sip.timers import TimerQueue
from cordboard.sip.transaction import MAGIC_COOKIE, Transaction, TransactionLayer

LEG_PREFIX = "leg "
ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, NOTIFY"


class LegState(StrEnum):
    """Where a leg stands."""

    OFFERED = "offered"
    ANSWERED = "answered, ACK awaited"
    CALLING = "calling"
    CONFIRMED = "confirmed"
    ENDING = "ending"


class LegTimer(StrEnum):
    """What a leg waits for."""

    RING_LIMIT = "ringing for too long"
    ANSWER_AGAIN = "2xx again"
    NO_ACK = "no ACK to 2xx"
    REINVITE_UNANSWERED = "re-INVITE not answered by us"
    SESSION = "session interval"
    CANCEL_UNANSWERED = "no final response after CANCEL"
    LATE_ACK = "late ACK of an adopted call"


@dataclass(slots=True)
class AwaitedAck:
    """A 2xx to INVITE that is repeated until its ACK comes (RFC 3261 13.3.1.4)."""

    transaction: Transaction
    cseq: int
    interval_ms: int
    is_first: bool
    wants_sdp: bool


@dataclass(slots=True)
class SessionInterval:
    """A running session timer (RFC 4028)."""

    interval_s: int
    we_refresh: bool
    overdue_count: int = 0


@dataclass(slots=True)
class Leg:
    """One call leg. ``invite`` is the transaction of the INVITE that made it, if any.

    ``adopted``: its dialog was made by a process that died. ``released``: reported as such already.
    """

    handle: str
    dialog: Dialog
    state: LegState
    invite: Transaction | None = None
    is_caller: bool = False
    ended: bool = False
    peer_allows_update: bool = False
    local_sdp: bytes = b""
    awaited_ack: AwaitedAck | None = None
    pending: Transaction | None = None
    outgoing: Transaction | None = None
    session: SessionInterval | None = None
    credentials: Credentials | None = None
    auth_tries: int = 0
    cancel_wanted: bool = False
    progressed: bool = False
    refer_open: bool = False
    adopted: bool = False
    released: bool = False
    extra_headers: tuple[tuple[str, str], ...] = ()
    branch: str = ""
    holds_ack: bool = False
    held_ack: Transaction | None = None


@dataclass(slots=True)
class Core:
    """The shared state of one user agent."""

    config: UserAgentConfig
    new_token: Callable[[], str]
    timers: TimerQueue = field(default_factory=TimerQueue)
    legs: dict[str, Leg] = field(default_factory=dict)
    dialogs: dict[DialogId, Leg] = field(default_factory=dict)
    reports: list[SipEvent] = field(default_factory=list)
    transactions: TransactionLayer = field(init=False)

    def __post_init__(self) -> None:
        self.transactions = TransactionLayer(self.timers, self.config.max_transactions)

    @property
    def contact(self) -> str:
        """Our Contact: the advertised address."""
        host, port = self.config.local
        return f"<sip:{_bracketed(host)}:{port}>"

    def report(self, event: SipEvent) -> None:
        """Queue an event."""
        self.reports.append(event)

    def add_leg(self, leg: Leg) -> None:
        """Make a leg known by its handle."""
        self.legs[leg.handle] = leg

    def index(self, leg: Leg) -> None:
        """Make a leg known by its dialog."""
        self.dialogs[leg.dialog.id] = leg

    def find_leg(self, request: Request) -> Leg | None:
        """Return the leg that a request inside a dialog belongs to."""
        parsed = request.parsed
        return self.dialogs.get((parsed.call_id, parsed.recipient.tag, parsed.sender.tag))

    def end(
        self, leg: Leg, by: EndedBy, status: int, reason: str, contacts: tuple[str, ...] = ()
    ) -> None:
        """Report the end of a call, once, and stop what only a live call waits for."""
        if leg.ended:
            return
        leg.ended = True
        for timer in (LegTimer.RING_LIMIT, LegTimer.SESSION, LegTimer.REINVITE_UNANSWERED):
            self.stop(leg, timer)
        self.report(CallEnded(leg.handle, by, status, reason, contacts))

    def release(self, leg: Leg) -> None:
        """Forget a leg. Its transactions run out by themselves."""
        if self.legs.pop(leg.handle, None) is None:
            return
        if self.dialogs.get(leg.dialog.id) is leg:
            del self.dialogs[leg.dialog.id]
        for timer in LegTimer:
            self.stop(leg, timer)
        self.report_released(leg)

    def report_released(self, leg: Leg) -> None:
        """Report that the far end knows or was given up, once."""
        if not leg.released:
            leg.released = True
            self.report(CallReleased(leg.handle))

    def start(self, leg: Leg, timer: LegTimer, at_ms: int) -> None:
        """Set a leg's timer."""
        self.timers.set((LEG_PREFIX + leg.handle, timer), at_ms)

    def stop(self, leg: Leg, timer: LegTimer) -> None:
        """Cancel a leg's timer."""
        self.timers.cancel((LEG_PREFIX + leg.handle, timer))

    def store(self, leg: Leg) -> None:
        """Report that the dialog must be stored again."""
        self.report(DialogChanged(leg.handle, leg.dialog.to_dict()))

    def new_via(self, name: str = "") -> tuple[str, str]:
        """Return a branch of that name, or a fresh one, and the Via field with it."""
        branch = MAGIC_COOKIE + (name or self.new_token())
        host, port = self.config.local
        sent_by = f"{_bracketed(host)}:{port}"
        return branch, f"SIP/2.0/{self.config.transport} {sent_by};branch={branch};rport"

    def send_in_dialog(
        self,
        leg: Leg,
        method: str,
        now_ms: int,
        fields: tuple[tuple[str, str], ...] = (),
        body: bytes = b"",
    ) -> Transaction:
        """Send a request inside the leg's dialog; its answer comes back to the leg."""
        if leg.dialog.next_cseq():
            self.store(leg)
        uri, headers = leg.dialog.request_headers(method)
        branch, via = self.new_via()
        request = Request(method, uri, Headers([("Via", via), *headers, *fields]), body)
        return self.transactions.open_client(
            request, branch, leg.dialog.next_hop(), leg.handle, now_ms
        )


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
