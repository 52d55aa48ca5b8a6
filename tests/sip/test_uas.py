"""Calls that come in: answers, retransmissions, CANCEL, ACK and their absence."""

from __future__ import annotations

import pytest

from cordboard.sip.config import Allow, Drop, Refuse, UserAgentConfig, Verdict
from cordboard.sip.events import CallConfirmed, CallEnded, CallOffered, EndedBy
from cordboard.sip.message import Request, Response
from tests.sip.link import SDP
from tests.sip.peer import THEM, US, Peer


def test_trying_goes_out_at_once() -> None:
    """An INVITE is answered with 100 at once and offered with all that routing needs."""
    peer = Peer()
    assert peer.statuses(peer.request("INVITE", body=SDP, extra="X-Trunk: t1\r\n")) == [100]
    offered = peer.events(CallOffered)[0]
    assert (offered.from_user, offered.to_user, offered.request_user) == ("ann", "100", "100")
    assert (offered.display_name, offered.source, offered.sdp_offer) == ("Ann", THEM, SDP)
    assert offered.headers == {"x-trunk": "t1"}


def test_repeated_invite_makes_no_second_call() -> None:
    """An INVITE sent ten times before and after the answer is one call (R29)."""
    peer = Peer()
    handle = peer.offer()
    for _ in range(10):
        again = peer.request("INVITE", body=SDP, branch="z9hG4bKinvite")
        assert peer.statuses(again) == [100]
    peer.agent.calls.ring(handle, 0)
    peer.take()
    assert peer.statuses(peer.request("INVITE", body=SDP, branch="z9hG4bKinvite")) == [180]
    peer.agent.calls.answer(handle, SDP, 0)
    peer.learn_tag(peer.take())
    for _ in range(10):
        peer.request("INVITE", body=SDP, branch="z9hG4bKinvite", to_tag="")
    assert len(peer.events(CallOffered)) == 1


def test_merged_request_gets_482() -> None:
    """The same INVITE by a second path is refused with 482 (RFC 3261 8.2.2.2)."""
    peer = Peer()
    peer.offer()
    merged = peer.request("INVITE", body=SDP, branch="z9hG4bKother")
    assert peer.statuses(merged) == [482]
    assert len(peer.events(CallOffered)) == 1


def test_answer_is_repeated_until_ack() -> None:
    """The 200 is sent again after T1, doubling to T2 (RFC 3261 13.3.1.4), and ACK stops it."""
    peer = Peer()
    handle = peer.offer()
    peer.agent.calls.answer(handle, SDP, 0)
    peer.learn_tag(peer.take())
    assert peer.wait(12_000) == [(at, 200) for at in (500, 1_500, 3_500, 7_500, 11_500)]
    peer.request("ACK")
    assert peer.wait(10_000) == []
    assert len(peer.events(CallConfirmed)) == 1
    peer.request("ACK")
    assert len(peer.events(CallConfirmed)) == 1


def test_ack_of_another_number_confirms_nothing() -> None:
    """An ACK whose CSeq is not the INVITE's is stray."""
    peer = Peer()
    handle = peer.offer()
    peer.agent.calls.answer(handle, SDP, 0)
    peer.learn_tag(peer.take())
    peer.request("ACK", 9)
    assert peer.events(CallConfirmed) == []
    assert peer.wait(500) == [(500, 200)]


def test_missing_ack_ends_the_call_with_bye() -> None:
    """Without ACK the 200 is repeated for 64 T1; then BYE goes out and the call has ended."""
    peer = Peer()
    handle = peer.offer()
    peer.agent.calls.answer(handle, SDP, 0)
    peer.learn_tag(peer.take())
    sent = peer.wait(32_000)
    assert sent[-1] == (32_000, "BYE")
    assert [name for _, name in sent[:-1]] == [200] * 10
    assert peer.events(CallEnded)[0].by is EndedBy.NO_ACK
    peer.assert_idle()


def test_hang_up_before_ack_waits_for_it() -> None:
    """BYE may not precede the ACK (RFC 3261 15): it follows at once when the ACK comes."""
    peer = Peer()
    handle = peer.offer()
    peer.agent.calls.answer(handle, SDP, 0)
    peer.learn_tag(peer.take())
    assert peer.agent.calls.hang_up(handle, 0)
    assert peer.take() == []
    assert peer.events(CallEnded)[0].by is EndedBy.LOCAL
    assert peer.statuses(peer.request("ACK")) == ["BYE"]
    assert peer.events(CallConfirmed) == []
    peer.assert_idle()


