"""Documents: what the vendor's own library writes, and nothing that could break out of it."""

from __future__ import annotations

from xml.etree.ElementTree import Element, fromstring, tostring

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.twiml.voice_response import Connect, Dial, VoiceResponse

from cordboard.telephony.twilio import twiml


def _same(ours: str, theirs: VoiceResponse) -> bool:
    return _shape(fromstring(ours)) == _shape(fromstring(str(theirs)))  # noqa: S314


def _shape(element: Element) -> tuple[object, ...]:
    children = [_shape(child) for child in element]
    return element.tag, sorted(element.attrib.items()), (element.text or "").strip(), children


def test_connect_is_what_the_vendor_writes() -> None:
    """A stream with its parameters, and the way back behind it."""
    theirs = VoiceResponse()
    connect = Connect()
    stream = connect.stream(url="wss://a/b", status_callback="https://a/s")
    stream.parameter(name="x", value='1 & "2"')
    theirs.append(connect)
    theirs.redirect("https://a/r?x=1&y=2", method="POST")
    ours = twiml.connect("wss://a/b", "https://a/r?x=1&y=2", "https://a/s", {"x": '1 & "2"'})
    assert _same(ours, theirs)


def test_dial_is_what_the_vendor_writes() -> None:
    """A number, our caller id, and where to come back to."""
    theirs = VoiceResponse()
    dial = Dial(caller_id="+12025550101", timeout=20, action="https://a/r", method="POST")
    dial.number(
        "+12025550102",
        send_digits="ww42",
        status_callback="https://a/d",
        status_callback_event="answered completed",
        status_callback_method="POST",
    )
    theirs.append(dial)
    plan = twiml.DialPlan(
        number="+12025550102",
        caller_id="+12025550101",
        resume_url="https://a/r",
        dialled_url="https://a/d",
        send_digits="ww42",
        timeout_s=20,
    )
    assert _same(twiml.dial(plan), theirs)


def test_refusals_are_what_the_vendor_writes() -> None:
    """Reject costs nothing; hang-up ends a call that is up."""
    for busy, reason in ((True, "busy"), (False, "rejected")):
        theirs = VoiceResponse()
        theirs.reject(reason=reason)
        assert _same(twiml.reject(busy), theirs)
    theirs = VoiceResponse()
    theirs.hangup()
    assert _same(twiml.hang_up(), theirs)


@given(st.text(max_size=50), st.text(max_size=50))
def test_nothing_breaks_out(url: str, value: str) -> None:
    """Any text comes out of the document as it went in, or is refused."""
    try:
        written = twiml.connect("wss://a" + url, "https://a" + url, "", {"v": value})
    except ValueError:
        return
    root = fromstring(written)  # noqa: S314
    assert [child.tag for child in root] == ["Connect", "Redirect"]
    stream = root[0][0]
    assert stream.attrib["url"] == "wss://a" + url
    # An XML reader takes every line end in a text for a line feed.
    expected = ("https://a" + url).replace("\r\n", "\n").replace("\r", "\n")
    assert root[1].text == expected
    assert tostring(root)


@pytest.mark.parametrize("text", ["\x00", "\x1b", "\ud800", "\ufffe"])
def test_characters_that_no_document_can_carry(text: str) -> None:
    """They are refused, not dropped."""
    with pytest.raises(ValueError, match="XML"):
        twiml.dial(twiml.DialPlan(number=text, caller_id="+12025550101"))
