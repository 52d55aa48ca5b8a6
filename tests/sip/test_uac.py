"""Calls that we place: retransmission, forks, CANCEL races, challenges."""

from __future__ import annotations

import pytest

from cordboard.sip.digest import Credentials
from cordboard.sip.events import CallAnswered, CallEnded, CallProgressed, EndedBy, RequestAnswered
from cordboard.sip.fields import BadField
from cordboard.sip.message import Request, Response
from cordboard.sip.uac import Invitation
from tests.sip.link import SDP
from tests.sip.peer import THEM, Peer

CONTACT = "Contact: <sip:100@192.0.2.1:5062>\r\n"


def place(peer: Peer, credentials: Credentials | None = None) -> tuple[str, Request]:
    """Place a call; return its handle and the INVITE."""
    invitation = Invitation(
        "sip:100@192.0.2.1", "sip:us@192.0.2.2", THEM, SDP, credentials=credentials
    )
    handle = peer.agent.calls.invite(invitation, peer.now_ms)
    return handle, request(peer.take())


def request(messages: list[Request | Response], method: str = "INVITE") -> Request:
    """Return the one request of that method."""
    found = [each for each in messages if isinstance(each, Request) and each.method == method]
    assert len(found) == 1
    return found[0]


def test_invite_is_repeated_and_given_up() -> None:
    """Timers A and B: doubling without bound, given up after 64 T1 (RFC 3261 17.1.1.2)."""
    peer = Peer()
    place(peer)
    assert [at for at, _ in peer.wait(40_000)] == [500, 1_500, 3_500, 7_500, 15_500, 31_500]
    ended = peer.events(CallEnded)[0]
    assert (ended.by, ended.status) == (EndedBy.TIMEOUT, 408)
    peer.assert_idle()


def test_provisional_answer_stops_repetition() -> None:
    """After 1xx the INVITE is not sent again; early media is reported."""
    peer = Peer()
    handle, invite = place(peer)
    peer.respond(invite, 100)
    peer.respond(invite, 183, tag="t1", body=SDP)
    assert peer.wait(30_000) == []
    assert peer.events(CallProgressed) == [CallProgressed(handle, 183, "Whatever", SDP)]


def test_answer_is_acknowledged_each_time() -> None:
    """Each repeat of the 2xx gets the same ACK; the call is answered once."""
    peer = Peer()
    handle, invite = place(peer)
    for _ in range(3):
        replies = peer.respond(invite, 200, tag="t1", extra=CONTACT, body=SDP)
        assert peer.statuses(replies) == ["ACK"]
    assert peer.events(CallAnswered) == [CallAnswered(handle, SDP)]


def test_further_fork_is_hung_up() -> None:
    """A second 2xx with another tag gets ACK and BYE; the first call goes on (R29)."""
    peer = Peer()
    _, invite = place(peer)
    peer.respond(invite, 180, tag="t2")
    peer.respond(invite, 200, tag="t1", extra=CONTACT, body=SDP)
    replies = peer.respond(invite, 200, tag="t2", extra=CONTACT, body=SDP)
    assert peer.statuses(replies) == ["ACK", "BYE"]
    assert request(replies, "BYE").parsed.recipient.tag == "t2"
    assert len(peer.events(CallAnswered)) == 1
    assert peer.events(CallEnded) == []


def test_refusal_is_acknowledged_and_reported() -> None:
    """A refusal gets its ACK on the INVITE's branch and ends the call with its status."""
    peer = Peer()
    _, invite = place(peer)
    replies = peer.respond(invite, 486, tag="t1")
    ack = request(replies, "ACK")
    assert ack.parsed.via.branch == invite.parsed.via.branch
    assert ack.parsed.recipient.tag == "t1"
    assert peer.statuses(peer.respond(invite, 486, tag="t1")) == ["ACK"]
    ended = peer.events(CallEnded)[0]
    assert (ended.by, ended.status) == (EndedBy.REMOTE, 486)
    peer.assert_idle()


def test_cancel_waits_for_a_provisional_answer() -> None:
    """CANCEL may go only after 1xx (RFC 3261 9.1); then the INVITE gets 487."""
    peer = Peer()
    handle, invite = place(peer)
    peer.agent.calls.hang_up(handle, 0)
    assert peer.take() == []
    cancel = request(peer.respond(invite, 180, tag="t1"), "CANCEL")
    assert cancel.parsed.via.branch == invite.parsed.via.branch
    assert cancel.parsed.cseq == invite.parsed.cseq
    peer.respond(cancel, 200)
    assert peer.statuses(peer.respond(invite, 487, tag="t1")) == ["ACK"]
    assert [event.by for event in peer.events(CallEnded)] == [EndedBy.LOCAL]
    peer.assert_idle()


def test_answer_crossing_cancel_is_hung_up() -> None:
    """A 200 that crosses our CANCEL is acknowledged and ended by BYE (R29)."""
    peer = Peer()
    handle, invite = place(peer)
    peer.respond(invite, 180, tag="t1")
    peer.agent.calls.hang_up(handle, 0)
    request(peer.take(), "CANCEL")
    replies = peer.respond(invite, 200, tag="t1", extra=CONTACT, body=SDP)
    assert peer.statuses(replies) == ["ACK", "BYE"]
    assert peer.events(CallAnswered) == []
    assert len(peer.events(CallEnded)) == 1
    peer.assert_idle()


def test_no_final_response_after_cancel() -> None:
    """A peer that never ends a cancelled INVITE is forgotten after 64 T1."""
    peer = Peer()
    handle, invite = place(peer)
    peer.respond(invite, 180, tag="t1")
    peer.agent.calls.hang_up(handle, 0)
    peer.wait(33_000)
    assert not any(peer.agent.counts().values())
    assert len(peer.events(CallEnded)) == 1


