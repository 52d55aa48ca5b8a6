"""Signatures: the vendor's published vectors, its own validator, and mutations of every part."""

from __future__ import annotations

import hashlib
import random
import string

import pytest
from multidict import MultiDict
from twilio.request_validator import RequestValidator

from cordboard.telephony.twilio.signature import is_signed, sign
from tests.counts import count

# The vectors of the vendor's library for Python (tests/unit/test_request_validator.py).
TOKEN = "12345"
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FORM = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
    ("Caller", "+14158675309"),
]
SIGNATURE = "RSOYDt4T1cUTdK1PDd93/VVr8B8="
BODY = b'{"property": "value", "boolean": true}'
BODY_URL = URL + "&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
BODY_SIGNATURE = "a9nBmqA0ju/hNViExpshrM61xv4="
DUPLICATES = [("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678"), ("Digits", "1234")]
DUPLICATES_SIGNATURE = "IK+Dwps556ElfBT0I3Rgjkr1wJU="
HTTP_URL = URL.replace("https", "http")


@pytest.mark.parametrize(
    ("url", "signature"),
    [
        (URL, SIGNATURE),
        (URL.replace(".com", ".com:1234"), SIGNATURE),
        (HTTP_URL.replace(".com", ".com:1234"), "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
        (URL, "kvajT1Ptam85bY51eRf/AJRuM3w="),
        (HTTP_URL, "0ZXoZLH/DfblKGATFgpif+LLRf4="),
    ],
)
def test_published_vectors(url: str, signature: str) -> None:
    """A form is signed with the port, without it, or with the scheme's own."""
    assert is_signed(TOKEN, url, signature, FORM)


def test_published_vector_of_repeated_fields() -> None:
    """Repeated fields go in by name and value."""
    assert sign(TOKEN, URL, DUPLICATES) == DUPLICATES_SIGNATURE
    assert is_signed(TOKEN, URL, DUPLICATES_SIGNATURE, DUPLICATES)


def test_published_vector_of_a_body() -> None:
    """A body that is no form is signed by its hash in the address."""
    assert is_signed(TOKEN, BODY_URL, BODY_SIGNATURE, body=BODY)
    assert not is_signed(TOKEN, BODY_URL, BODY_SIGNATURE, body=BODY + b" ")
    assert not is_signed(TOKEN, URL, SIGNATURE, body=BODY)
    assert not is_signed(TOKEN, BODY_URL, BODY_SIGNATURE, FORM, body=BODY)


def test_the_upgrade_of_a_stream() -> None:
    """A media socket is signed over its wss address, with or without the port."""
    url = "wss://voice.example.com/twilio/media/abc"
    signature = RequestValidator(TOKEN).compute_signature(url, {})
    assert is_signed(TOKEN, url, signature)
    assert is_signed(TOKEN, url, sign(TOKEN, url.replace(".com", ".com:443")))
    assert not is_signed(TOKEN, url + "d", signature)


@pytest.mark.parametrize("token", ["", "other"])
def test_another_secret(token: str) -> None:
    """Another secret, or none, signs nothing."""
    assert not is_signed(token, URL, sign(token, URL, FORM) if token == "" else SIGNATURE, FORM)
    assert not is_signed(TOKEN, URL, "", FORM)


def test_whatever_the_vendor_signs_is_accepted() -> None:
    """Requests of all shapes, signed by the vendor's own library, pass."""
    chance = random.Random(7)
    validator = RequestValidator(TOKEN)
    for _ in range(count(300, 3_000)):
        url, form = _request(chance)
        fields = MultiDict(form)
        assert is_signed(TOKEN, url, validator.compute_signature(url, fields), form), url


def test_mutations() -> None:
    """Not one request whose address, form, signature or secret was touched is let in."""
    chance = random.Random(8)
    for _ in range(count(500, 5_000)):
        url, form = _request(chance)
        signature = sign(TOKEN, url, form)
        changed = _mutate(chance, url, form, signature)
        assert not is_signed(TOKEN, *changed), (url, form, signature, changed)


def _request(chance: random.Random) -> tuple[str, list[tuple[str, str]]]:
    host = chance.choice(["example.com", "a.example.com:8443", "localhost", "[::1]:80", "[::1]"])
    path = "/".join(_text(chance, string.ascii_letters) for _ in range(chance.randint(1, 4)))
    query = "" if chance.random() < 0.5 else f"?a={_text(chance, string.digits)}&b=%20"
    url = f"{chance.choice(['https', 'http', 'wss'])}://{host}/{path}{query}"
    alphabet = string.printable + "äß€😀"
    form = [
        (_text(chance, string.ascii_letters), _text(chance, alphabet))
        for _ in range(chance.randint(0, 12))
    ]
    return url, form


def _text(chance: random.Random, alphabet: str) -> str:
    return "".join(chance.choice(alphabet) for _ in range(chance.randint(1, 20)))


def _mutate(
    chance: random.Random, url: str, form: list[tuple[str, str]], signature: str
) -> tuple[str, str, list[tuple[str, str]]]:
    form = list(form)
    match chance.randint(0, 6):
        case 0:
            at = chance.randrange(url.index("/", 8), len(url))
            url = url[:at] + _other(chance, url[at]) + url[at + 1 :]
        case 1:
            url += _text(chance, string.ascii_letters)
        case 2:
            at = chance.randrange(len(signature) - 2)
            signature = signature[:at] + _other(chance, signature[at]) + signature[at + 1 :]
        case 3 if form:
            at = chance.randrange(len(form))
            name, value = form[at]
            form[at] = name, value + _text(chance, string.ascii_letters)
        case 4 if form:
            form.pop(chance.randrange(len(form)))
        case 5:
            signature = sign(_text(chance, string.ascii_letters) + "!", url, form)
        case _:
            form.append(("zz" + _text(chance, string.ascii_letters), "1"))
    return url, signature, form


def _other(chance: random.Random, character: str) -> str:
    return chance.choice([one for one in string.ascii_letters if one != character])


def test_the_hash_is_of_the_body_as_sent() -> None:
    """The body's hash is taken over its bytes."""
    body = "Grüße".encode("latin-1")
    url = f"{URL}&bodySHA256={hashlib.sha256(body).hexdigest()}"
    assert is_signed(TOKEN, url, sign(TOKEN, url), body=body)
