"""Transactions: matching, retransmission and absorption (RFC 3261 section 17).

``TransactionLayer`` owns every transaction, its timers and the datagrams to send. What belongs to
the layer above comes back as return values: ``receive_response`` and ``fire``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cordboard.sip.datagram import Address, OutgoingDatagram
from cordboard.sip.fields import parse_parameters
from cordboard.sip.message import Headers, Request, Response
from cordboard.sip.timers import TimerQueue
from cordboard.sip.transaction_table import (
    FIRST_MS,
    START,
    TABLES,
    Input,
    Kind,
    State,
    Step,
    Timer,
    next_interval_ms,
    response_input,
)

MAGIC_COOKIE = "z9hG4bK"
OWNER_PREFIX = "transaction "


@dataclass(slots=True)
class Transaction:
    """One transaction. ``user`` names the leg that it belongs to (empty: none).

    ``forks`` holds, for a client INVITE, the ACK sent to each 2xx by its remote tag.
    """

    key: str
    kind: Kind
    state: State
    request: Request
    destination: Address
    user: str = ""
    payload: bytes = b""
    intervals: dict[Timer, int] = field(default_factory=dict)
    forks: dict[str, tuple[bytes, Address]] = field(default_factory=dict)
    cancelled: bool = False

    @property
    def is_server(self) -> bool:
        """Tell whether the peer sent the request."""
        return self.kind in (Kind.SERVER, Kind.SERVER_INVITE)


class TransactionLayer:
    """All transactions of one socket; at most ``limit`` at a time."""

    def __init__(self, timers: TimerQueue, limit: int = 20_000) -> None:
        self._timers = timers
        self._limit = limit
        self._transactions: dict[str, Transaction] = {}
        self._merge_keys: dict[str, str] = {}
        self.outbox: list[OutgoingDatagram] = []

    def __len__(self) -> int:
        return len(self._transactions)

    @property
    def is_full(self) -> bool:
        """Tell whether no further request can be taken."""
        return len(self._transactions) >= self._limit

    def find_server(self, request: Request, method: str | None = None) -> Transaction | None:
        """Return the transaction that a request repeats, acknowledges or cancels."""
        return self._transactions.get(server_key(request, method))

    def find(self, key: str) -> Transaction | None:
        """Return a transaction by its key."""
        return self._transactions.get(key)

    def is_merged(self, request: Request) -> bool:
        """Tell whether the same request came already by another path (RFC 3261 8.2.2.2)."""
        return merge_key(request) in self._merge_keys

    def open_server(self, request: Request, user: str = "") -> Transaction:
        """Start the transaction of a request that matched none."""
        kind = Kind.SERVER_INVITE if request.method == "INVITE" else Kind.SERVER
        transaction = Transaction(
            server_key(request), kind, START[kind][0], request, response_address(request), user
        )
        self._transactions[transaction.key] = transaction
        if not request.parsed.recipient.tag:
            self._merge_keys[merge_key(request)] = transaction.key
        return transaction

    def open_client(
        self, request: Request, branch: str, destination: Address, user: str, now_ms: int
    ) -> Transaction:
        """Send a request and start its transaction."""
        kind = Kind.CLIENT_INVITE if request.method == "INVITE" else Kind.CLIENT
        state, timers = START[kind]
        key = f"c {branch} {request.method}"
        transaction = Transaction(key, kind, state, request, destination, user, request.encode())
        self._transactions[key] = transaction
        for timer in timers:
            self._start(transaction, timer, FIRST_MS[timer], now_ms)
        self._send(transaction)
        return transaction

    def resume_client(
        self, request: Request, branch: str, destination: Address, user: str, now_ms: int
    ) -> Transaction:
        """Go on with an INVITE that was sent before a restart, as if it had been answered by 1xx.

        Nothing is sent.
        """
        key = f"c {branch} {request.method}"
        transaction = Transaction(
            key, Kind.CLIENT_INVITE, State.PROCEEDING, request, destination, user
        )
        self._transactions[key] = transaction
        self._start(transaction, Timer.C, FIRST_MS[Timer.B], now_ms)
        return transaction

    def receive_request(self, transaction: Transaction, request: Request, now_ms: int) -> None:
        """Take a repeated request, or the ACK to a final answer that was no 2xx."""
        happened = Input.ACK if request.method == "ACK" else Input.REQUEST
        self._advance(transaction, happened, now_ms)

    def respond(self, transaction: Transaction, response: Response, now_ms: int) -> None:
        """Send a response. One that the state does not allow is not sent."""
        happened = response_input(response.status)
        if (transaction.state, happened) in TABLES[transaction.kind]:
            transaction.payload = response.encode()
            self._advance(transaction, happened, now_ms)

    def send_again(self, transaction: Transaction) -> None:
        """Send the last response once more (a 2xx to INVITE is repeated by the layer above)."""
        self._send(transaction)

    def receive_response(self, response: Response, now_ms: int) -> Transaction | None:
        """Take a response; return the transaction if the layer above must see the response."""
        parsed = response.parsed
        transaction = self._transactions.get(f"c {parsed.via.branch} {parsed.method}")
        if transaction is None:
            return None
        step = self._advance(transaction, response_input(response.status), now_ms)
        if step is None:
            return None
        if step.acknowledge:
            payload = failure_ack(transaction.request, response).encode()
            self.send(payload, transaction.destination)
        return transaction if step.deliver else None

    def fire(self, key: str, timer: Timer, now_ms: int) -> Transaction | None:
        """Handle a due timer; return the transaction if it ended without what it waited for."""
        transaction = self._transactions.get(key)
        if transaction is None:
            return None
        last_ms = transaction.intervals.get(timer, 0)
        interval = next_interval_ms(timer, transaction.state, last_ms)
        step = self._advance(transaction, timer, now_ms)
        if step is None:
            return None
        if interval is not None and step.state is not State.TERMINATED:
            self._start(transaction, timer, interval, now_ms)
        return transaction if step.timed_out else None

    def send(self, payload: bytes, destination: Address) -> None:
        """Send a datagram that belongs to no transaction (ACK to 2xx, stateless answers)."""
        self.outbox.append(OutgoingDatagram(payload, destination))

    def hurry(self, transaction: Transaction, now_ms: int) -> None:
        """Wait no longer than 64 T1 for the final answer of an INVITE whose call has ended."""
        if transaction.state is State.PROCEEDING and Timer.C in transaction.intervals:
            self._start(transaction, Timer.C, FIRST_MS[Timer.B], now_ms)

    def forget(self, transaction: Transaction) -> None:
        """Drop a transaction and its timers."""
        for timer in transaction.intervals:
            self._timers.cancel((OWNER_PREFIX + transaction.key, timer))
        self._transactions.pop(transaction.key, None)
        if transaction.is_server:
            merge = merge_key(transaction.request)
            if self._merge_keys.get(merge) == transaction.key:
                del self._merge_keys[merge]

    def _advance(
        self, transaction: Transaction, happened: Input | Timer, now_ms: int
    ) -> Step | None:
        step = TABLES[transaction.kind].get((transaction.state, happened))
        if step is None:
            return None
        transaction.state = step.state
        if step.send:
            self._send(transaction)
        for timer in step.stop:
            transaction.intervals.pop(timer, None)
            self._timers.cancel((OWNER_PREFIX + transaction.key, timer))
        for timer in step.start:
            self._start(transaction, timer, FIRST_MS[timer], now_ms)
        if step.state is State.TERMINATED:
            self.forget(transaction)
        return step

    def _start(self, transaction: Transaction, timer: Timer, interval_ms: int, now_ms: int) -> None:
        transaction.intervals[timer] = interval_ms
        self._timers.set((OWNER_PREFIX + transaction.key, timer), now_ms + interval_ms)

    def _send(self, transaction: Transaction) -> None:
        if transaction.payload:
            self.send(transaction.payload, transaction.destination)


def server_key(request: Request, method: str | None = None) -> str:
    """Return the key by which repeats, ACK and CANCEL find their request (RFC 3261 17.2.3).

    The peer's host is part of it, so that another host cannot touch the transaction.
    """
    parsed = request.parsed
    via = parsed.via
    method = method or ("INVITE" if request.method == "ACK" else request.method)
    if via.branch.startswith(MAGIC_COOKIE) and len(via.branch) > len(MAGIC_COOKIE):
        return f"s {via.branch} {via.host}:{via.port} {method} {request.source[0]}"
    sender = parsed.sender.tag
    return f"o {parsed.call_id} {parsed.cseq} {sender} {via.host} {method} {request.source[0]}"


def merge_key(request: Request) -> str:
    """Return what two copies of a forked request have in common."""
    parsed = request.parsed
    return f"{parsed.call_id} {parsed.cseq} {request.method} {parsed.sender.tag}"


def response_address(request: Request) -> Address:
    """Return where responses go (RFC 3261 18.2.2 with RFC 3581; maddr is not followed)."""
    via = request.parsed.via if request.essentials else None
    if via is None or "rport" in via.parameters:
        return request.source
    return request.source[0], via.port or 5060


def failure_ack(invite: Request, response: Response) -> Request:
    """Return the ACK to a final response that is no 2xx (RFC 3261 17.1.1.3)."""
    headers = Headers()
    for name, value in invite.headers:
        if name in ("Via", "From", "Call-ID", "Route", "Max-Forwards"):
            headers.add(name, value)
    headers.add("To", response.headers.get("to") or invite.headers.get("to") or "")
    number = (invite.headers.get("cseq") or "1").split()[0]
    headers.add("CSeq", f"{number} ACK")
    return Request("ACK", invite.uri, headers)


def top_branch(request: Request) -> str:
    """Return the branch of a request that we made."""
    via = request.headers.get("via") or ""
    return parse_parameters(";" + via.partition(";")[2], "Via").get("branch", "")
