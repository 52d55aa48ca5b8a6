"""What a target's URL may be, judged without a network."""

from __future__ import annotations

import contextlib
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.egress import EgressPolicy, TargetRefused, check_url, warnings_for
from tests.egress.vectors import ALLOWED, METADATA, REFUSED

STRICT = EgressPolicy()
EVERYTHING = EgressPolicy(open_networks=(ip_network("0.0.0.0/0"), ip_network("::/0")))


@pytest.mark.parametrize("url", REFUSED)
def test_a_bad_target_is_refused_and_named(url: str) -> None:
    """Every spelling of a private, special or metadata target is refused; the field is named."""
    with pytest.raises(TargetRefused) as refusal:
        check_url(url.format(port=8099), STRICT, field="config.url")
    assert refusal.value.field == "config.url"
    assert "config.url" in str(refusal.value)


@pytest.mark.parametrize("url", ALLOWED)
def test_a_public_target_passes(url: str) -> None:
    """Public names and addresses pass, also those that look a little like private ones."""
    check_url(url, STRICT)


@pytest.mark.parametrize("host", METADATA)
def test_metadata_stays_refused(host: str) -> None:
    """Where clouds keep credentials nobody goes, even when the operator opened everything."""
    with pytest.raises(TargetRefused):
        check_url(f"http://{host}/", EVERYTHING)


@pytest.mark.parametrize(
    ("network", "url", "opened"),
    [
        ("127.0.0.0/8", "http://127.0.0.1:9000/", True),
        ("127.0.0.0/8", "http://localhost:9000/", True),
        ("127.0.0.0/8", "http://0x7f.1:9000/", False),
        ("127.0.0.0/8", "http://[::1]:9000/", False),
        ("::1/128", "http://[::1]:9000/", True),
        ("10.0.0.0/8", "http://10.1.2.3/", True),
        ("10.0.0.0/8", "http://[::ffff:10.1.2.3]/", False),
        ("10.0.0.0/8", "http://[2002:a01:203::]/", False),
        ("10.0.0.0/8", "http://192.168.0.1/", False),
        ("fd00::/8", "http://[fd12::1]/", True),
        ("fd00::/8", "http://[fd00:ec2::254]/", False),
        ("0.0.0.0/0", "http://100.64.0.1/", False),
        ("100.64.0.0/10", "http://100.64.0.1/", True),
        ("100.64.0.0/10", "http://100.100.100.200/", False),
        ("0.0.0.0/0", "http://0.0.0.0/", False),
        ("0.0.0.0/0", "http://224.0.0.1/", False),
    ],
)
def test_the_operator_opens_private_ranges_only(network: str, url: str, opened: bool) -> None:
    """An opened network opens its own addresses, in plain spelling, and nothing special."""
    policy = EgressPolicy(open_networks=(ip_network(network),))
    if opened:
        check_url(url, policy)
    else:
        with pytest.raises(TargetRefused):
            check_url(url, policy)


def test_a_refusal_names_the_setting() -> None:
    """What an operator could allow names the variable that allows it."""
    with pytest.raises(TargetRefused) as refusal:
        check_url("http://10.0.0.1/", STRICT)
    assert refusal.value.setting == "CORDBOARD_OPEN_NETWORKS"
    with pytest.raises(TargetRefused) as refusal:
        check_url("http://example.com/", EgressPolicy(allow_http=False))
    assert refusal.value.setting == "CORDBOARD_ALLOW_HTTP_TARGETS"


def test_plain_http_is_warned_of() -> None:
    """A target without encryption is allowed with a warning, an encrypted one without."""
    assert warnings_for("HTTP://example.com/")
    assert warnings_for("ws://example.com/")
    assert not warnings_for("https://example.com/")


def test_ports_may_be_listed_exactly() -> None:
    """A list of ports replaces the built-in rule."""
    policy = EgressPolicy(ports=frozenset({443}))
    check_url("https://example.com/", policy)
    with pytest.raises(TargetRefused):
        check_url("https://example.com:8443/", policy)


@given(st.text(max_size=60) | st.from_regex(r"https?://[0-9a-fx.:\[\]%@\\]{1,30}/?"))
def test_nothing_else_escapes(url: str) -> None:
    """Whatever the text, the answer is a pass or the one refusal."""
    with contextlib.suppress(TargetRefused):
        check_url(url, STRICT)
