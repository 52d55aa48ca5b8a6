"""Requests outside a call: exact answers, no side effect (R27)."""

from __future__ import annotations

import pytest

from cordboard.sip.config import UserAgentConfig
from cordboard.sip.token_bucket import SourceBuckets
from tests.sip.link import SDP
from tests.sip.peer import THEM, US, Peer


@pytest.mark.parametrize(
    ("method", "to_tag", "extra", "status"),
    [
        ("OPTIONS", "", "", 200),
        ("MESSAGE", "", "", 405),
        ("REGISTER", "", "", 405),
        ("SUBSCRIBE", "", "Event: presence\r\n", 489),
        ("PUBLISH", "", "Event: presence\r\n", 489),
        ("NOTIFY", "", "Event: refer\r\n", 481),
        ("REFER", "", "Refer-To: <sip:x@y>\r\n", 403),
        ("UPDATE", "", "", 481),
        ("INFO", "", "", 481),
        ("BYE", "", "", 481),
        ("PRACK", "", "", 481),
        ("FOO", "", "", 501),
        ("BYE", "nobody", "", 481),
        ("INVITE", "nobody", "", 481),
        ("OPTIONS", "nobody", "", 481),
        ("INVITE", "", "Require: 100rel\r\n", 420),
        ("INVITE", "", "Require: timer, precondition\r\n", 420),
        ("INVITE", "", "Session-Expires: x\r\n", 400),
        ("INVITE", "", "Accept: text/plain\r\n", 406),
        ("INVITE", "", "Content-Encoding: gzip\r\n", 415),
    ],
)
def test_the_twenty_rows(method: str, to_tag: str, extra: str, status: int) -> None:
    """Each gets its exact status and leaves nothing."""
    peer = Peer()
    replies = peer.request(
        method, body=SDP if method == "INVITE" else b"", to_tag=to_tag, extra=extra
    )
    assert peer.statuses(replies) == [status]
    assert peer.seen == []
    assert not any(peer.agent.counts().values())


def test_options_tells_what_we_can() -> None:
    """OPTIONS is answered with Allow, Accept and Supported."""
    reply = Peer().request("OPTIONS")[0]
    assert "INVITE" in (reply.headers.get("allow") or "")
    assert reply.headers.get("accept") == "application/sdp"


def test_unsupported_is_named() -> None:
    """420 lists what we lack and only that."""
    reply = Peer().request("INVITE", body=SDP, extra="Require: timer, 100rel\r\n")[0]
    assert reply.headers.get("unsupported") == "100rel"


def test_refused_methods_name_the_allowed_ones() -> None:
    """405 and 501 carry Allow."""
    for method in ("MESSAGE", "FOO"):
        assert "BYE" in (Peer().request(method)[0].headers.get("allow") or "")


def test_a_flood_meets_silence() -> None:
    """30 requests in 2 s are answered, more are not; other sources are not hurt (R24)."""
    buckets = SourceBuckets()
    accepts = UserAgentConfig(US, accepts_source=lambda source, now: buckets.take(source[0], now))
    peer = Peer(accepts)
    answered = sum(bool(peer.request("OPTIONS", number)) for number in range(1, 1_000))
    assert answered == 30
    assert peer.request("OPTIONS", source=("192.0.2.77", 5060))
    peer.now_ms = 2_000
    assert peer.request("OPTIONS", source=THEM)


def test_the_table_of_sources_is_bounded() -> None:
    """Beyond the limit the longest silent source is forgotten."""
    buckets = SourceBuckets(limit=100)
    for number in range(1_000):
        buckets.take(f"10.0.{number // 256}.{number % 256}", 0)
    assert len(buckets) == 100
