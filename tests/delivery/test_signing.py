"""Bodies and signatures, against the verifiers that receivers use."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import time
from collections.abc import Mapping
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from cordboard.delivery.signing import (
    NotSerialisable,
    SecretInvalid,
    new_secret,
    serialise,
    standard_webhook_headers,
    vocode_signature,
)
from tests.counts import count
from tests.delivery.node import restringify, run_node

SECRET = "MX/9/+iblnUoAAM2Jft8sgeY1bevJvuih2nr7XKPHIY="
BODY = (
    b'{"payload": {"length": "30m", "time": "10:30am"}, '
    b'"call_id": "3c90c3cc-0d44-4b50-8888-8dd25736052a"}'
)
AWKWARD: list[object] = [
    *(0, -0.0, 0.0, 1, -1, 1.0, -2.50, 0.1, 0.1 + 0.2, 1e-6, 1e-7, 1.5e-7, 123456789.125),
    *(1e20, 1e21, 1.25e21, 123e20, 1e22, 5e-324, 1.7976931348623157e308, 2**53, 2**53 + 1, 10**25),
    *(100, 1000000, 1234500.0, 0.00001234, 1e100, 4.35, 9007199254740993, -1e-10, 10**21, 10**20),
    *(
        "Grüße",
        "日本",
        "😀",
        "\ud83d\ude00",
        "\ud83d",
        "\ude00x",
        "a\ude00\ud83d",
        "\x7f",
        "\u2028",
    ),
    *(
        '"\\/\b\f\n\r\t\x00\x1f',
        "",
        "</script>",
        "\ufeff",
        "é",
        None,
        True,
        False,
        [],
        {},
        [[], {}],
    ),
    {"b": 1, "a": 2, "10": 3, "9": 4, "01": 5, "-1": 6, "4294967294": 7, "4294967295": 8, "": 9},
    {"4294967296": 1, "1.0": 2, "0": 3, "__proto__": 4, "constructor": 5, "٣": 6, "1e3": 7},
    {"nested": {"z": [1.0, {"2": "ü", "1": 2.0}], "a": None}},
]


def test_the_documented_vector() -> None:
    """The signature of the known body under the known secret is the known one."""
    assert vocode_signature(SECRET, BODY) == "ObEO60w2Chtg4iKd8jgyomVwBqUYk8Azz9YP99Pho68="
    payload = {"length": "30m", "time": "10:30am"}
    call_id = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
    assert serialise({"payload": payload, "call_id": call_id}, "python") == BODY


@pytest.mark.parametrize("value", AWKWARD, ids=ascii)
def test_python_receivers_verify(value: object) -> None:
    """A receiver that parses and serialises again by ``json.dumps`` gets the same signature."""
    body = serialise({"payload": {"value": value}, "call_id": "x"}, "python")
    again = json.dumps(json.loads(body)).encode()
    expected = base64.b64encode(hmac.digest(base64.b64decode(SECRET), again, hashlib.sha256))
    assert hmac.compare_digest(vocode_signature(SECRET, body).encode(), expected)


def test_node_receivers_verify() -> None:
    """``JSON.stringify(JSON.parse(body))`` gives each compact body back, byte for byte."""
    bodies = [serialise({"payload": {"value": value}}, "compact").decode() for value in AWKWARD]
    assert restringify(bodies) == bodies


def test_compact_says_what_the_values_say() -> None:
    """A compact body is what ECMAScript makes of the Python body, so no value is changed."""
    python = [serialise({"value": value}, "python").decode() for value in AWKWARD]
    compact = [serialise({"value": value}, "compact").decode() for value in AWKWARD]
    assert restringify(python) == compact


def test_node_computes_the_same_signature() -> None:
    """Node's own HMAC over the compact body is our signature."""
    bodies = [serialise({"payload": {"value": value}}, "compact").decode() for value in AWKWARD]
    work = (
        "(text) => require('crypto').createHmac('sha256', Buffer.from("
        f"'{SECRET}', 'base64')).update(JSON.stringify(JSON.parse(text))).digest('base64')"
    )
    assert run_node(work, bodies) == [vocode_signature(SECRET, body.encode()) for body in bodies]


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec=None), max_size=8)
    | st.integers(0, 99).map(str),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=5) | st.integers(0, 2**33).map(str), inner, max_size=5)
    ),
    max_leaves=12,
)


@settings(max_examples=count(5, 50), deadline=None)
@given(st.lists(_JSON, min_size=40, max_size=200))
def test_any_value_survives_node(values: list[object]) -> None:
    """For any JSON value the compact form is a fixed point of Node and what Python's form means."""
    python = [serialise({"v": value}, "python").decode() for value in values]
    compact = [serialise({"v": value}, "compact").decode() for value in values]
    assert restringify(compact) == compact
    assert restringify(python) == compact


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), 10**400, {1, 2}, {1: 2}, b"x"], ids=ascii
)
def test_what_has_no_json_form_is_refused(value: object) -> None:
    """What Node would turn into something else is an error in the compact form."""
    with pytest.raises(NotSerialisable):
        serialise({"v": value}, "compact")


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), {1, 2}, b"x"], ids=ascii)
def test_python_form_refuses_what_is_no_json(value: object) -> None:
    """NaN and foreign types are an error in the Python form as well."""
    with pytest.raises(NotSerialisable):
        serialise({"v": value}, "python")


def test_deep_values_are_refused() -> None:
    """Nesting beyond reason is an error, not a crash."""
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    for form in ("python", "compact"):
        with pytest.raises(NotSerialisable):
            serialise({"v": deep}, "python" if form == "python" else "compact")
    while deep:  # unbuilt by hand: the collector would recurse as deep
        deep = deep[0]  # type: ignore[assignment]


def test_frozen_mappings_serialise() -> None:
    """A read-only mapping is written as the object it shows."""
    frozen: Mapping[str, object] = MappingProxyType({"a": MappingProxyType({"b": 1.0})})
    assert serialise(frozen, "python") == b'{"a": {"b": 1.0}}'
    assert serialise(frozen, "compact") == b'{"a":{"b":1}}'


def test_standard_webhooks_verify() -> None:
    """The reference library accepts the headers, and not for another body or secret."""
    headers = standard_webhook_headers(SECRET, "msg_1", int(time.time()), BODY)
    Webhook(SECRET).verify(BODY, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(BODY + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret(os.urandom)).verify(BODY, headers)


def test_a_new_secret_is_32_bytes() -> None:
    """Secrets are standard base64 of 32 bytes, from the given source."""
    secret = new_secret(lambda size: bytes(range(size)))
    assert base64.b64decode(secret, validate=True) == bytes(range(32))
    assert len(secret) == 44


@pytest.mark.parametrize("secret", ["", "ä", "no base64!", "abc", "a b="])
def test_a_bad_secret_is_one_error(secret: str) -> None:
    """A secret that is no key is refused with the documented error."""
    with pytest.raises(SecretInvalid):
        vocode_signature(secret, b"{}")


@given(st.text(max_size=50))
def test_any_secret_signs_or_is_refused(secret: str) -> None:
    """No text makes anything but a signature or the one error."""
    with contextlib.suppress(SecretInvalid):
        assert len(vocode_signature(secret, b"{}")) == 44
