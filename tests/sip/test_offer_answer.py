"""Offer and answer for one audio stream (RFC 3264)."""

from __future__ import annotations

import pytest

from cordboard.sip.offer_answer import LocalMedia, choose_audio, make_answer, make_offer
from cordboard.sip.sdp import Codec, Direction, parse_sdp
from tests.sip.test_sdp import OFFER

LOCAL = LocalMedia("198.51.100.2", 6000, 7)
HEAD = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\nc=IN IP4 192.0.2.1\r\n"


@pytest.mark.parametrize(
    ("preference", "encoding"),
    [
        (("G722/8000", "PCMU/8000"), "G722/8000"),
        (("PCMU/8000", "PCMA/8000"), "PCMU/8000"),
        (("L16/16000", "pcma/8000"), "PCMA/8000"),
        (("opus/48000/2",), "OPUS/48000/2"),
    ],
)
def test_our_preference_decides(preference: tuple[str, ...], encoding: str) -> None:
    """The first of our encodings that the offer has is taken, whatever the offer's order."""
    choice = choose_audio(parse_sdp(OFFER), preference)
    assert choice is not None
    assert choice.codec.encoding == encoding
    assert (choice.telephone_event is not None) is encoding.endswith("/8000")


def test_nothing_in_common() -> None:
    """No common codec, no RTP/AVP, or a refused stream: None, which means 488."""
    assert choose_audio(parse_sdp(OFFER), ("G729/8000",)) is None
    secure = parse_sdp(HEAD + b"m=audio 4000 RTP/SAVP 0\r\n")
    assert choose_audio(secure, ("PCMU/8000",)) is None
    closed = parse_sdp(HEAD + b"m=audio 0 RTP/AVP 0\r\n")
    assert choose_audio(closed, ("PCMU/8000",)) is None


def test_answer_mirrors_the_offer() -> None:
    """As many sections in the same order; one codec and digits; all else with port 0."""
    offer = parse_sdp(
        HEAD + b"m=video 5000 RTP/AVP 31\r\nm=audio 4000 RTP/AVP 8 0 101\r\n"
        b"a=rtpmap:101 telephone-event/8000\r\nm=audio 4002 RTP/AVP 0\r\n"
    )
    choice = choose_audio(offer, ("PCMU/8000",))
    assert choice is not None
    answer = parse_sdp(make_answer(offer, choice, LOCAL).encode())
    assert [(each.kind, each.port) for each in answer.media] == [
        ("video", 0), ("audio", 6000), ("audio", 0),
    ]  # fmt: skip
    assert answer.media[1].formats == ("0", "101")
    assert answer.media[1].ptime_ms == 20
    assert answer.media[0].formats == ("31",)


@pytest.mark.parametrize(
    ("theirs", "ours", "may_send"),
    [
        ("sendrecv", Direction.SENDRECV, True),
        ("sendonly", Direction.RECVONLY, False),
        ("recvonly", Direction.SENDONLY, True),
        ("inactive", Direction.INACTIVE, False),
    ],
)
def test_direction_is_turned_round(theirs: str, ours: Direction, may_send: bool) -> None:
    """Our direction is theirs seen from the other end."""
    choice = choose_audio(
        parse_sdp(HEAD + f"m=audio 4000 RTP/AVP 0\r\na={theirs}\r\n".encode()), ("PCMU/8000",)
    )
    assert choice is not None
    assert (choice.direction, choice.may_send) == (ours, may_send)


def test_old_hold_has_no_remote() -> None:
    """c=0.0.0.0 leaves nowhere to send to."""
    choice = choose_audio(
        parse_sdp(HEAD + b"m=audio 4000 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n"), ("PCMU/8000",)
    )
    assert choice is not None
    assert choice.remote is None
    assert not choice.may_send


def test_our_offer_can_be_answered() -> None:
    """An offer of ours, answered, names the same codec at both ends."""
    codecs = (Codec(9, "G722"), Codec(0, "PCMU"), Codec(101, "telephone-event", parameters="0-16"))
    offer = parse_sdp(make_offer(codecs, LOCAL).encode())
    theirs = choose_audio(offer, ("PCMU/8000",))
    assert theirs is not None
    answer = parse_sdp(make_answer(offer, theirs, LocalMedia("192.0.2.1", 4000, 9)).encode())
    ours = choose_audio(answer, ("G722/8000", "PCMU/8000"))
    assert ours is not None
    assert ours.codec == theirs.codec
    assert ours.telephone_event == codecs[2]
    assert ours.remote == ("192.0.2.1", 4000)
