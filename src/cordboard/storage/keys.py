"""API keys as text: how one is made, recognised, and hashed for keeping."""

from __future__ import annotations

import hashlib
import hmac
import re
import zlib
from typing import Final, Protocol

ROLES: Final = ("operator", "owner", "developer", "viewer")
"""From the one that may do most to the one that may only read."""

OWNER_ROLES: Final = frozenset({"operator", "owner"})
WRITER_ROLES: Final = OWNER_ROLES | {"developer"}

_FORM: Final = re.compile(r"ck_([0-9a-f]{8})_([0-9a-f]{48})([0-9a-f]{8})")


class TokenSource(Protocol):
    """Where a key's random part comes from."""

    def token(self, bits: int = 128) -> str:
        """Return unguessable lower-case hexadecimal text of ``bits`` bits."""
        ...


def new_key(randomness: TokenSource) -> str:
    """Return a fresh key: ``ck_``, 8 characters to tell it by, 192 secret bits, a checksum."""
    body = f"ck_{randomness.token(32)}_{randomness.token(192)}"
    return body + _checksum(body)


def well_formed(key: str) -> bool:
    """Tell whether ``key`` could be one of ours: a mistyped one fails without a look-up."""
    return bool(_FORM.fullmatch(key)) and _checksum(key[:-8]) == key[-8:]


def key_prefix(key: str) -> str:
    """Return the part of a key that may be shown; of a key of foreign make, almost nothing."""
    return key[:11] if well_formed(key) else f"{key[:2]}…"


def key_hash(secret: bytes, key: str) -> str:
    """Return what is kept of a key: HMAC-SHA256 under the server's secret, hexadecimal."""
    return hmac.new(secret, key.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def _checksum(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"
