"""Session descriptions: what we read, write and refuse (R47)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.sip.sdp import (
    MAX_MEDIA,
    BadSdp,
    Codec,
    Direction,
    Media,
    SessionDescription,
    parse_sdp,
)

OFFER = b"""v=0\r
o=ann 1 2 IN IP4 192.0.2.1\r
s=call\r
c=IN IP4 192.0.2.1\r
t=0 0\r
m=audio 4000 RTP/AVP 9 8 0 96 101\r
a=rtpmap:96 opus/48000/2\r
a=fmtp:96 useinbandfec=1\r
a=rtpmap:101 telephone-event/8000\r
a=fmtp:101 0-16\r
a=ptime:20\r
a=sendonly\r
m=video 0 RTP/AVP 31\r
"""


def test_reads_what_a_softphone_sends() -> None:
    """Static and dynamic codecs, parameters, packet time and direction are read."""
    description = parse_sdp(OFFER)
    audio, video = description.media
    assert [codec.encoding for codec in audio.codecs] == [
        "G722/8000", "PCMA/8000", "PCMU/8000", "OPUS/48000/2", "TELEPHONE-EVENT/8000",
    ]  # fmt: skip
    assert audio.codecs[4].parameters == "0-16"
    assert (audio.host, audio.port, audio.ptime_ms) == ("192.0.2.1", 4000, 20)
    assert audio.direction is Direction.SENDONLY
    assert (video.kind, video.port) == ("video", 0)


def test_media_address_and_direction_inherit() -> None:
    """Session-level c= and direction hold where a section has none of its own."""
    text = b"v=0\no=- 1 1 IN IP4 192.0.2.1\nc=IN IP4 192.0.2.1\na=inactive\n"
    first, second = parse_sdp(
        text + b"m=audio 4000 RTP/AVP 0\nm=audio 4002 RTP/AVP 0\nc=IN IP4 192.0.2.9\na=sendrecv\n"
    ).media
    assert (first.host, first.direction) == ("192.0.2.1", Direction.INACTIVE)
    assert (second.host, second.direction) == ("192.0.2.9", Direction.SENDRECV)


@pytest.mark.parametrize(
    ("address", "direction", "held"),
    [
        ("192.0.2.1", "sendrecv", False),
        ("192.0.2.1", "recvonly", False),
        ("192.0.2.1", "sendonly", True),
        ("192.0.2.1", "inactive", True),
        ("0.0.0.0", "sendrecv", True),
    ],
)
def test_hold(address: str, direction: str, held: bool) -> None:
    """sendonly, inactive and the old 0.0.0.0 are hold."""
    head = f"v=0\no=- 1 1 IN IP4 192.0.2.1\nc=IN IP4 {address}\n"
    text = f"{head}m=audio 4000 RTP/AVP 0\na={direction}\n"
    assert parse_sdp(text.encode()).media[0].is_on_hold is held


def _changed(old: str, new: str) -> bytes:
    assert old in OFFER.decode()
    return OFFER.decode().replace(old, new).encode()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "v:"),
        (b"v=1\r\n", "v:"),
        (b"\xff\xfe\x00", "sdp:"),
        (OFFER + b"x" * 20_000, "sdp: too long"),
        (OFFER + b"a=x\r\n" * 600, "sdp: too many lines"),
        (OFFER + b"m=audio 4000 RTP/AVP 0\r\n" * MAX_MEDIA, "m: too many media"),
        (OFFER + b"a=" + b"x" * 2_000 + b"\r\n", "a: line too long"),
        (OFFER + b"junk\r\n", "sdp: a line without a type"),
        (_changed("o=ann 1 2 IN IP4 192.0.2.1", "o=ann"), "o:"),
        (_changed("o=ann 1 2", "o=ann x 2"), "o:"),
        (_changed("c=IN IP4 192.0.2.1", "c=IN IP4 example.com"), "c: not an IP literal"),
        (_changed("c=IN IP4 192.0.2.1", "c=IN IP4 224.0.0.1/127"), "c: multicast"),
        (_changed("c=IN IP4 192.0.2.1", "c=IN IP4 255.255.255.255"), "c: multicast"),
        (_changed("c=IN IP4 192.0.2.1", "c=IN IP6 192.0.2.1"), "c: address of the other"),
        (_changed("c=IN IP4 192.0.2.1", "c=IN IP6 ff02::1"), "c: multicast"),
        (_changed("c=IN IP4 192.0.2.1", "c=IN IP6 ::ffff:169.254.169.254"), "c: an IPv4"),
        (_changed("c=IN IP4 192.0.2.1", "c=IN IP6 fe80::1%eth0"), "c: not an IP"),
        (_changed("c=IN IP4 192.0.2.1\r\n", ""), "c: missing"),
        (_changed("audio 4000", "audio 53"), "m: a reserved port"),
        (_changed("audio 4000", "audio 123"), "m: a reserved port"),
        (_changed("audio 4000", "audio 70000"), "m: port"),
        (_changed("audio 4000", "audio -1"), "m: port"),
        (_changed("audio 4000", "audio 4000/9"), "m: a reserved port, or several"),
        (_changed("AVP 9 8", "AVP 300 8"), "m: payload type"),
        (_changed("m=audio 4000 RTP/AVP 9 8 0 96 101", "m=audio"), "m: too few"),
        (_changed("RTP/AVP 9", "RTP/AVP" + " 9" * 100), "m: too few or too many"),
        (_changed("rtpmap:96 opus/48000/2", "rtpmap:96 opus"), "rtpmap:"),
        (_changed("ptime:20", "ptime:0"), "ptime:"),
        (_changed("ptime:20", "ptime:99999999999999999999999"), "ptime:"),
    ],
)
def test_nonsense_is_refused_with_its_reason(body: bytes, reason: str) -> None:
    """Each weapon of R47 is refused by name."""
    with pytest.raises(BadSdp, match=reason):
        parse_sdp(body)


@given(st.binary(max_size=400))
def test_no_bytes_raise_anything_else(body: bytes) -> None:
    """``BadSdp`` is the only error."""
    try:
        parse_sdp(b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n" + body).encode()
    except BadSdp:
        return


HOSTS = st.ip_addresses().map(str).filter(lambda host: not _refused(host))
CODECS = st.builds(
    Codec,
    st.integers(0, 127),
    st.text("abcXYZ019-", min_size=1, max_size=12),
    st.integers(1, 192_000),
    st.integers(1, 8),
    st.text("abc=;0189-", max_size=20),
)


def _refused(host: str) -> bool:
    try:
        family = "IP6" if ":" in host else "IP4"
        parse_sdp(f"v=0\no=- 1 1 IN IP4 1.2.3.4\nc=IN {family} {host}\n".encode())
    except BadSdp:
        return True
    return False


@st.composite
def media(draw: st.DrawFn) -> Media:
    """Draw one audio section."""
    codecs = draw(st.lists(CODECS, min_size=1, max_size=6, unique_by=lambda c: c.payload_type))
    return Media(
        kind="audio",
        port=draw(st.integers(1_024, 65_535)),
        protocol="RTP/AVP",
        formats=tuple(str(codec.payload_type) for codec in codecs),
        host=draw(HOSTS),
        codecs=tuple(codecs),
        direction=draw(st.sampled_from(Direction)),
        ptime_ms=draw(st.none() | st.integers(1, 200)),
    )


@given(
    st.builds(
        SessionDescription,
        st.integers(0, 2**63),
        st.integers(0, 2**63),
        HOSTS,
        st.lists(media(), max_size=4).map(tuple),
        st.text("abc-", min_size=1, max_size=10),
    )
)
def test_round_trip(description: SessionDescription) -> None:
    """What we write is read back the same."""
    assert parse_sdp(description.encode()) == description
