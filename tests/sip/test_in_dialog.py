"""Requests of the peer inside a call."""

from __future__ import annotations

import random

import pytest

from cordboard.sip.config import UserAgentConfig
from cordboard.sip.datagram import Address
from cordboard.sip.events import (
    CallEnded,
    CallReleased,
    DialogChanged,
    DigitPressed,
    EndedBy,
    InfoReceived,
    RefreshReceived,
    ReinviteConfirmed,
    ReinviteReceived,
    TransferProgressed,
)
from cordboard.sip.message import Response
from tests.counts import count
from tests.sip.link import SDP
from tests.sip.peer import US, Peer


def test_bye_ends_the_call_once() -> None:
    """BYE gets 200, its repeat the same 200, a new one 481."""
    peer = Peer()
    peer.call()
    assert peer.statuses(peer.request("BYE", 2, branch="z9hG4bKbye")) == [200]
    assert peer.statuses(peer.request("BYE", 2, branch="z9hG4bKbye")) == [200]
    assert peer.statuses(peer.request("BYE", 3)) == [481]
    assert [event.by for event in peer.events(CallEnded)] == [EndedBy.REMOTE]
    peer.assert_idle()


def test_bye_crossing_ours() -> None:
    """Two BYEs that cross are both answered, and the call ends once."""
    peer = Peer()
    handle = peer.call()
    peer.agent.calls.hang_up(handle, 0)
    assert peer.statuses(peer.take()) == ["BYE"]
    assert peer.statuses(peer.request("BYE", 2)) == [200]
    assert len(peer.events(CallEnded)) == 1
    peer.assert_idle()


def test_bye_without_answer_is_repeated_and_given_up() -> None:
    """Timers E and F: BYE is repeated, doubling to T2, for 64 T1; then the leg is released."""
    peer = Peer()
    handle = peer.call()
    peer.agent.calls.hang_up(handle, 0)
    peer.take()
    sent = peer.wait(40_000)
    assert [at for at, _ in sent][:5] == [500, 1_500, 3_500, 7_500, 11_500]
    assert max(at for at, _ in sent) < 32_000
    peer.assert_idle()


def test_challenge_to_our_bye_is_not_answered() -> None:
    """A challenge inside a call that came in gets no credentials (R25)."""
    peer = Peer()
    handle = peer.call()
    peer.agent.calls.hang_up(handle, 0)
    bye = peer.take()[0]
    assert not isinstance(bye, Response)
    challenge = 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"\r\n'
    assert peer.respond(bye, 401, extra=challenge) == []
    peer.assert_idle()


def test_reinvite_is_answered_and_confirmed() -> None:
    """A re-INVITE is offered, answered, repeated until ACK, and then confirmed."""
    peer = Peer()
    handle = peer.call()
    assert peer.statuses(peer.request("INVITE", 2, body=SDP)) == [100]
    assert peer.events(ReinviteReceived) == [ReinviteReceived(handle, SDP)]
    assert peer.agent.requests.answer_reinvite(handle, SDP, 0)
    assert peer.statuses(peer.take()) == [200]
    assert peer.wait(500) == [(500, 200)]
    peer.request("ACK", 2)
    assert peer.events(ReinviteConfirmed) == [ReinviteConfirmed(handle, None)]
    assert peer.wait(5_000) == []


def test_offerless_reinvite() -> None:
    """A re-INVITE without SDP gets our offer; the answer is in the ACK."""
    peer = Peer()
    handle = peer.call()
    peer.request("INVITE", 2)
    peer.agent.requests.answer_reinvite(handle, SDP, 0)
    assert peer.take()[-1].body == SDP
    peer.request("ACK", 2, body=SDP)
    assert peer.events(ReinviteConfirmed)[0].sdp_answer == SDP


def test_rejected_reinvite_leaves_the_call() -> None:
    """488 to a re-INVITE keeps the call as it was."""
    peer = Peer()
    handle = peer.call()
    peer.request("INVITE", 2, body=SDP, branch="z9hG4bKre")
    assert peer.agent.requests.reject_reinvite(handle, 488, 0)
    assert peer.statuses(peer.take()) == [488]
    peer.request("ACK", 2, branch="z9hG4bKre")
    assert peer.events(CallEnded) == []


def test_second_reinvite_while_one_is_pending_gets_500() -> None:
    """With Retry-After, as RFC 3261 14.2 says."""
    peer = Peer()
    peer.call()
    peer.request("INVITE", 2, body=SDP)
    refused = peer.request("INVITE", 3, body=SDP)
    assert peer.statuses(refused) == [100, 500]
    assert refused[-1].headers.get("retry-after")


