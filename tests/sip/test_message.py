"""Datagrams to messages and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.sip.message import BadMessage, Headers, Request, Response, parse_datagram

GOOD = (
    b"INFO sip:b@h SIP/2.0\r\nv: SIP/2.0/UDP h:5070;branch=z9hG4bK1;rport\r\nf: <sip:a@h>;tag=1\r\n"
    b"t: <sip:b@h>;tag=2\r\ni: c1\r\nCSeq: 1 INFO\r\nl: 3\r\n\r\nabcdef"
)
WORD = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=20)
TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp")), max_size=30
)


def test_compact_names_and_length() -> None:
    """Short names are found by their long ones; the body ends at Content-Length."""
    message = parse_datagram(GOOD, ("192.0.2.7", 999))
    assert message.parsed.call_id == "c1"
    assert message.parsed.sender.tag == "1"
    assert message.body == b"abc"


def test_via_is_stamped_once() -> None:
    """Received and rport are ours, whatever the peer wrote there (RFC 3581)."""
    lie = GOOD.replace(b";rport", b";received=9.9.9.9;rport=1")
    message = parse_datagram(lie, ("192.0.2.7", 999))
    via = message.headers.get("via")
    assert via == "SIP/2.0/UDP h:5070;branch=z9hG4bK1;received=192.0.2.7;rport=999"


def test_stamp_keeps_the_other_vias() -> None:
    """Only the first of several Vias in one field is changed."""
    two = GOOD.replace(b";rport", b" , SIP/2.0/UDP p;branch=z9hG4bK2;received=1.1.1.1")
    message = parse_datagram(two, ("192.0.2.7", 999))
    assert message.headers.get("via") == (
        "SIP/2.0/UDP h:5070;branch=z9hG4bK1;received=192.0.2.7,"
        " SIP/2.0/UDP p;branch=z9hG4bK2;received=1.1.1.1"
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"CSeq: 1 INFO", b"CSeq: 2147483648 INFO"),
        (b"CSeq: 1 INFO", b"CSeq: INFO"),
        (b"l: 3", b"l: 99"),
        (b"l: 3", b"l: x"),
        (b"l: 3", b"l: " + b"9" * 5_000),
        (b"i: c1", b"i: c 1"),
        (b"i: c1\r\n", b""),
        (b"i: c1", b"i: c1\r\ni: c2"),
        (b"f: <sip:a@h>", b"f: sip"),
        (b"f: <sip:a@h>", b'f: "A <sip:a@h>'),
        (b"l: 3", b"X: a\rb\r\nl: 3"),
        (b"l: 3", b"X: a\nVia: b\r\nl: 3"),
        (b"l: 3", b"no colon\r\nl: 3"),
        (b"l: 3", b"bad name: x\r\nl: 3"),
        (b"l: 3", b"X: " + b"y" * 9_000 + b"\r\nl: 3"),
        (b"l: 3", b"X: y\r\n" * 300 + b"l: 3"),
        (b"l: 3", b"Max-Forwards: 256\r\nl: 3"),
        (b"INFO sip:b@h", b"INFO  sip:b@h"),
        (b"INFO sip:b@h", b"INFO sip:"),
        (b"INFO sip:b@h", b"IN(FO sip:b@h"),
    ],
)
def test_bad_requests_get_400(old: bytes, new: bytes) -> None:
    """What is wrong is named, and the answer is 400."""
    assert old in GOOD
    with pytest.raises(BadMessage) as caught:
        parse_datagram(GOOD.replace(old, new, 1), ("192.0.2.7", 999))
    assert caught.value.status in (400, None)
    assert caught.value.request is not None


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"\r\n\r\n", b"hello", b"\x00" * 100, GOOD[:60], b"SIP/2.0 99 X\r\n\r\n",
        b"SIP/2.0 700 X\r\n\r\n", GOOD + b"x" * 70_000, b"SIP/2.0 200 OK\r\nVia: x\r\n\r\n",
        GOOD.replace(b"v: SIP/2.0/UDP h:5070", b"v: SIP/2.0/UDP h:0"),
        GOOD.replace(b"v: SIP/2.0/UDP h:5070", b"v: SIP/2.0/UDP h:70000"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_dropped(payload: bytes) -> None:
    """No start line, no Via, too big: silence."""
    with pytest.raises(BadMessage) as caught:
        parse_datagram(payload, ("192.0.2.7", 999))
    assert caught.value.status is None


def test_a_broken_ack_is_not_answered() -> None:
    """No response is ever sent to ACK."""
    with pytest.raises(BadMessage) as caught:
        parse_datagram(GOOD.replace(b"INFO", b"ACK").replace(b"i: c1", b"i: c 1"))
    assert caught.value.status is None


@pytest.mark.parametrize("name", ["self", "cls", "branch", "kwargs"])
def test_parameter_names_that_are_also_python_names(name: str) -> None:
    """A parameter may be called anything (``self`` breaks sipmessage's own reader)."""
    odd = GOOD.replace(b";branch", f";{name}=1;branch".encode()).replace(
        b"INFO sip:b@h ", f"INFO sip:b@h;{name}=1 ".encode()
    )
    assert _status(odd) in ("read", 400)


def _status(payload: bytes) -> int | str | None:
    try:
        parse_datagram(payload, ("192.0.2.7", 999))
    except BadMessage as bad:
        return bad.status
    return "read"


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_else(payload: bytes) -> None:
    """``BadMessage`` is the only error."""
    for start in (b"", b"INVITE sip:x@h SIP/2.0\r\n", GOOD[:120]):
        assert _status(start + payload) in ("read", None, 400, 505)


@given(
    WORD, WORD, WORD, st.integers(0, 2**31 - 1), st.binary(max_size=60),
    st.lists(st.tuples(WORD.map(lambda word: "X-" + word), TEXT), max_size=5),
)  # fmt: skip
def test_request_round_trip(
    user: str, tag: str, call_id: str, cseq: int, body: bytes, more: list[tuple[str, str]]
) -> None:
    """What we write is read back the same."""
    headers = Headers(
        [
            ("Via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKx"),
            ("From", f'"{user}" <sip:{user}@h>;tag={tag}'),
            ("To", f"<sip:{user}@h>"),
            ("Call-ID", call_id),
            ("CSeq", f"{cseq} INFO"),
            *more,
        ]
    )
    request = Request("INFO", f"sip:{user}@h", headers, body)
    again = parse_datagram(request.encode())
    assert isinstance(again, Request)
    assert (again.method, again.uri, again.body) == ("INFO", request.uri, body)
    assert (again.parsed.call_id, again.parsed.cseq) == (call_id, cseq)
    assert (again.parsed.sender.display_name, again.parsed.sender.tag) == (user, tag)
    assert list(again.headers)[:-1] == [(name, value.strip(" ")) for name, value in headers]


@given(st.integers(100, 699), TEXT, st.binary(max_size=60))
def test_response_round_trip(status: int, reason: str, body: bytes) -> None:
    """Responses too, with any reason phrase."""
    headers = parse_datagram(GOOD).headers
    again = parse_datagram(Response(status, reason, headers, body).encode())
    assert isinstance(again, Response)
    assert (again.status, again.reason, again.body) == (status, reason, body)


def test_bytes_that_are_no_utf_8_are_echoed() -> None:
    """Header text of any encoding goes back as it came."""
    raw = GOOD.replace(b"f: <sip", b'f: "\xe9\xff" <sip')
    assert b'"\xe9\xff" <sip:a@h>' in parse_datagram(raw).encode()
