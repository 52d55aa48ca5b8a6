"""The documents (TwiML) that tell Twilio what to do with a call.

Attribute values and texts are escaped; characters that XML 1.0 cannot carry raise ``ValueError``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape, quoteattr

CONTENT_TYPE: Final = "text/xml"
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?><Response>'
_TAIL: Final = "</Response>"
_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def connect(
    stream_url: str, resume_url: str, status_url: str = "", parameters: Mapping[str, str] = {}
) -> str:
    """Open a media stream both ways, and come back to ``resume_url`` should it ever break off.

    The stream's address carries no query: Twilio drops it. ``status_url`` is told of the stream's
    start, end and errors.
    """
    inner = "".join(
        _element("Parameter", {"name": name, "value": value}) for name, value in parameters.items()
    )
    stream = _element("Stream", {"url": stream_url, "statusCallback": status_url}, inner)
    redirect = _element("Redirect", {"method": "POST"}, _text(resume_url))
    return _document(_element("Connect", {}, stream) + redirect)


def reject(busy: bool = False) -> str:
    """Refuse a call without answering it, so that it costs nothing."""
    return _document(_element("Reject", {"reason": "busy" if busy else "rejected"}))


def hang_up() -> str:
    """End the call."""
    return _document(_element("Hangup", {}))


@dataclass(frozen=True, slots=True, kw_only=True)
class DialPlan:
    """Another number to connect the caller with. Numbers have their ``+``.

    ``resume_url`` is asked what comes next when that ends, with the outcome as
    ``DialCallStatus``; without it the call ends. ``dialled_url`` is told when the number answers,
    and when its leg is over. ``send_digits`` are pressed after the answer, ``w`` waits half a
    second.
    """

    number: str
    caller_id: str
    resume_url: str = ""
    dialled_url: str = ""
    send_digits: str = ""
    timeout_s: int = 30


def dial(plan: DialPlan) -> str:
    """Connect the caller with another number."""
    attributes = {
        "callerId": plan.caller_id,
        "timeout": str(plan.timeout_s),
        "action": plan.resume_url,
        "method": "POST" if plan.resume_url else "",
    }
    told = {
        "sendDigits": plan.send_digits,
        "statusCallback": plan.dialled_url,
        "statusCallbackEvent": "answered completed" if plan.dialled_url else "",
        "statusCallbackMethod": "POST" if plan.dialled_url else "",
    }
    number = _element("Number", told, _text(plan.number))
    return _document(_element("Dial", attributes, number))


def _document(inner: str) -> str:
    return f"{_HEAD}{inner}{_TAIL}"


def _element(name: str, attributes: Mapping[str, str], inner: str = "") -> str:
    """Return an element; attributes without a value are left out."""
    written = "".join(
        f" {key}={quoteattr(_checked(value))}" for key, value in attributes.items() if value
    )
    return f"<{name}{written}>{inner}</{name}>" if inner else f"<{name}{written}/>"


def _text(text: str) -> str:
    return escape(_checked(text))


def _checked(text: str) -> str:
    if _NO_XML.search(text):
        raise ValueError("text: has characters that XML cannot carry")
    return text
