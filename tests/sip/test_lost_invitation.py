"""Calls that a process that died was placing: given up by their names, never placed again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cordboard.sip.digest import Credentials, DigestServer
from cordboard.sip.events import CallAnswered, CallReleased
from cordboard.sip.message import Request
from cordboard.sip.transaction import top_branch
from cordboard.sip.uac import Invitation, InvitationNames
from tests.sip.link import SDP
from tests.sip.peer import THEM, Peer
from tests.sip.test_uac import CONTACT, request

NAMES = InvitationNames("the-call", "our-tag", "thebranch")
CREDENTIALS = Credentials("us", "secret")


def invitation(sdp: bytes = b"") -> Invitation:
    """Return the invitation as it was, or as it is on record."""
    return Invitation(
        *("sip:100@192.0.2.1", "sip:us@192.0.2.2", THEM, sdp),
        credentials=CREDENTIALS if sdp else None,
        names=NAMES,
    )


def lost(challenged: bool = False) -> Request:
    """Return the INVITE that a process sent before it died."""
    died = Peer()
    died.agent.calls.invite(invitation(SDP), died.now_ms)
    invite = request(died.take())
    if not challenged:
        return invite
    fields = DigestServer("realm", b"k" * 32, lambda: "n").challenge(0)
    extra = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return request(died.respond(invite, 401, tag="c", extra=extra))


def restarted(*, challenged: bool = False) -> tuple[Peer, Request]:
    """Give the call up in another process; returns it and its CANCEL."""
    peer = Peer()
    peer.agent.calls.cancel_lost(invitation(), peer.now_ms, challenged=challenged)
    sent = peer.take()
    assert [each.method for each in sent if isinstance(each, Request)] == ["CANCEL"]
    return peer, request(sent, "CANCEL")


@pytest.mark.parametrize("challenged", [False, True])
def test_cancel_names_the_invite(challenged: bool) -> None:
    """CANCEL has the INVITE's branch, number, tags and Request-URI; no INVITE is sent."""
    invite = lost(challenged)
    _, cancel = restarted(challenged=challenged)
    assert top_branch(cancel) == top_branch(invite)
    for name in ("From", "To", "Call-ID"):
        assert cancel.headers.get(name) == invite.headers.get(name)
    assert cancel.uri == invite.uri
    number = (invite.headers.get("CSeq") or "").split()[0]
    assert cancel.headers.get("CSeq") == f"{number} CANCEL"


def test_refusal_is_acknowledged() -> None:
    """The 487 that follows is acknowledged, and nothing is left."""
    peer, cancel = restarted()
    peer.respond(cancel, 200, tag="t")
    replies = peer.respond(lost(), 487, tag="t")
    assert peer.statuses(replies) == ["ACK"]
    assert len(peer.events(CallReleased)) == 1
    peer.wait(40_000)
    peer.assert_idle()


def test_answer_that_crosses_is_hung_up() -> None:
    """An answer that nobody waits for any more is acknowledged and hung up."""
    peer, _ = restarted()
    replies = peer.respond(lost(), 200, tag="t", extra=CONTACT, body=SDP)
    assert peer.statuses(replies) == ["ACK", "BYE"]
    bye = request(replies, "BYE")
    assert bye.parsed.recipient.tag == "t"
    peer.respond(bye, 200, tag="t")
    peer.wait(40_000)
    peer.assert_idle()


def test_answer_that_waits_for_its_acknowledgement() -> None:
    """With the ACK held back the answer's repetitions get none, until it is sent, once each."""
    peer = Peer()
    wanted = replace(invitation(SDP), holds_ack=True)
    handle = peer.agent.calls.invite(wanted, peer.now_ms)
    invite = request(peer.take())
    for _ in range(2):
        assert peer.respond(invite, 200, tag="t", extra=CONTACT, body=SDP) == []
    assert len(peer.events(CallAnswered)) == 1
    assert peer.agent.calls.acknowledge(handle)
    assert peer.statuses(peer.take()) == ["ACK"]
    assert not peer.agent.calls.acknowledge(handle)
    replies = peer.respond(invite, 200, tag="t", extra=CONTACT, body=SDP)
    assert peer.statuses(replies) == ["ACK"]


def test_hung_up_before_it_was_acknowledged() -> None:
    """Hanging up sends the ACK first, then BYE."""
    peer = Peer()
    wanted = replace(invitation(SDP), holds_ack=True)
    handle = peer.agent.calls.invite(wanted, peer.now_ms)
    peer.respond(request(peer.take()), 200, tag="t", extra=CONTACT, body=SDP)
    peer.agent.calls.hang_up(handle, peer.now_ms)
    assert peer.statuses(peer.take()) == ["ACK", "BYE"]


def test_silence_is_given_up() -> None:
    """A far end that knows nothing of it says nothing: it is forgotten after 32 s."""
    peer, _ = restarted()
    peer.wait(40_000)
    assert len(peer.events(CallReleased)) == 1
    peer.assert_idle()
