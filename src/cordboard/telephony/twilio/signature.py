"""Whether a request comes from Twilio: ``X-Twilio-Signature`` over address and form.

The signature is base64 of HMAC-SHA1, keyed with the account's token, over the full address followed
by each form field's name and value, sorted by name (Twilio's "Webhooks Security"). Where the body
is JSON, the address carries ``bodySHA256`` instead. The upgrade to a media stream is signed over
its ``wss`` address with no form.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import parse_qs, urlsplit

HEADER: Final = "X-Twilio-Signature"
_DEFAULT_PORTS: Final = {"https": 443, "wss": 443, "http": 80, "ws": 80}
Form = Sequence[tuple[str, str]]


def sign(token: str, url: str, form: Form = ()) -> str:
    """Return the signature of a request to ``url``, exactly as it is called."""
    text = url + "".join(name + value for name, value in sorted(set(form)))
    digest = hmac.digest(token.encode(), text.encode("utf-8", "surrogatepass"), "sha1")
    return base64.b64encode(digest).decode()


def is_signed(
    token: str, url: str, signature: str, form: Form = (), body: bytes | None = None
) -> bool:
    """Tell whether the holder of ``token`` signed this request.

    ``url`` is the public address, as the far end called it: it may have signed it with the port or
    without. ``body`` is given for anything but a form: then its hash has to stand in the address.
    An empty token or signature is never right.
    """
    if not token or not signature:
        return False
    if body is not None and (form or not _body_matches(url, body)):
        return False
    given = signature.encode("utf-8", "surrogatepass")
    matches = [
        hmac.compare_digest(sign(token, variant, form).encode(), given)
        for variant in _variants(url)
    ]
    return any(matches)


def _body_matches(url: str, body: bytes) -> bool:
    try:
        named = parse_qs(urlsplit(url).query, max_num_fields=100).get("bodySHA256", [])
    except ValueError:
        return False
    wanted = hashlib.sha256(body).hexdigest()
    return len(named) == 1 and hmac.compare_digest(wanted.encode(), named[0].encode())


def _variants(url: str) -> Iterator[str]:
    """Yield the address as it is, without its port, and with the port of its scheme."""
    yield url
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return
    usual = _DEFAULT_PORTS.get(parts.scheme)
    if usual is None or not parts.netloc:
        return
    rest = url[url.index(parts.netloc) + len(parts.netloc) :]
    start = url[: url.index(parts.netloc)]
    if port is None:
        yield f"{start}{parts.netloc}:{usual}{rest}"
    else:
        yield f"{start}{parts.netloc.rpartition(':')[0]}{rest}"
