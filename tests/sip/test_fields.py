"""Single header values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.sip.fields import (
    BadField,
    clean,
    parse_address,
    parse_addresses,
    parse_cseq,
    parse_tokens,
    parse_uri,
    parse_via,
    split_list,
    uri_user,
)


@pytest.mark.parametrize(
    ("text", "uri", "name", "tag"),
    [
        ("<sip:a@h>;tag=1", "sip:a@h", "", "1"),
        ("sip:a@h;tag=1", "sip:a@h", "", "1"),
        ('"A, \\"B\\"; <c>" <sip:a@h;x=1>;TAG=2', "sip:a@h;x=1", 'A, "B"; <c>', "2"),
        ("Ann Lee<sip:a@h>", "sip:a@h", "Ann Lee", ""),
        ('<tel:+4930>;p="x;tag=no";tag=3', "tel:+4930", "", "3"),
        ("<sip:a@h> ; tag = 4", "sip:a@h", "", "4"),
    ],
)
def test_addresses(text: str, uri: str, name: str, tag: str) -> None:
    """Both forms, quoted text and parameters are read."""
    address = parse_address(text, "From")
    assert (address.uri, address.display_name, address.tag) == (uri, name, tag)


@pytest.mark.parametrize(
    "text",
    ["", "x", "<>", "<x>", "< sip:a@h>", "<sip:a@h", '"A <sip:a@h>', "A, B <sip:a@h>",
     "sip:a@h?x=1", "<sip:a@h>;;", "<sip:a@h>junk", "<sip:a@h>;tag=", "sip:" + "a" * 9_000],
)  # fmt: skip
def test_bad_addresses(text: str) -> None:
    """All else is refused with one error that names the field."""
    with pytest.raises(BadField, match="From"):
        parse_address(text, "From")


def test_lists() -> None:
    """Commas inside quotes and brackets do not split."""
    assert list(split_list('"a,b" <sip:x@h,y>, c ,d')) == ['"a,b" <sip:x@h,y>', "c", "d"]
    assert [each.uri for each in parse_addresses(["<sip:a@h>, <sip:b@h>", "sip:c@h"], "Route")] == [
        "sip:a@h", "sip:b@h", "sip:c@h",
    ]  # fmt: skip
    assert parse_tokens(["Timer, 100rel", "", " x "]) == ["timer", "100rel", "x"]


def test_via() -> None:
    """The first element is read; host and transport lose their case."""
    via = parse_via("SIP / 2.0 / udp HOST.example:5070 ;branch=z9hG4bK1;rport, SIP/2.0/TCP b")
    assert (via.transport, via.host, via.port, via.branch) == (
        "UDP", "host.example", 5070, "z9hG4bK1",
    )  # fmt: skip
    assert "rport" in via.parameters
    assert parse_via("SIP/2.0/UDP [2001:DB8::1]").host == "[2001:db8::1]"


@pytest.mark.parametrize(
    "text", ["", "SIP/2.0/UDP", "SIP/3.0/UDP h", "SIP/2.0/UDP h:0", "SIP/2.0/UDP h;;", "UDP h"]
)
def test_bad_via(text: str) -> None:
    """An unreadable Via is refused."""
    with pytest.raises(BadField, match="Via"):
        parse_via(text)


@pytest.mark.parametrize(
    ("uri", "user"),
    [
        ("sip:100@h", "100"),
        ("SIP:%31%30@h:5060;user=phone", "10"),
        ("tel:+49-30", "+49-30"),
        ("sip:h", ""),
        ("http://x", ""),
        ("sip:a%00b@h", "a\ufffdb"),
    ],
)
def test_user_of_a_uri(uri: str, user: str) -> None:
    """Escapes are resolved, control characters are not let through."""
    assert uri_user(uri) == user


@pytest.mark.parametrize(
    "text", ["1", "INVITE", "-1 INVITE", "2147483648 INVITE", "1 IN VITE", "١ X"]
)
def test_bad_cseq(text: str) -> None:
    """A number below 2**31 in ASCII digits and a method, nothing else."""
    with pytest.raises(BadField):
        parse_cseq(text)


@given(st.text(max_size=80))
def test_one_error_only(text: str) -> None:
    """Whatever the text, ``BadField`` or a value."""
    for parse in (parse_cseq, parse_via, parse_uri, lambda value: parse_address(value, "To")):
        for start in ("", "sip:", "1 ", "SIP/2.0/UDP ", "<sip:a@h>;"):
            try:
                parse(start + text)
            except BadField:
                continue


@given(st.binary(max_size=60))
def test_cleaned_text_can_be_stored(raw: bytes) -> None:
    """No surrogates and no control characters are left."""
    text = clean(raw.decode("utf-8", "surrogateescape"))
    text.encode()
    assert text.isprintable()
