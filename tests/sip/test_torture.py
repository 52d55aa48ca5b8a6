"""RFC 4475's messages, and valid messages mangled by a seeded mutator (R20)."""

from __future__ import annotations

import random
import time

import pytest

from cordboard.sip.config import Allow, Refuse, UserAgentConfig, Verdict
from cordboard.sip.digest import DigestServer, DigestVerdict
from cordboard.sip.events import CallEnded, CallOffered
from cordboard.sip.message import BadMessage, Request, Response, parse_datagram
from cordboard.sip.offer_answer import choose_audio
from cordboard.sip.sdp import BadSdp, parse_sdp
from tests.counts import count
from tests.sip.link import SDP, tokens
from tests.sip.peer import THEM, US, Peer
from tests.sip.torture_messages import ALL, MALFORMED, SILENCE, VALID, Torture


def _registrar_peer() -> Peer:
    """Return a peer whose REGISTER is challenged, for the one message about that."""
    server = DigestServer("example.com", b"secret", tokens(1))

    def authorise(request: Request, now_ms: int) -> Verdict:
        fields = request.headers.every("authorization")
        if not fields:
            return Allow()
        verdict, _ = server.check(fields, request.method, lambda user: None, now_ms)
        assert verdict is DigestVerdict.MISSING
        return Refuse(401, "", server.challenge(now_ms))

    return Peer(UserAgentConfig(US, authorise=authorise))


def test_all_are_there() -> None:
    """RFC 4475 has 49 messages."""
    assert len({each.name for each in ALL}) == 49


@pytest.mark.parametrize("torture", ALL, ids=lambda each: each.name)
def test_reaction(torture: Torture) -> None:
    """Each message gets exactly its reaction, and a call is offered only for a good INVITE."""
    peer = _registrar_peer()
    peer.agent.receive(torture.payload, THEM, 0)
    replies = peer.take()
    expected = [] if torture.reaction == SILENCE else [torture.reaction]
    assert peer.statuses(replies) == expected
    assert len(peer.events(CallOffered)) == int(torture.reaction == 100)


@pytest.mark.parametrize("torture", VALID, ids=lambda each: each.name)
def test_valid_ones_parse(torture: Torture) -> None:
    """A valid message is read whole, and what we read can be written and read again."""
    message = parse_datagram(torture.payload)
    again = parse_datagram(message.encode())
    assert again.parsed == message.parsed
    assert again.body == message.body


@pytest.mark.parametrize("torture", MALFORMED, ids=lambda each: each.name)
def test_malformed_ones_do_not_parse(torture: Torture) -> None:
    """A malformed message is refused by the parser itself, with a reason."""
    with pytest.raises(BadMessage) as caught:
        parse_datagram(torture.payload)
    assert caught.value.reason


def test_bad_branch_is_no_transaction_id() -> None:
    """Two requests with the bare cookie as branch are two transactions (RFC 4475 3.2.1)."""
    peer = Peer()
    first = peer.request("INVITE", body=SDP, branch="z9hG4bK", call_id="one")
    second = peer.request("INVITE", body=SDP, branch="z9hG4bK", call_id="two")
    again = peer.request("INVITE", body=SDP, branch="z9hG4bK", call_id="two")
    assert [peer.statuses(each) for each in (first, second, again)] == [[100], [100], [100]]
    assert len(peer.events(CallOffered)) == 2


def _mangle(chance: random.Random, payload: bytes) -> bytes:
    """Damage a message as a bad line, a bad peer or an attacker would."""
    kind = chance.randrange(7)
    at = chance.randrange(len(payload) + 1)
    if kind == 0:
        data = bytearray(payload)
        for _ in range(chance.randrange(1, 8)):
            data[chance.randrange(len(data))] = chance.getrandbits(8)
        return bytes(data)
    if kind == 1:
        return payload[:at]
    if kind == 2:
        lines = payload.split(b"\r\n")
        spot = chance.randrange(len(lines))
        return b"\r\n".join([*lines[:spot], *lines[spot:] * chance.randrange(1, 60)])
    if kind == 3:
        filler = chance.choice((b"A", b";", b",", b'"', b"<", b"=", b" ", b"\r\n ", b"(", b"%41"))
        return payload[:at] + filler * chance.choice((10, 1_000, 8_000)) + payload[at:]
    if kind == 4:
        lines = payload.split(b"\r\n")
        chance.shuffle(lines)
        return b"\r\n".join(lines)
    if kind == 5:
        pieces = chance.choice((b';a="x"', b"a=b,", b"a-", b"1:", b"x.", b'\\"', b";lr;"))
        return payload[:at] + pieces * 2_000 + payload[at:]
    word = chance.choice((b"0", b"-1", b"99999999999999999999", b"\x00", b"self", b"\xff\xfe"))
    return payload[:at] + word + payload[at + len(word) :]


