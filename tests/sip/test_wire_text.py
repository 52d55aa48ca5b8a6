"""No text adds a header to what goes out: what cannot stand in one is refused (R46)."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from cordboard.sip.config import UserAgentConfig
from cordboard.sip.digest import Credentials
from cordboard.sip.fields import BadField
from cordboard.sip.message import Request, parse_datagram
from cordboard.sip.registration import Binding
from cordboard.sip.uac import Invitation
from cordboard.sip.user_agent import UserAgent
from tests.counts import count
from tests.sip.link import SDP, tokens
from tests.sip.peer import THEM, US, Peer
from tests.sip.test_uac import request

EVIL = st.one_of(
    st.text(max_size=40),
    st.text(alphabet='\r\n\0:;<>@"\\, \tax=%', max_size=20),
    st.sampled_from(["x\r\nX-Injected: 1", 'x"\r\n\r\nBYE sip:x', "x>\nVia: y", '";tag=1', "\0"]),
)


def _head(payload: bytes) -> list[str]:
    """Return the names of a message's headers, which stand on lines of their own."""
    head = payload.partition(b"\r\n\r\n")[0]
    assert not re.search(rb"[\r\n\0]", head.replace(b"\r\n", b"")), payload
    return [line.partition(b":")[0].decode() for line in head.split(b"\r\n")[1:]]


def _invite(target: str, sender: str, name: str, more: str) -> bytes:
    agent = UserAgent(UserAgentConfig(US), tokens(1))
    headers = (("P-Asserted-Identity", more),)
    invitation = Invitation(target, sender, THEM, SDP, display_name=name, headers=headers)
    agent.calls.invite(invitation, 0)
    (datagram,) = agent.datagrams_to_send()
    return datagram.payload


PLAIN = _head(_invite("sip:100@192.0.2.1", "sip:us@192.0.2.2", "n", "<sip:1@192.0.2.2>"))


@settings(max_examples=count(300, 10_000))
@given(EVIL, st.sampled_from(["target", "sender", "name", "more"]))
def test_an_invite_has_its_own_headers(text: str, place: str) -> None:
    """Whatever stands in number, sender, name or header: the wire has the headers it always has."""
    given = {
        "target": "sip:100@192.0.2.1",
        "sender": "sip:us@192.0.2.2",
        "name": "n",
        "more": "<sip:1@192.0.2.2>",
    }
    given[place] = f"sip:{text}@192.0.2.1" if place in ("target", "sender") else text
    try:
        payload = _invite(**given)
    except BadField:
        assert re.search(r"[\r\n\0]", text) or place != "name"
        return
    assert _head(payload) == PLAIN
    assert payload.count(b"\r\n\r\n") == 1


@settings(max_examples=count(100, 5_000))
@given(EVIL)
def test_a_registration_has_its_own_headers(text: str) -> None:
    """As for calls, with the user whom a trunk registers."""
    agent = UserAgent(UserAgentConfig(US), tokens(1))
    binding = Binding(f"sip:{text}", f"sip:{text}@192.0.2.1", THEM, None)
    try:
        agent.registrations.add(binding, 0)
    except BadField:
        return
    for datagram in agent.datagrams_to_send():
        assert len(set(_head(datagram.payload))) == len(_head(datagram.payload))
        assert "X-Injected" not in _head(datagram.payload)


@settings(max_examples=count(100, 5_000))
@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=40))
def test_an_answer_to_a_challenge_is_one_line(text: str) -> None:
    """A user name is one quoted string of the answer, whatever printable stands in it."""
    peer = Peer()
    invitation = Invitation(
        *("sip:100@192.0.2.1", "sip:us@192.0.2.2", THEM, SDP),
        credentials=Credentials(text, "secret"),
    )
    peer.agent.calls.invite(invitation, 0)
    first = request(peer.take())
    asked = 'WWW-Authenticate: Digest realm="r", nonce="n", algorithm=SHA-256, qop="auth"\r\n'
    second = request(peer.respond(first, 401, extra=asked, tag="t"))
    assert isinstance(second, Request)
    value = second.headers.get("authorization") or ""
    unquoted = re.sub(r'"(?:[^"\\]|\\.)*"', "Q", value)
    assert "username=Q," in unquoted
    assert unquoted.count("=") == len(set(re.findall(r"(\w+)=", unquoted)))
    assert parse_datagram is not None
