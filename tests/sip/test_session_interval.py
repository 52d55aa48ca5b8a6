"""Session timers (RFC 4028)."""

from __future__ import annotations

import pytest

from cordboard.sip.events import CallEnded, EndedBy
from cordboard.sip.message import Request
from tests.sip.link import SDP
from tests.sip.peer import Peer
from tests.sip.test_uac import place

BY_PEER = "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n"
BY_US = "Supported: timer\r\nSession-Expires: 90;refresher=uas\r\nAllow: INVITE, BYE, UPDATE\r\n"


def test_answer_agrees() -> None:
    """The asked interval is confirmed with its refresher and Require: timer."""
    peer = Peer()
    handle = peer.offer(extra=BY_PEER)
    peer.agent.calls.answer(handle, SDP, 0)
    answer = peer.take()[-1]
    assert answer.headers.get("session-expires") == "90;refresher=uac"
    assert answer.headers.get("require") == "timer"


def test_too_small_an_interval_gets_422() -> None:
    """Below Min-SE the INVITE is refused with what we accept."""
    peer = Peer()
    refused = peer.request("INVITE", body=SDP, extra="Session-Expires: 30\r\n")
    assert peer.statuses(refused) == [422]
    assert refused[0].headers.get("min-se") == "90"


def test_missing_refresh_ends_the_call() -> None:
    """If the peer does not refresh, BYE goes out before the interval ends."""
    peer = Peer()
    peer.call(extra=BY_PEER)
    assert (60_000, "BYE") in peer.wait(61_000)
    assert peer.events(CallEnded)[0].by is EndedBy.TIMEOUT
    peer.assert_idle()


def test_refresh_moves_the_end() -> None:
    """An UPDATE with Session-Expires starts the interval anew."""
    peer = Peer()
    peer.call(extra=BY_PEER)
    peer.wait(50_000)
    peer.request("UPDATE", 2, extra=BY_PEER)
    assert peer.wait(59_000) == []
    assert (110_000, "BYE") in peer.wait(2_000)


def test_we_refresh_when_asked_to() -> None:
    """Half the interval on we send UPDATE; its answer keeps the call."""
    peer = Peer()
    peer.call(extra=BY_US)
    for _ in range(5):
        peer.now_ms += 45_000
        peer.agent.handle_deadline(peer.now_ms)
        update = peer.take()[0]
        assert isinstance(update, Request)
        assert update.method == "UPDATE"
        peer.respond(update, 200, extra="Session-Expires: 90;refresher=uac\r\n")
    assert peer.events(CallEnded) == []


def test_unanswered_refresh_ends_the_call() -> None:
    """A refresh that gets no answer ends the call."""
    peer = Peer()
    peer.call(extra=BY_US)
    sent = peer.wait(90_000)
    assert "BYE" in [name for _, name in sent]
    assert len(peer.events(CallEnded)) == 1
    peer.assert_idle()


def test_without_update_we_refresh_by_reinvite() -> None:
    """A peer that does not allow UPDATE gets a re-INVITE with our last description."""
    peer = Peer()
    peer.call(extra="Supported: timer\r\nSession-Expires: 90;refresher=uas\r\n")
    peer.now_ms += 45_000
    peer.agent.handle_deadline(peer.now_ms)
    again = peer.take()[0]
    assert isinstance(again, Request)
    assert (again.method, again.body) == ("INVITE", SDP)


def _placed(session: str) -> Peer:
    """Place a call that is answered with these fields."""
    peer = Peer()
    _, invite = place(peer)
    assert "timer" in (invite.headers.get("supported") or "")
    contact = f"Contact: <{peer.contact}>\r\n"
    peer.respond(invite, 200, tag="t1", extra=contact + session, body=SDP)
    return peer


def test_call_that_we_place_is_refreshed_by_us() -> None:
    """Whoever answers may ask for a session timer, and for us to refresh (RFC 4028 7.2)."""
    peer = _placed(
        "Allow: INVITE, UPDATE\r\nRequire: timer\r\nSession-Expires: 90;refresher=uac\r\n"
    )
    for _ in range(3):
        peer.now_ms += 45_000
        peer.agent.handle_deadline(peer.now_ms)
        (update,) = peer.take()
        assert isinstance(update, Request)
        assert update.method == "UPDATE"
        peer.respond(update, 200, extra="Session-Expires: 90;refresher=uac\r\n")
    assert peer.events(CallEnded) == []


def test_call_that_we_place_ends_without_the_peers_refresh() -> None:
    """A peer that took the refresh upon itself and does not do it is gone: BYE in time."""
    peer = _placed("Require: timer\r\nSession-Expires: 90;refresher=uas\r\n")
    sent = peer.wait(90_000)
    assert next(at for at, name in sent if name == "BYE") == 60_000
    assert len(peer.events(CallEnded)) == 1


@pytest.mark.parametrize("value", ["30;refresher=uac", "soon", "90000000000"])
def test_unreasonable_timer_is_not_kept(value: str) -> None:
    """An interval below the least, or no number, starts no timer; the call goes on."""
    peer = _placed(f"Session-Expires: {value}\r\n")
    assert peer.wait(300_000) == []
    assert peer.events(CallEnded) == []