def _seeds() -> list[bytes]:
    """Return valid messages of all kinds, taken from a real call."""
    peer = Peer()
    handle = peer.offer(extra='Session-Expires: 90\r\nAuthorization: Digest a=b, c="d"\r\n')
    peer.agent.calls.answer(handle, SDP, 0)
    answers = [each.payload for each in peer.agent.datagrams_to_send()]
    return [*answers, *(each.payload for each in ALL)]


def test_mangled_messages_do_nothing_but_answers() -> None:
    """No exception, no input over 50 ms, no effect on a running call (R20)."""
    chance = random.Random(20)
    seeds = _seeds()
    peer = Peer()
    handle = peer.call()
    seeds += [_in_dialog(peer, method) for method in ("INFO", "UPDATE", "INVITE", "NOTIFY")]
    slow: list[bytes] = []
    for _ in range(count(3_000, 100_000)):
        payload = _mangle(chance, chance.choice(seeds))[:70_000]
        before = time.process_time()
        peer.agent.receive(payload, ("198.51.100.5", 5062), peer.now_ms)
        if time.process_time() - before > 0.05:
            slow.append(payload)
        peer.now_ms += 10
        peer.agent.handle_deadline(peer.now_ms)
        peer.agent.datagrams_to_send()
        peer.seen += peer.agent.events()
    assert [payload for payload in slow if _seconds(payload) > 0.05] == []
    assert handle not in [event.handle for event in peer.events(CallEnded)]
    assert peer.agent.calls.hang_up(handle, peer.now_ms)


def _seconds(payload: bytes) -> float:
    """Measure one input again by itself, so that the collector's pauses do not count."""
    times = []
    for _ in range(3):
        agent = Peer().agent
        before = time.process_time()
        agent.receive(payload, THEM, 0)
        times.append(time.process_time() - before)
    return min(times)


def _in_dialog(peer: Peer, method: str) -> bytes:
    return (
        f"{method} sip:100@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKm\r\n"
        f"From: <sip:ann@192.0.2.1>;tag=their-tag\r\nTo: <sip:1@h>;tag={peer.our_tag}\r\n"
        f"Call-ID: call-1\r\nCSeq: 77 {method}\r\nContent-Type: application/sdp\r\n\r\n"
    ).encode() + SDP


def test_mangled_messages_of_the_peer_itself() -> None:
    """The call's own peer cannot make us raise either, nor leave anything behind."""
    chance = random.Random(21)
    peer = Peer()
    peer.call()
    seeds = [_in_dialog(peer, method) for method in ("INFO", "UPDATE", "INVITE", "NOTIFY", "ACK")]
    for number in range(count(2_000, 50_000)):
        payload = chance.choice(seeds).replace(b" 77 ", f" {number + 9} ".encode())
        peer.agent.receive(_mangle(chance, payload), THEM, peer.now_ms)
        peer.wait(10)
    for handle in {event.handle for event in peer.seen}:
        peer.agent.calls.hang_up(handle, peer.now_ms)
    peer.assert_idle()


def test_mangled_descriptions_are_refused_or_read() -> None:
    """A damaged session description raises ``BadSdp`` or is usable; nothing else."""
    chance = random.Random(22)
    good = SDP + b"m=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"
    for _ in range(count(3_000, 100_000)):
        try:
            description = parse_sdp(_mangle(chance, good))
        except BadSdp:
            continue
        choose_audio(description, ("PCMU/8000",))
        description.encode()


def test_responses_from_nowhere_are_dropped() -> None:
    """A response that answers nothing of ours has no effect."""
    peer = Peer()
    answer = next(each for each in VALID if each.name == "unreason")
    assert isinstance(parse_datagram(answer.payload), Response)
    peer.agent.receive(answer.payload, THEM, 0)
    assert peer.take() == []
    assert peer.seen == []
