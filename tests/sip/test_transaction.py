"""Transactions by themselves: each timer, each absorption, and the tables' completeness."""

from __future__ import annotations

import pytest

from cordboard.sip.datagram import Address
from cordboard.sip.message import Headers, Request, Response, parse_datagram
from cordboard.sip.responses import make_response
from cordboard.sip.timers import TimerQueue
from cordboard.sip.transaction import OWNER_PREFIX, Transaction, TransactionLayer, server_key
from cordboard.sip.transaction_table import (
    START,
    T1_MS,
    T2_MS,
    T4_MS,
    TABLES,
    Kind,
    State,
    Timer,
)

THEM: Address = ("192.0.2.1", 5060)
HEAD = (
    "Via: SIP/2.0/UDP 192.0.2.1;branch={branch}\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\n"
    "Call-ID: c1\r\nCSeq: 1 {method}\r\n\r\n"
)


def incoming(method: str, branch: str = "z9hG4bKone", source: Address = THEM) -> Request:
    """Return a request of the peer."""
    text = f"{method} sip:b@h SIP/2.0\r\n" + HEAD.format(branch=branch, method=method)
    message = parse_datagram(text.encode(), source)
    assert isinstance(message, Request)
    return message


def answer(status: int, method: str) -> Response:
    """Return a response of the peer to our request."""
    text = f"SIP/2.0 {status} X\r\n" + HEAD.format(branch="z9hG4bKours", method=method)
    message = parse_datagram(text.encode())
    assert isinstance(message, Response)
    return message


class Bench:
    """A transaction layer with a clock."""

    def __init__(self) -> None:
        self.timers = TimerQueue()
        self.layer = TransactionLayer(self.timers)
        self.now_ms = 0
        self.timed_out: list[int] = []

    def client(self, method: str) -> Transaction:
        """Send a request of ours."""
        uri, headers = "sip:b@h", Headers([("Via", "SIP/2.0/UDP h;branch=z9hG4bKours")])
        headers.add("CSeq", f"1 {method}")
        request = Request(method, uri, headers)
        return self.layer.open_client(request, "z9hG4bKours", THEM, "", self.now_ms)

    def server(self, method: str, status: int) -> Transaction:
        """Take a request and answer it."""
        request = incoming(method)
        transaction = self.layer.open_server(request)
        self.layer.respond(transaction, make_response(request, status), self.now_ms)
        return transaction

    def sent(self, for_ms: int) -> list[int]:
        """Let time pass; return when something was sent."""
        end_ms = self.now_ms + for_ms
        self.layer.outbox.clear()
        times: list[int] = []
        while (deadline := self.timers.next_deadline()) and deadline.at_ms <= end_ms:
            self.now_ms = deadline.at_ms
            for owner, name in self.timers.due(self.now_ms):
                if self.layer.fire(owner.removeprefix(OWNER_PREFIX), Timer(name), self.now_ms):
                    self.timed_out.append(self.now_ms)
            times += [self.now_ms] * len(self.layer.outbox)
            self.layer.outbox.clear()
        self.now_ms = end_ms
        return times


def test_constants() -> None:
    """RFC 3261 table 4."""
    assert (T1_MS, T2_MS, T4_MS) == (500, 4_000, 5_000)


def test_timers_a_and_b() -> None:
    """INVITE again at T1, 3 T1, 7 T1 …; given up at 64 T1."""
    bench = Bench()
    bench.client("INVITE")
    assert bench.sent(40_000) == [500, 1_500, 3_500, 7_500, 15_500, 31_500]
    assert bench.timed_out == [32_000]
    assert len(bench.layer) == len(bench.timers) == 0


def test_timer_c() -> None:
    """An INVITE that got a provisional answer only does not live for ever."""
    bench = Bench()
    bench.client("INVITE")
    bench.layer.receive_response(answer(180, "INVITE"), 0)
    assert bench.sent(190_000) == []
    bench.layer.receive_response(answer(180, "INVITE"), bench.now_ms)
    bench.sent(199_000)
    assert bench.timed_out == []
    bench.sent(2_000)
    assert bench.timed_out == [390_000]


def test_timer_d() -> None:
    """A repeated refusal gets its ACK again for 32 s."""
    bench = Bench()
    bench.client("INVITE")
    assert bench.layer.receive_response(answer(486, "INVITE"), 0) is not None
    for _ in range(3):
        bench.layer.outbox.clear()
        assert bench.layer.receive_response(answer(486, "INVITE"), 0) is None
        assert bench.layer.outbox[0].payload.startswith(b"ACK ")
    bench.sent(31_999)
    assert len(bench.layer) == 1
    bench.sent(1)
    assert len(bench.layer) == len(bench.timers) == 0