def test_reinvite_glare_gets_491() -> None:
    """A re-INVITE that crosses ours is refused with 491 (RFC 3261 14.2)."""
    peer = Peer()
    handle = peer.call()
    assert peer.agent.requests.reinvite(handle, SDP, 0)
    peer.take()
    assert peer.statuses(peer.request("INVITE", 2, body=SDP)) == [100, 491]
    assert peer.events(ReinviteReceived) == []


def test_reinvite_that_nobody_answers_gets_500() -> None:
    """We never leave a re-INVITE without a final answer."""
    peer = Peer()
    peer.call()
    peer.request("INVITE", 2, body=SDP)
    assert (32_000, 500) in peer.wait(32_000)


def test_cancelled_reinvite_keeps_the_call() -> None:
    """CANCEL of a pending re-INVITE gets 200 and 487; the call goes on."""
    peer = Peer()
    handle = peer.call()
    peer.request("INVITE", 2, body=SDP, branch="z9hG4bKre")
    assert peer.statuses(peer.request("CANCEL", 2, branch="z9hG4bKre")) == [200, 487]
    assert peer.events(CallEnded) == []
    assert not peer.agent.requests.answer_reinvite(handle, SDP, 0)


def test_reinvite_without_ack_ends_the_call() -> None:
    """No ACK to the 200 of a re-INVITE means BYE after 64 T1."""
    peer = Peer()
    handle = peer.call()
    peer.request("INVITE", 2, body=SDP)
    peer.agent.requests.answer_reinvite(handle, SDP, 0)
    assert peer.wait(32_000)[-1] == (32_000, "BYE")
    assert peer.events(CallEnded)[0].by is EndedBy.NO_ACK
    peer.assert_idle()


def test_bye_answers_a_pending_reinvite() -> None:
    """BYE of the peer leaves none of its requests without an answer (RFC 3261 15.1.2)."""
    peer = Peer()
    peer.call()
    peer.request("INVITE", 2, body=SDP)
    assert peer.statuses(peer.request("BYE", 3)) == [200, 487]
    peer.assert_idle()


def test_one_change_at_a_time() -> None:
    """While a re-INVITE of either side is open we send none."""
    peer = Peer()
    handle = peer.call()
    assert peer.agent.requests.reinvite(handle, SDP, 0)
    assert not peer.agent.requests.reinvite(handle, SDP, 0)
    other = Peer()
    handle = other.call()
    other.request("INVITE", 2, body=SDP)
    assert not other.agent.requests.reinvite(handle, SDP, 0)


def test_hang_up_does_not_wait_for_our_own_reinvite() -> None:
    """A re-INVITE that hangs at 100 is forgotten 64 T1 after the call (R29: freed in 40 s)."""
    peer = Peer()
    handle = peer.call()
    peer.agent.requests.reinvite(handle, SDP, 0)
    invite = peer.take()[0]
    assert not isinstance(invite, Response)
    peer.respond(invite, 100)
    peer.agent.calls.hang_up(handle, 0)
    bye = peer.take()[0]
    assert not isinstance(bye, Response)
    peer.respond(bye, 200)
    peer.wait(40_000)
    assert not any(peer.agent.counts().values())


def test_hang_up_answers_a_pending_reinvite() -> None:
    """A re-INVITE under decision gets 487 before our BYE."""
    peer = Peer()
    handle = peer.call()
    peer.request("INVITE", 2, body=SDP)
    peer.agent.calls.hang_up(handle, 0)
    assert peer.statuses(peer.take()) == [487, "BYE"]
    peer.assert_idle()


def test_reinvite_moves_the_remote_target() -> None:
    """A new Contact is where later requests are addressed, and the shell is told to store it."""
    peer = Peer()
    peer.contact = "sip:moved@192.0.2.1:5099"
    handle = peer.call()
    peer.contact = "sip:ann@192.0.2.1:5062"
    peer.request("INVITE", 2, body=SDP)
    assert peer.events(DialogChanged)[0].dialog["remote_target"] == peer.contact
    peer.agent.calls.hang_up(handle, 0)
    bye = peer.take()[-1]
    assert not isinstance(bye, Response)
    assert bye.uri == peer.contact