def test_hang_up_before_a_lost_ack_says_bye_after_32_s() -> None:
    """If the ACK never comes, BYE goes out when waiting for it ends."""
    peer = Peer()
    handle = peer.offer()
    peer.agent.calls.answer(handle, SDP, 0)
    peer.learn_tag(peer.take())
    peer.agent.calls.hang_up(handle, 0)
    assert peer.wait(32_000)[-1] == (32_000, "BYE")
    assert len(peer.events(CallEnded)) == 1
    peer.assert_idle()


def test_cancel_before_the_answer() -> None:
    """CANCEL gets 200, its INVITE 487, and the call has ended by the peer."""
    peer = Peer()
    peer.offer()
    replies = peer.request("CANCEL", branch="z9hG4bKinvite")
    assert peer.statuses(replies) == [200, 487]
    assert [event.status for event in peer.events(CallEnded)] == [487]
    assert peer.events(CallEnded)[0].by is EndedBy.REMOTE
    assert peer.statuses(peer.request("CANCEL", branch="z9hG4bKinvite")) == [200]
    peer.assert_idle()


def test_cancel_crossing_the_answer_changes_nothing() -> None:
    """CANCEL after our 200 is answered with 200 and has no effect (RFC 3261 9.2)."""
    peer = Peer()
    handle = peer.offer()
    peer.agent.calls.answer(handle, SDP, 0)
    peer.learn_tag(peer.take())
    assert peer.statuses(peer.request("CANCEL", branch="z9hG4bKinvite", to_tag="")) == [200]
    peer.request("ACK")
    assert len(peer.events(CallConfirmed)) == 1
    assert peer.events(CallEnded) == []


def test_cancel_of_nothing_gets_481() -> None:
    """A CANCEL whose INVITE is not known is answered with 481."""
    peer = Peer()
    assert peer.statuses(peer.request("CANCEL")) == [481]


def test_cancel_of_another_host_is_not_obeyed() -> None:
    """A CANCEL with the right branch from another host does not touch the call (R26)."""
    peer = Peer()
    peer.offer()
    spoofed = peer.request("CANCEL", branch="z9hG4bKinvite", source=("198.51.100.9", 5062))
    assert peer.statuses(spoofed) == [481]
    assert peer.events(CallEnded) == []


def test_refusal_is_repeated_until_ack() -> None:
    """Timers G and H: a refusal is sent again, doubling to T2, for 64 T1 (RFC 3261 17.2.1)."""
    peer = Peer()
    handle = peer.offer()
    peer.agent.calls.reject(handle, 503, 0, headers=(("Retry-After", "7"),))
    refused = peer.take()
    assert refused[0].headers.get("retry-after") == "7"
    sent = peer.wait(40_000)
    assert [at for at, _ in sent][:5] == [500, 1_500, 3_500, 7_500, 11_500]
    assert {name for _, name in sent} == {503}
    assert sent[-1][0] < 32_000
    peer.assert_idle()


def test_refusal_is_quiet_after_ack() -> None:
    """The ACK of a refusal ends its repetition; timer I keeps absorbing for T4."""
    peer = Peer()
    handle = peer.offer()
    peer.agent.calls.reject(handle, 486, 0)
    peer.learn_tag(peer.take())
    assert peer.request("ACK", branch="z9hG4bKinvite") == []
    assert peer.agent.counts()["transactions"] == 1
    assert peer.wait(4_999) == []
    peer.wait(1)
    assert peer.agent.counts()["transactions"] == 0


def test_offerless_invite_takes_the_answer_from_ack() -> None:
    """Our offer is in the 200 and the peer's answer in the ACK."""
    peer = Peer()
    peer.call(body=b"")
    assert peer.events(CallOffered)[0].sdp_offer is None
    assert peer.events(CallConfirmed)[0].sdp_answer == SDP


def test_ringing_has_a_limit() -> None:
    """A call that nobody decides is refused after the ringing limit (R29: 60 s)."""
    peer = Peer()
    peer.offer()
    assert (60_000, 480) in peer.wait(61_000)
    assert peer.events(CallEnded)[0].by is EndedBy.TIMEOUT


def test_bye_before_the_answer() -> None:
    """BYE in an early dialog gets 200, and the INVITE 487."""
    peer = Peer()
    handle = peer.offer()
    peer.agent.calls.ring(handle, 0)
    peer.learn_tag(peer.take())
    assert peer.statuses(peer.request("BYE", 2)) == [200, 487]
    assert len(peer.events(CallEnded)) == 1
    peer.assert_idle()


