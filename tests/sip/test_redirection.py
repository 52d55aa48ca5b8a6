"""Redirections: where a 3xx sends us, and the INVITE that follows it by the same names."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cordboard.sip.events import CallEnded
from cordboard.sip.message import Headers, Response
from cordboard.sip.redirection import CONTACTS_MAX, contacts_of
from cordboard.sip.uac import Invitation, InvitationNames
from tests.sip.link import SDP
from tests.sip.peer import THEM, Peer
from tests.sip.test_uac import place, request

NAMES = InvitationNames("call", "tag", "branch")


def _contacts(*values: str, status: int = 302) -> tuple[str, ...]:
    headers = Headers([("Contact", value) for value in values])
    return contacts_of(Response(status, "Moved", headers, b""))


def test_most_wanted_first() -> None:
    """Contacts come by descending q, equals in the order in which they were named."""
    assert _contacts(
        "<sip:1@h>;q=0.2, <sip:2@h>", '"A, B" <sip:3@h>;q=1.0;expires=3600', "sip:4@h;q=0.9"
    ) == ("sip:2@h", "sip:3@h", "sip:4@h", "sip:1@h")


def test_only_a_redirection_names_contacts() -> None:
    """Contact of other answers, and what cannot be read, sends nobody anywhere."""
    assert _contacts("<sip:1@h>", status=486) == ()
    assert _contacts("*", "<sip:1@h", ";;", "<sip:2@h>;q=nan") == ("sip:2@h",)
    assert len(_contacts(", ".join(f"<sip:{n}@h>" for n in range(99)))) == CONTACTS_MAX


@given(st.lists(st.text(max_size=60), max_size=5))
def test_any_text_is_read(values: list[str]) -> None:
    """No Contact raises."""
    assert all(isinstance(uri, str) for uri in _contacts(*values))


def test_redirected_call_ends_with_its_contacts() -> None:
    """A 302 is acknowledged and ends the call; who placed it decides whether to follow."""
    peer = Peer()
    handle, invite = place(peer)
    contact = "Contact: <sip:200@192.0.2.1>\r\n"
    assert peer.statuses(peer.respond(invite, 302, tag="t", extra=contact)) == ["ACK"]
    ended = peer.events(CallEnded)
    assert [(end.handle, end.status, end.contacts) for end in ended] == [
        (handle, 302, ("sip:200@192.0.2.1",))
    ]
    peer.wait(40_000)
    peer.assert_idle()


def test_further_attempts_have_names_of_their_own_on_the_wire() -> None:
    """The next INVITE of a call keeps Call-ID and tag, with a higher CSeq and another branch."""
    sent = []
    for attempt in range(3):
        peer = Peer()
        peer.agent.calls.invite(
            Invitation(
                *("sip:100@192.0.2.1", "sip:us@192.0.2.2", THEM, SDP),
                names=NAMES,
                attempt=attempt,
            ),
            0,
        )
        sent.append(request(peer.take()))
    assert {each.parsed.call_id for each in sent} == {"call"}
    assert {each.parsed.sender.tag for each in sent} == {"tag"}
    assert [each.headers.get("cseq") for each in sent] == ["1 INVITE", "3 INVITE", "5 INVITE"]
    assert len({each.parsed.via.branch for each in sent}) == 3


def test_lost_attempt_is_cancelled_by_its_own_branch() -> None:
    """After a crash, CANCEL names the INVITE of that attempt."""
    invitation = Invitation(
        *("sip:100@192.0.2.1", "sip:us@192.0.2.2", THEM, SDP), names=NAMES, attempt=2
    )
    dead, heir = Peer(), Peer()
    dead.agent.calls.invite(invitation, 0)
    invite = request(dead.take())
    heir.agent.calls.cancel_lost(invitation, 0)
    cancel = request(heir.take(), "CANCEL")
    assert cancel.parsed.via.branch == invite.parsed.via.branch
    assert cancel.headers.get("cseq") == "5 CANCEL"


def test_abandoned_call_is_repeated_no_more() -> None:
    """An INVITE that got no answer is let go of; who got it after all is cancelled."""
    peer = Peer()
    handle, invite = place(peer)
    peer.wait(1_000)
    assert peer.agent.calls.abandon(handle, peer.now_ms)
    assert not peer.agent.calls.abandon(handle, peer.now_ms)
    assert peer.take() == []
    assert peer.wait(10_000) == []
    assert [(end.handle, end.status) for end in peer.events(CallEnded)] == [(handle, 487)]
    assert peer.statuses(peer.respond(invite, 180, tag="late")) == ["CANCEL"]
    assert peer.statuses(peer.respond(invite, 487, tag="late")) == ["ACK"]
    peer.wait(80_000)
    peer.assert_idle()


def test_call_with_an_answer_is_not_abandoned() -> None:
    """A 100 is a sign of life: the call is not let go of."""
    peer = Peer()
    handle, invite = place(peer)
    peer.respond(invite, 100)
    assert not peer.agent.calls.abandon(handle, peer.now_ms)
    assert peer.events(CallEnded) == []


def test_late_answer_of_an_abandoned_call_is_hung_up() -> None:
    """A 200 that comes after all is acknowledged and ended by BYE."""
    peer = Peer()
    handle, invite = place(peer)
    peer.agent.calls.abandon(handle, peer.now_ms)
    contact = "Contact: <sip:100@192.0.2.1:5062>\r\n"
    replies = peer.respond(invite, 200, tag="late", extra=contact, body=SDP)
    assert peer.statuses(replies) == ["ACK", "BYE"]