def test_timers_e_and_f() -> None:
    """Any other request again, doubling to T2; given up at 64 T1."""
    bench = Bench()
    bench.client("BYE")
    expected = [500, 1_500, 3_500, *range(7_500, 32_000, 4_000)]
    assert bench.sent(40_000) == expected
    assert bench.timed_out == [32_000]


def test_timer_e_after_a_provisional_answer() -> None:
    """In Proceeding the request is repeated every T2."""
    bench = Bench()
    bench.client("BYE")
    bench.layer.receive_response(answer(100, "BYE"), 0)
    assert bench.sent(13_000) == [500, 4_500, 8_500, 12_500]


def test_timers_g_and_h() -> None:
    """A refusal again, doubling to T2; given up at 64 T1."""
    bench = Bench()
    bench.server("INVITE", 486)
    assert bench.sent(40_000) == [500, 1_500, 3_500, *range(7_500, 32_000, 4_000)]
    assert bench.timed_out == [32_000]
    assert len(bench.layer) == len(bench.timers) == 0


def test_timer_i() -> None:
    """After the ACK further ACKs are absorbed for T4."""
    bench = Bench()
    transaction = bench.server("INVITE", 486)
    bench.layer.receive_request(transaction, incoming("ACK"), 0)
    assert transaction.state is State.CONFIRMED
    assert bench.sent(4_999) == []
    assert len(bench.layer) == 1
    bench.sent(1)
    assert len(bench.layer) == len(bench.timers) == 0


def test_timer_j() -> None:
    """A repeated request gets the same answer for 64 T1."""
    bench = Bench()
    transaction = bench.server("BYE", 200)
    first = bench.layer.outbox[-1]
    bench.layer.receive_request(transaction, incoming("BYE"), 0)
    assert bench.layer.outbox[-1] == first
    bench.sent(31_999)
    assert len(bench.layer) == 1
    bench.sent(1)
    assert len(bench.layer) == 0


def test_timer_k() -> None:
    """Repeated answers to a request of ours are absorbed for T4."""
    bench = Bench()
    bench.client("BYE")
    assert bench.layer.receive_response(answer(200, "BYE"), 0) is not None
    assert bench.layer.receive_response(answer(200, "BYE"), 0) is None
    assert bench.sent(4_999) == []
    assert len(bench.layer) == 1
    bench.sent(1)
    assert len(bench.layer) == len(bench.timers) == 0


def test_timer_l() -> None:
    """RFC 6026: after a 2xx repeated INVITEs are absorbed for 64 T1."""
    bench = Bench()
    transaction = bench.server("INVITE", 200)
    bench.layer.outbox.clear()
    bench.layer.receive_request(transaction, incoming("INVITE"), 0)
    assert bench.layer.outbox == []
    assert bench.sent(31_999) == []
    assert len(bench.layer) == 1
    bench.sent(1)
    assert len(bench.layer) == 0


def test_timer_m() -> None:
    """RFC 6026: every further 2xx within 64 T1 is handed up."""
    bench = Bench()
    bench.client("INVITE")
    for _ in range(3):
        assert bench.layer.receive_response(answer(200, "INVITE"), 0) is not None
    bench.sent(32_000)
    assert bench.layer.receive_response(answer(200, "INVITE"), 32_000) is None


def test_no_answer_after_the_last() -> None:
    """A second final answer is not sent, nor a provisional one after it."""
    bench = Bench()
    transaction = bench.server("BYE", 200)
    bench.layer.outbox.clear()
    for status in (500, 200, 100):
        bench.layer.respond(transaction, make_response(transaction.request, status), 0)
    assert bench.layer.outbox == []


@pytest.mark.parametrize("kind", Kind)
def test_every_state_can_be_left(kind: Kind) -> None:
    """Each state a machine can reach has a way on, and each started timer is handled there."""
    table = TABLES[kind]
    state, timers = START[kind]
    reached = {state} | {step.state for step in table.values()}
    for each in reached - {State.TERMINATED}:
        assert any(at is each and step.state is not each for (at, _), step in table.items())
    for timer in timers:
        assert (state, timer) in table
    for step in table.values():
        for timer in step.start:
            assert (step.state, timer) in table


@pytest.mark.parametrize(
    ("branch", "source"),
    [("z9hG4bKtwo", THEM), ("z9hG4bKone", ("198.51.100.1", 5060))],
)
def test_what_makes_another_transaction(branch: str, source: Address) -> None:
    """Another branch, or another host, is another transaction."""
    assert server_key(incoming("INVITE")) != server_key(incoming("INVITE", branch, source))


def test_old_style_requests_are_matched_by_what_they_have() -> None:
    """Without the cookie the match is by Call-ID, CSeq and tag (RFC 3261 17.2.3)."""
    assert server_key(incoming("INVITE", "old")) == server_key(incoming("ACK", "old"))
    assert server_key(incoming("INVITE", "old")) != server_key(incoming("BYE", "old"))
