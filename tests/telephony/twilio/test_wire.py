"""The messages of a media stream: what is documented is read, everything else is one error."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.telephony.twilio.wire import (
    Connected,
    Digit,
    Mark,
    Media,
    Outgoing,
    Start,
    Stop,
    WireError,
    decode,
)

START = {
    "event": "start",
    "sequenceNumber": "1",
    "start": {
        "accountSid": "AC" + "0" * 32,
        "streamSid": "MZ" + "0" * 32,
        "callSid": "CA" + "0" * 32,
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {"FirstName": "Jane"},
    },
    "streamSid": "MZ" + "0" * 32,
}


def test_the_documented_messages() -> None:
    """All six are understood as the vendor's pages print them."""
    connected = decode(b'{"event":"connected","protocol":"Call","version":"1.0.0"}')
    assert connected == Connected("Call", "1.0.0")
    start = decode(json.dumps(START).encode())
    assert isinstance(start, Start)
    assert start.start.custom_parameters == {"FirstName": "Jane"}
    media = decode(
        b'{"event":"media","sequenceNumber":"4","media":{"track":"inbound","chunk":"2",'
        b'"timestamp":"5","payload":"//79"},"streamSid":"MZ1"}'
    )
    assert isinstance(media, Media)
    assert (media.media.payload, media.media.track) == (b"\xff\xfe\xfd", "inbound")
    mark = decode(b'{"event":"mark","sequenceNumber":"4","streamSid":"M","mark":{"name":"m1"}}')
    assert isinstance(mark, Mark)
    assert mark.mark.name == "m1"
    digit = decode(b'{"event":"dtmf","dtmf":{"track":"inbound_track","digit":"#"}}')
    assert isinstance(digit, Digit)
    assert digit.dtmf.digit == "#"
    stop = decode(b'{"event":"stop","stop":{"accountSid":"AC1","callSid":"CA1"},"streamSid":"M"}')
    assert isinstance(stop, Stop)


def test_an_event_of_tomorrow() -> None:
    """An event that is not known is passed over."""
    assert decode(b'{"event":"weather","weather":{"of":["anything"]}}') is None


@pytest.mark.parametrize(
    ("message", "named"),
    [
        (b"", "JSON"),
        (b"[]", "event"),
        (b"{}", "event"),
        (b'{"event":7}', "event"),
        (b'{"event":"media"}', "media"),
        (b'{"event":"media","media":{"payload":"%%%"}}', "payload"),
        (b'{"event":"dtmf","dtmf":{"digit":"12"}}', "dtmf.digit"),
        (b'{"event":"mark","mark":{"name":"' + b"x" * 300 + b'"}}', "mark.name"),
        (b'{"event":"start","start":{"callSid":"CA1"}}', "streamSid"),
        (b'{"event":"start","start":{"callSid":"CA1","streamSid":"M\\"}"}}', "streamSid"),
        (b'{"event":"stop"', "JSON"),
        (b'{"event":"mark","x":' + b"[" * 50_000, "JSON"),
        (b"\xff\xfe", "JSON"),
    ],
)
def test_broken_messages_name_what_is_wrong(message: bytes, named: str) -> None:
    """One error, whose text says where."""
    with pytest.raises(WireError, match=named):
        decode(message)


@pytest.mark.parametrize(
    "change", [{"encoding": "audio/l16"}, {"sampleRate": 16000}, {"channels": 2}]
)
def test_another_form_of_sound(change: dict[str, object]) -> None:
    """Only what the carrier documents is spoken."""
    form = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1, **change}
    start = {**START, "start": {**START["start"], "mediaFormat": form}}  # type: ignore[dict-item]
    with pytest.raises(WireError, match="mediaFormat"):
        decode(json.dumps(start).encode())


@given(st.binary(max_size=300))
def test_any_bytes(message: bytes) -> None:
    """Nothing but the one error escapes."""
    try:
        decode(message)
    except WireError:
        return


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.sampled_from(["connected", "start", "media", "mark", "dtmf", "stop", "other"]),
    st.dictionaries(st.sampled_from(["start", "media", "mark", "dtmf", "stop", "event"]), _JSON),
)
def test_any_json(event: str, rest: dict[str, object]) -> None:
    """Values of other types in any place are the one error, or pass."""
    try:
        decode(json.dumps({"event": event, **rest}).encode())
    except WireError:
        return


@given(st.binary(max_size=4_000), st.from_regex(r"\A[A-Za-z0-9-]{1,40}\Z"))
def test_outgoing_messages(payload: bytes, name: str) -> None:
    """What is built by pieces is the JSON that the vendor documents."""
    outgoing = Outgoing("MZ12ab")
    media = {"payload": base64.b64encode(payload).decode()}
    assert json.loads(outgoing.media(payload)) == {
        "event": "media",
        "streamSid": "MZ12ab",
        "media": media,
    }
    assert json.loads(outgoing.mark(name)) == {
        "event": "mark",
        "streamSid": "MZ12ab",
        "mark": {"name": name},
    }
    assert json.loads(outgoing.clear) == {"event": "clear", "streamSid": "MZ12ab"}