def test_update_without_sdp_refreshes() -> None:
    """UPDATE without SDP is answered at once and reported as a refresh (RFC 3311)."""
    peer = Peer()
    handle = peer.call()
    assert peer.statuses(peer.request("UPDATE", 2)) == [200]
    assert peer.events(RefreshReceived) == [RefreshReceived(handle)]


def test_update_with_sdp_is_a_change() -> None:
    """UPDATE with an offer is decided like a re-INVITE, without ACK."""
    peer = Peer()
    handle = peer.call()
    assert peer.request("UPDATE", 2, body=SDP) == []
    assert peer.agent.requests.answer_reinvite(handle, SDP, 0)
    answer = peer.take()[0]
    assert isinstance(answer, Response)
    assert (answer.status, answer.body) == (200, SDP)
    assert peer.wait(40_000) == []


@pytest.mark.parametrize(
    ("kind", "body", "digit", "duration_ms"),
    [
        ("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n", "5", 160),
        ("application/dtmf-relay", b"Signal= *\r\nDuration= 100", "*", 100),
        ("application/dtmf-relay", b"Signal=11\n", "#", 0),
        ("application/dtmf", b"7", "7", 0),
        ("Application/DTMF", b" d\r\n", "D", 0),
    ],
)
def test_digits_by_info(kind: str, body: bytes, digit: str, duration_ms: int) -> None:
    """Both INFO forms of a digit become one event."""
    peer = Peer()
    handle = peer.call()
    replies = peer.request("INFO", 2, body=body, extra=f"Content-Type: {kind}\r\n")
    assert peer.statuses(replies) == [200]
    assert peer.events(DigitPressed) == [DigitPressed(handle, digit, duration_ms)]


@pytest.mark.parametrize("body", [b"", b"Signal=", b"Signal=99", b"\xff", b"Signal=flash"])
def test_bad_digits_by_info_are_ignored(body: bytes) -> None:
    """INFO that should be a digit and is none is answered and forgotten."""
    peer = Peer()
    peer.call()
    extra = "Content-Type: application/dtmf-relay\r\n"
    assert peer.statuses(peer.request("INFO", 2, body=body, extra=extra)) == [200]
    assert peer.events(DigitPressed) == []


def test_other_info_is_handed_up() -> None:
    """INFO of any other type is reported with its body."""
    peer = Peer()
    handle = peer.call()
    peer.request("INFO", 2, body=b"<x/>", extra="Content-Type: application/media_control+xml\r\n")
    assert peer.events(InfoReceived) == [
        InfoReceived(handle, "application/media_control+xml", b"<x/>")
    ]


def test_repeated_info_is_one_digit() -> None:
    """A retransmitted INFO is answered again and pressed once."""
    peer = Peer()
    peer.call()
    for _ in range(3):
        replies = peer.request(
            "INFO", 2, body=b"5", extra="Content-Type: application/dtmf\r\n", branch="z9hG4bKinfo"
        )
        assert peer.statuses(replies) == [200]
    assert len(peer.events(DigitPressed)) == 1


def test_old_cseq_is_refused() -> None:
    """A request whose number is not higher than the last gets 500 (RFC 3261 12.2.2)."""
    peer = Peer()
    peer.call()
    peer.request("INFO", 5)
    assert peer.statuses(peer.request("BYE", 4)) == [500]
    assert peer.events(CallEnded) == []


@pytest.mark.parametrize(
    ("method", "status"),
    [
        ("OPTIONS", 200), ("REFER", 403), ("MESSAGE", 405), ("PRACK", 405), ("SUBSCRIBE", 405),
        ("NOTIFY", 489), ("FOO", 501),
    ],
)  # fmt: skip
def test_other_methods_in_a_call(method: str, status: int) -> None:
    """What we do not do inside a call is refused without a side effect (R27)."""
    peer = Peer()
    peer.call()
    assert peer.statuses(peer.request(method, 2)) == [status]
    assert peer.events(CallEnded) == []


def test_refer_and_its_reports() -> None:
    """Our REFER is answered; NOTIFY tells how the transfer goes (RFC 3515)."""
    peer = Peer()
    handle = peer.call()
    assert peer.agent.requests.refer(handle, "sip:200@192.0.2.9", 0)
    refer = peer.take()[0]
    assert not isinstance(refer, Response)
    assert refer.headers.get("refer-to") == "<sip:200@192.0.2.9>"
    peer.respond(refer, 202)
    event = "Event: refer\r\nContent-Type: message/sipfrag\r\nSubscription-State: "
    first = event + "active\r\n"
    last = event + "terminated;reason=noresource\r\n"
    peer.request("NOTIFY", 2, body=b"SIP/2.0 100 Trying\r\n", extra=first)
    peer.request("NOTIFY", 3, body=b"SIP/2.0 200 OK\r\n", extra=last)
    assert peer.events(TransferProgressed) == [
        TransferProgressed(handle, 100, "Trying", False),
        TransferProgressed(handle, 200, "OK", True),
    ]
    late = peer.request("NOTIFY", 4, body=b"SIP/2.0 200 OK\r\n", extra=last)
    assert peer.statuses(late) == [481]