def test_ringing_limit_cancels() -> None:
    """A call that rings for longer than its limit is cancelled."""
    peer = Peer()
    _, invite = place(peer)
    peer.respond(invite, 180, tag="t1")
    assert (60_000, "CANCEL") in peer.wait(60_000)
    assert peer.events(CallEnded)[0].by is EndedBy.TIMEOUT
    peer.assert_idle()


@pytest.mark.parametrize("status", [401, 407])
def test_challenge_is_answered_once(status: int) -> None:
    """The INVITE is repeated with credentials, a higher CSeq and the same Call-ID; once."""
    peer = Peer()
    kind = "WWW" if status == 401 else "Proxy"
    challenge = f'{kind}-Authenticate: Digest realm="r", nonce="n1", qop="auth"\r\n'
    _, invite = place(peer, Credentials("us", "secret", "r"))
    replies = peer.respond(invite, status, tag="t1", extra=challenge)
    again = request(replies)
    name = "authorization" if status == 401 else "proxy-authorization"
    assert 'username="us"' in (again.headers.get(name) or "")
    assert again.parsed.cseq == invite.parsed.cseq + 1
    assert again.parsed.call_id == invite.parsed.call_id
    assert again.parsed.via.branch != invite.parsed.via.branch
    peer.respond(again, status, tag="t2", extra=challenge)
    assert peer.events(CallEnded)[0].status == status
    peer.assert_idle()


def test_challenge_of_another_realm_is_not_answered() -> None:
    """Credentials answer only their own realm (R25)."""
    peer = Peer()
    _, invite = place(peer, Credentials("us", "secret", "ours"))
    challenge = 'WWW-Authenticate: Digest realm="theirs", nonce="n1"\r\n'
    assert peer.statuses(peer.respond(invite, 401, tag="t1", extra=challenge)) == ["ACK"]
    assert peer.events(CallEnded)[0].status == 401


def test_reinvite_of_ours() -> None:
    """Our re-INVITE is acknowledged and its answer reported; 491 is reported as such."""
    peer = Peer()
    handle, invite = place(peer)
    peer.respond(invite, 200, tag="t1", extra=CONTACT, body=SDP)
    assert peer.agent.requests.reinvite(handle, SDP, 0)
    first = request(peer.take())
    assert peer.statuses(peer.respond(first, 491)) == ["ACK"]
    assert peer.agent.requests.reinvite(handle, SDP, 0)
    second = request(peer.take())
    for _ in range(2):
        replies = peer.respond(second, 200, extra=CONTACT, body=SDP)
        assert request(replies, "ACK").parsed.cseq == second.parsed.cseq
    assert [event.status for event in peer.events(RequestAnswered)] == [491, 200]


def test_reinvite_without_answer_ends_the_call() -> None:
    """408 or 481 to a request inside a call ends the call (RFC 3261 12.2.1.2)."""
    peer = Peer()
    handle, invite = place(peer)
    peer.respond(invite, 200, tag="t1", extra=CONTACT, body=SDP)
    peer.agent.requests.reinvite(handle, SDP, 0)
    peer.take()
    assert (32_000, "BYE") in peer.wait(33_000)
    assert len(peer.events(CallEnded)) == 1
    peer.assert_idle()


def test_route_set_of_the_answer_is_used_in_reverse() -> None:
    """Record-Route of the 2xx becomes our route, last first (RFC 3261 12.1.2)."""
    peer = Peer()
    handle, invite = place(peer)
    routes = "Record-Route: <sip:p2.example;lr>\r\nRecord-Route: <sip:p1.example;lr>\r\n"
    peer.respond(invite, 200, tag="t1", extra=CONTACT + routes, body=SDP)
    peer.agent.calls.hang_up(handle, 0)
    bye = request(peer.take(), "BYE")
    assert bye.headers.every("route") == ["<sip:p1.example;lr>", "<sip:p2.example;lr>"]
    assert bye.uri == "sip:100@192.0.2.1:5062"


def test_requests_never_go_to_a_third_party() -> None:
    """Whatever Contact and Record-Route say, we send to the trunk's host only."""
    peer = Peer()
    handle, invite = place(peer)
    elsewhere = "Contact: <sip:x@198.51.100.66:53>\r\nRecord-Route: <sip:198.51.100.67;lr>\r\n"
    peer.respond(invite, 200, tag="t1", extra=elsewhere, body=SDP)
    peer.agent.calls.hang_up(handle, 0)
    assert {each.destination for each in peer.agent.datagrams_to_send()} == {THEM}


def test_response_by_another_via_is_dropped() -> None:
    """A response whose topmost Via is not ours was not meant for us (RFC 3261 18.1.2)."""
    peer = Peer()
    _, invite = place(peer)
    answer = (
        f"SIP/2.0 486 Busy\r\nVia: SIP/2.0/UDP 192.0.2.99;branch={invite.parsed.via.branch}\r\n"
        f"From: {invite.headers.get('from')}\r\nTo: {invite.headers.get('to')};tag=t\r\n"
        f"Call-ID: {invite.parsed.call_id}\r\nCSeq: 1 INVITE\r\n\r\n"
    )
    peer.agent.receive(answer.encode(), THEM, 0)
    assert peer.take() == []
    assert peer.events(CallEnded) == []


def test_line_breaks_cannot_be_smuggled_in() -> None:
    """Text with a line break in it is refused before anything is sent."""
    peer = Peer()
    with pytest.raises(BadField):
        peer.agent.calls.invite(Invitation("sip:1@h\r\nX: y", "sip:us@192.0.2.2", THEM, SDP), 0)
    assert peer.take() == []
