"""Callers whose call was only ringing when the process died."""

from __future__ import annotations

import json

import pytest

from cordboard.sip.config import UserAgentConfig
from cordboard.sip.fields import BadField
from cordboard.sip.message import Response, parse_datagram
from cordboard.sip.user_agent import UserAgent
from tests.sip.link import SDP, tokens
from tests.sip.peer import THEM, US, Peer


def test_a_later_process_refuses_what_rang() -> None:
    """It sends 503 to where the INVITE came from, with its Via and the dialog's tag."""
    peer = Peer()
    handle = peer.offer()
    peer.agent.calls.ring(handle, 0)
    (rang,) = (each for each in peer.take() if isinstance(each, Response) and each.status == 180)
    record = json.loads(json.dumps(peer.agent.calls.dialog(handle)))
    reborn = UserAgent(UserAgentConfig(US), tokens(8))
    assert reborn.calls.refuse_lost(record)
    (datagram,) = reborn.datagrams_to_send()
    assert datagram.destination == THEM
    refused = parse_datagram(datagram.payload, US)
    assert isinstance(refused, Response)
    assert refused.status == 503
    for name in ("via", "from", "to", "call-id", "cseq"):
        assert refused.headers.every(name) == rang.headers.every(name)
    assert reborn.calls.adopt(record)


def test_nothing_is_owed_after_the_answer() -> None:
    """Who has had 200 is owed nothing more."""
    peer = Peer()
    handle = peer.offer()
    peer.agent.calls.answer(handle, SDP, 0)
    record = peer.agent.calls.dialog(handle)
    assert record is not None
    reborn = UserAgent(UserAgentConfig(US), tokens(8))
    assert not reborn.calls.refuse_lost(record)
    assert not reborn.datagrams_to_send()


@pytest.mark.parametrize("owed", ["x", ["host"], ["127.0.0.1", "port", "f", "t", "c", "1", "via"]])
def test_a_broken_record_raises_its_one_error(owed: str | list[str]) -> None:
    """What is no record of ours is refused."""
    agent = UserAgent(UserAgentConfig(US), tokens(8))
    with pytest.raises(BadField, match="owed"):
        agent.calls.refuse_lost({"owed": owed})
