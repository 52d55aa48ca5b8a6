"""Session descriptions among several parts, and status lines of transfers."""

from __future__ import annotations

import pytest

from cordboard.sip.bodies import media_type, sdp_of, status_of_fragment
from cordboard.sip.message import Headers, Request
from tests.sip.link import SDP


def carrying(kind: str, body: bytes) -> Request:
    """Return a request with a body of that type."""
    return Request("INVITE", "sip:x@h", Headers([("Content-Type", kind)]), body)


def test_plain_description() -> None:
    """application/sdp in any case and with parameters is the description."""
    assert sdp_of(carrying("Application/SDP;charset=utf-8", SDP)) == SDP
    assert sdp_of(carrying("application/sdp", b"")) is None
    assert media_type(carrying("application/sdp", b"")) == ""


def test_description_among_parts() -> None:
    """The SDP part of a multipart body is found, whatever else there is."""
    body = (
        b"--b1\r\nContent-Type: application/isup\r\n\r\n\x01\x02\r\n"
        b"--b1\r\nContent-Disposition: session\r\nContent-Type : application/sdp\r\n\r\n"
        + SDP
        + b"\r\n--b1--\r\n"
    )
    assert sdp_of(carrying('multipart/mixed; boundary="b1"', body)) == SDP


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/mixed", b"--b\r\n\r\nx"),
        ("multipart/mixed;boundary=", b"--b\r\n\r\nx"),
        ("multipart/mixed;boundary=b", b"no parts"),
        ("multipart/mixed;boundary=" + "b" * 100, b"--b"),
        ("multipart/mixed;;", b"--b"),
        ("multipart/mixed;boundary=b", b"--b" * 5_000),
        ("text/plain", SDP),
        ("", SDP),
    ],
)
def test_no_description(kind: str, body: bytes) -> None:
    """What has none has none; nothing raises."""
    assert sdp_of(carrying(kind, body)) is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"SIP/2.0 180 Ringing\r\n", (180, "Ringing")),
        (b"\r\nSIP/2.0 603", (603, "")),
        (b"SIP/2.0 999 X", None),
        (b"", None),
        (b"\xff" * 50, None),
    ],
)
def test_status_of_a_transfer(body: bytes, expected: tuple[int, str] | None) -> None:
    """The status line of a sipfrag, or nothing."""
    assert status_of_fragment(body) == expected