def test_near_misses_end_no_call() -> None:
    """Requests with one thing wrong end or redirect no call (R26)."""
    chance = random.Random(5)
    peer = Peer()
    handle = peer.call()
    before = peer.agent.calls.dialog(handle)
    right = peer.our_tag
    foreign: Address = ("198.51.100.9", 5062)
    for number in range(count(200, 10_000)):
        method = chance.choice(("BYE", "CANCEL", "INVITE", "INFO", "UPDATE", "ACK"))
        wrong = chance.randrange(4)
        peer.request(
            method,
            number + 2,
            body=SDP if method == "INVITE" else b"",
            to_tag=f"{chance.getrandbits(64):x}" if wrong == 0 else right,
            call_id="call-2" if wrong == 1 else "call-1",
            source=foreign if wrong >= 2 else ("192.0.2.1", 5062),
            branch="z9hG4bKinvite" if wrong == 3 else "",
        )
    assert peer.events(CallEnded) == []
    assert peer.events(ReinviteReceived) == []
    assert peer.agent.calls.dialog(handle) == before
    assert peer.statuses(peer.request("BYE", 2)) == [200]


def test_another_host_of_the_trunk_may_speak_if_allowed() -> None:
    """A trunk of several hosts ends its call from any of them, where the hook says so."""
    peer = Peer(UserAgentConfig(US, is_peer=lambda source, peer: source[0].startswith("192.0.2.")))
    peer.call()
    assert peer.request("BYE", 2, source=("198.51.100.9", 5062)) == []
    assert peer.statuses(peer.request("BYE", 2, source=("192.0.2.33", 5062))) == [200]


def test_bye_after_a_restart() -> None:
    """A stored dialog is enough for a BYE whose CSeq is above all before it."""
    peer = Peer()
    handle = peer.call()
    record = peer.agent.calls.dialog(handle)
    assert record is not None
    for _ in range(30):
        peer.agent.requests.send_info(handle, "application/dtmf", b"1", 0)
        for message in peer.take():
            assert not isinstance(message, Response)
            peer.respond(message, 200)
    last = int((message.headers.get("cseq") or "").split()[0])
    reborn = Peer()
    again = reborn.agent.calls.adopt(record)
    reborn.agent.calls.hang_up(again, 0)
    bye = reborn.take()[0]
    assert not isinstance(bye, Response)
    assert int((bye.headers.get("cseq") or "").split()[0]) > last
    assert bye.parsed.recipient.tag == "their-tag"
    assert bye.parsed.sender.tag == peer.our_tag
    reborn.respond(bye, 200)
    reborn.assert_idle()


def test_bye_after_a_restart_that_overtook_the_answer() -> None:
    """A BYE that the peer does not know yet (481) is said again when its ACK comes."""
    peer = Peer()
    record = peer.agent.calls.dialog(peer.call())
    assert record is not None
    reborn = Peer()
    reborn.our_tag = peer.our_tag
    reborn.agent.calls.hang_up(reborn.agent.calls.adopt(record), 0)
    bye = reborn.take()[0]
    assert not isinstance(bye, Response)
    reborn.respond(bye, 481)
    assert len(reborn.events(CallReleased)) == 1
    again = reborn.request("ACK")[0]
    assert not isinstance(again, Response)
    assert again.method == "BYE"
    reborn.respond(again, 200)
    reborn.assert_idle()


def test_a_new_block_of_numbers_is_stored_before_use() -> None:
    """After 100 requests the dialog is reported anew, so that a later BYE is still higher."""
    peer = Peer()
    handle = peer.call()
    for _ in range(101):
        peer.agent.requests.send_info(handle, "application/dtmf", b"1", 0)
        for message in peer.take():
            assert not isinstance(message, Response)
            peer.respond(message, 200)
    stored = peer.events(DialogChanged)
    assert [event.dialog["reserved_cseq"] for event in stored] == [200]
