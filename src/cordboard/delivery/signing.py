"""Bodies that receivers can serialise again byte for byte, and the signatures over them; pure.

``python`` bodies are what ``json.dumps`` writes by default, which is what the protocol's Python
verifier compares with. ``compact`` bodies are what ECMAScript's ``JSON.stringify(JSON.parse(…))``
makes of themselves (ECMA-262, 25.5), for receivers that verify so.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias

from standardwebhooks import Webhook

SignatureFormat: TypeAlias = Literal["python", "compact"]

SIGNATURE_HEADER: Final = "x-vocode-signature"
_SECRET_BYTES: Final = 32
_DEPTH_MAX: Final = 128
_ARRAY_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,9}")
_ARRAY_INDEX_MAX: Final = 2**32 - 2
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class SecretInvalid(ValueError):
    """A signature secret is not standard base64 of at least one byte."""


class NotSerialisable(ValueError):
    """A value has no JSON form: not a JSON type, not finite, or nested too deeply."""


def new_secret(random_bytes: Callable[[int], bytes]) -> str:
    """Return a fresh signature secret: standard base64 of 32 random bytes."""
    return base64.b64encode(random_bytes(_SECRET_BYTES)).decode()


def secret_bytes(secret_b64: str) -> bytes:
    """Return the key a secret stands for.

    Raises:
        SecretInvalid: it is not standard base64, or empty.

    """
    try:
        key = base64.b64decode(secret_b64.encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        raise SecretInvalid("must be standard base64") from None
    if not key:
        raise SecretInvalid("must not be empty")
    return key


def vocode_signature(secret_b64: str, body: bytes) -> str:
    """Return the value of ``x-vocode-signature``: base64 of HMAC-SHA256 over the raw body.

    Raises:
        SecretInvalid: the secret cannot be a key.

    """
    digest = hmac.new(secret_bytes(secret_b64), body, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def standard_webhook_headers(
    secret_b64: str, message_id: str, timestamp: int, body: bytes
) -> dict[str, str]:
    """Return the three headers of Standard Webhooks 1.0.0; ``timestamp`` is in Unix seconds.

    Raises:
        SecretInvalid: the secret cannot be a key.

    """
    # A dot ends the id in what is signed, so an id with one could be read in two ways.
    assert "." not in message_id, "a message id must not hold a dot"
    at = datetime.fromtimestamp(timestamp, tz=UTC)
    signature = Webhook(secret_bytes(secret_b64)).sign(message_id, at, body.decode())
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature,
    }


def serialise(value: Mapping[str, object], signature_format: SignatureFormat) -> bytes:
    """Return the body of a request in the given form.

    Raises:
        NotSerialisable: the value has no JSON form.

    """
    if signature_format == "compact":
        return "".join(_compact(value, 0)).encode()
    try:
        return json.dumps(value, allow_nan=False, default=_plain).encode()
    except (TypeError, ValueError, RecursionError):
        raise NotSerialisable("the value has no JSON form") from None


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError


def _compact(value: object, depth: int) -> Iterable[str]:
    if depth > _DEPTH_MAX:
        raise NotSerialisable("the value is nested too deeply")
    if value is None or isinstance(value, bool):
        yield {None: "null", True: "true", False: "false"}[value]
    elif isinstance(value, str):
        yield _compact_string(value)
    elif isinstance(value, int | float):
        yield _compact_number(value)
    elif isinstance(value, Mapping):
        yield from _compact_object(value, depth)
    elif isinstance(value, list | tuple):
        yield "["
        for index, item in enumerate(value):
            yield "," if index else ""
            yield from _compact(item, depth + 1)
        yield "]"
    else:
        raise NotSerialisable(f"{type(value).__name__} has no JSON form")


def _compact_object(value: Mapping[object, object], depth: int) -> Iterable[str]:
    yield "{"
    for index, key in enumerate(_in_script_order(value)):
        yield ("," if index else "") + _compact_string(key) + ":"
        yield from _compact(value[key], depth + 1)
    yield "}"


def _in_script_order(keys: Iterable[object]) -> list[str]:
    """Order keys as ECMAScript does: array indices by value, then all others as inserted."""
    indices: list[str] = []
    names: list[str] = []
    for key in keys:
        if not isinstance(key, str):
            raise NotSerialisable("an object's keys must be strings")
        numeric = _ARRAY_INDEX.fullmatch(key) and int(key) <= _ARRAY_INDEX_MAX
        (indices if numeric else names).append(key)
    return sorted(indices, key=int) + names


def _compact_string(text: str) -> str:
    if _SURROGATE.search(text):
        # Two halves that stand together are one character; one alone stays an escape.
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    quoted = json.dumps(text, ensure_ascii=False)
    return _SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", quoted)


def _compact_number(value: float) -> str:
    """Spell a number as ECMAScript's Number::toString does, after reading it as a double."""
    try:
        double = float(value)
    except OverflowError:
        double = math.inf
    if not math.isfinite(double):
        raise NotSerialisable("a number must be finite")
    if double == 0:
        return "0"
    sign = "-" if double < 0 else ""
    mantissa, _, exponent = f"{abs(double)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    point = len(whole) + int(exponent or "0")
    digits = (whole + fraction).lstrip("0")
    point -= len(whole + fraction) - len(digits)
    return sign + _placed(digits.rstrip("0"), point)


def _placed(digits: str, point: int) -> str:
    """Write ``0.digits`` times ten to the power ``point``, by ECMA-262, 6.1.6.1.20."""
    if len(digits) <= point <= 21:
        return digits.ljust(point, "0")
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    power = point - 1
    rest = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{rest}e{'+' if power > 0 else '-'}{abs(power)}"