def test_bye_before_ack() -> None:
    """BYE instead of ACK ends the call and stops our repeated 200."""
    peer = Peer()
    handle = peer.offer()
    peer.agent.calls.answer(handle, SDP, 0)
    peer.learn_tag(peer.take())
    assert peer.statuses(peer.request("BYE", 2)) == [200]
    assert peer.wait(60_000) == []
    peer.assert_idle()


def test_too_many_legs_get_503() -> None:
    """Beyond ``max_legs`` an INVITE is refused with Retry-After and leaves nothing."""
    peer = Peer(UserAgentConfig(US, max_legs=0))
    refused = peer.request("INVITE", body=SDP)
    assert peer.statuses(refused) == [503]
    assert refused[0].headers.get("retry-after")
    assert peer.agent.counts()["transactions"] == 0


@pytest.mark.parametrize(
    ("verdict", "statuses"),
    [
        (Allow("trunk-1"), [100]),
        (Drop(), []),
        (Refuse(404), [404]),
        (Refuse(401, "", (("WWW-Authenticate", 'Digest realm="r"'),)), [401]),
    ],
)
def test_the_hook_decides_before_any_state(verdict: Verdict, statuses: list[int]) -> None:
    """Nothing is kept of a request that ``authorise`` does not allow."""
    asked: list[Request] = []

    def authorise(request: Request, now_ms: int) -> Verdict:
        asked.append(request)
        return verdict

    peer = Peer(UserAgentConfig(US, authorise=authorise))
    assert peer.statuses(peer.request("INVITE", body=SDP)) == statuses
    assert asked[0].source == THEM
    assert [offer.label for offer in peer.events(CallOffered)] == ["trunk-1"] * (statuses == [100])
    assert bool(peer.agent.counts()["legs"]) is isinstance(verdict, Allow)


def test_unknown_source_meets_silence() -> None:
    """No request of a source that is not accepted is answered, not even a broken one."""
    peer = Peer(UserAgentConfig(US, accepts_source=lambda source, now_ms: False))
    assert peer.request("INVITE", body=SDP) == []
    assert peer.request("OPTIONS") == []
    assert peer.request("BYE", to_tag="x") == []
    assert peer.request("CANCEL") == []
    assert peer.request("OPTIONS", extra="Content-Length: 7\r\n") == []


def test_response_goes_where_the_request_came_from() -> None:
    """With rport the answer goes to the source and tells it (RFC 3581)."""
    peer = Peer()
    peer.agent.receive(
        b"OPTIONS sip:x@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.1.1.1:9;branch=z9hG4bK1;rport\r\n"
        b"From: <sip:a@b>;tag=1\r\nTo: <sip:x@192.0.2.2>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n",
        ("198.51.100.7", 777),
        0,
    )
    sent = peer.agent.datagrams_to_send()[0]
    assert sent.destination == ("198.51.100.7", 777)
    assert b"received=198.51.100.7;rport=777" in sent.payload


def test_response_goes_to_sent_by_port_without_rport() -> None:
    """Without rport the port is the Via's, or 5060 (RFC 3261 18.2.2)."""
    peer = Peer()
    peer.agent.receive(
        b"OPTIONS sip:x@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1\r\n"
        b"From: <sip:a@b>;tag=1\r\nTo: <sip:x@192.0.2.2>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n",
        ("198.51.100.7", 777),
        0,
    )
    assert peer.agent.datagrams_to_send()[0].destination == ("198.51.100.7", 5060)


def test_commands_that_come_too_late_return_false() -> None:
    """A command to a call that is gone, or in another state, does nothing."""
    peer = Peer()
    handle = peer.offer()
    peer.request("CANCEL", branch="z9hG4bKinvite")
    calls = peer.agent.calls
    assert not calls.ring(handle, 0)
    assert not calls.answer(handle, SDP, 0)
    assert not calls.reject(handle, 486, 0)
    assert not calls.hang_up(handle, 0)
    assert calls.dialog(handle) is None


def test_answer_has_what_a_dialog_needs() -> None:
    """The 200 has Contact, Allow, the Record-Routes in order and the body."""
    peer = Peer()
    handle = peer.offer(extra="Record-Route: <sip:192.0.2.1:5062;lr>, <sip:p2.example;lr>\r\n")
    peer.agent.calls.answer(handle, SDP, 0)
    answer = peer.take()[-1]
    assert isinstance(answer, Response)
    assert answer.headers.get("record-route") == "<sip:192.0.2.1:5062;lr>, <sip:p2.example;lr>"
    assert answer.contacts()[0].uri == "sip:192.0.2.2:5060"
    assert "UPDATE" in (answer.headers.get("allow") or "")
    assert answer.body == SDP
