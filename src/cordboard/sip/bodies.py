"""Bodies that are no session description, and the finding of one among several parts."""

from __future__ import annotations

import re

from cordboard.sip.fields import BadField, parse_parameters
from cordboard.sip.message import Request, Response

SDP_TYPE = "application/sdp"
_DIGITS = {"10": "*", "11": "#", "12": "A", "13": "B", "14": "C", "15": "D"}
_SIGNAL = re.compile(
    rb"^[ \t]*Signal[ \t]*[=:][ \t]*([0-9A-Da-d*#]{1,2})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE
)
_DURATION = re.compile(
    rb"^[ \t]*Duration[ \t]*[=:][ \t]*([0-9]{1,5})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE
)
_STATUS_LINE = re.compile(rb"SIP/2\.0 ([1-6][0-9]{2})(?: ([^\r\n]{0,200}))?", re.IGNORECASE)
_MAX_PARTS = 16


def media_type(message: Request | Response) -> str:
    """Return the Content-Type without parameters in lower case; empty if there is no body."""
    value = message.headers.get("content-type") or ""
    return value.partition(";")[0].strip().lower() if message.body else ""


def sdp_of(message: Request | Response) -> bytes | None:
    """Return the session description of a message, also from a multipart body; None if absent."""
    kind = media_type(message)
    if kind == SDP_TYPE:
        return message.body
    if not kind.startswith("multipart/"):
        return None
    value = message.headers.get("content-type") or ""
    try:
        boundary = parse_parameters(";" + value.partition(";")[2], "Content-Type").get("boundary")
    except BadField:
        return None
    if not boundary or len(boundary) > 70:
        return None
    mark = b"--" + boundary.encode("utf-8", "surrogateescape")
    for part in message.body.split(mark, _MAX_PARTS)[1:_MAX_PARTS]:
        head, _, body = part.partition(b"\r\n\r\n")
        if re.search(
            rb"^content-type[ \t]*:[ \t]*application/sdp\b", head, re.IGNORECASE | re.MULTILINE
        ):
            return body.removesuffix(b"\r\n")
    return None


def digit_of(kind: str, body: bytes) -> tuple[str, int] | None:
    """Read a digit from INFO: the digit and its duration in ms (0: unknown), or None."""
    if kind == "application/dtmf-relay":
        signal = _SIGNAL.search(body[:512])
        duration = _DURATION.search(body[:512])
        text = signal[1].decode().upper() if signal else ""
        duration_ms = int(duration[1]) if duration else 0
    elif kind == "application/dtmf":
        text = body[:16].strip().decode("ascii", "replace").upper()
        duration_ms = 0
    else:
        return None
    text = _DIGITS.get(text, text)
    return (text, duration_ms) if len(text) == 1 and text in "0123456789*#ABCD" else None


def status_of_fragment(body: bytes) -> tuple[int, str] | None:
    """Read the status line of a ``message/sipfrag`` body (RFC 3515)."""
    match = _STATUS_LINE.match(body.lstrip()[:512])
    if match is None:
        return None
    return int(match[1]), (match[2] or b"").decode("utf-8", "replace").strip()
