"""Digest authentication, both sides (RFC 7616, RFC 2617, RFC 8760).

Server: nonces are signed, not stored; they live 60 s, and each use must carry a higher nonce count.
Client: credentials answer only the realm that they were made for.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

NONCE_LIFE_MS = 60_000
MAX_TRACKED_NONCES = 10_000
_MAX_CHARS = 4_096
_PARAMETER = re.compile(
    r'[ \t]*([A-Za-z0-9\-]+)[ \t]*=[ \t]*("(?:[^"\\]|\\.)*"|[^\s,"]+)[ \t]*(?:,|$)', re.DOTALL
)
STRONG = ("SHA-256",)
WEAK = ("MD5",)
"""For telephones that know nothing better."""

_ALGORITHMS = {"SHA-256": hashlib.sha256, "MD5": hashlib.md5}


class BadAuthorization(ValueError):
    """An authentication header is not Digest or not readable."""


class DigestVerdict(StrEnum):
    """What became of a peer's credentials."""

    ACCEPTED = "accepted"
    MISSING = "missing"
    STALE = "stale"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who we are towards one realm (an empty realm: whichever the called peer names)."""

    username: str
    password: str
    realm: str = ""
    allow_md5: bool = True


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a server asks for."""

    realm: str
    nonce: str
    algorithm: str
    opaque: str | None
    qop: bool


def parse_digest(text: str) -> dict[str, str]:
    """Read ``Digest name=value, …`` into a dict. Raises ``BadAuthorization``."""
    scheme, _, rest = text.strip().partition(" ")
    if scheme.lower() != "digest" or len(rest) > _MAX_CHARS:
        raise BadAuthorization("not Digest")
    found: dict[str, str] = {}
    position = 0
    while position < len(rest):
        match = _PARAMETER.match(rest, position)
        if match is None or match[1].lower() in found:
            raise BadAuthorization("parameters not readable")
        found[match[1].lower()] = _unquoted(match[2])
        position = match.end()
    return found


def digest_response(
    algorithm: str, credentials: Credentials, method: str, fields: dict[str, str]
) -> str:
    """Compute the response value (RFC 7616 section 3.4.1); ``auth`` or no qop, no ``-sess``."""

    def hashed(*parts: str) -> str:
        text = ":".join(parts).encode("utf-8", "surrogateescape")
        return _ALGORITHMS[algorithm](text).hexdigest()

    secret = hashed(credentials.username, fields["realm"], credentials.password)
    asked = hashed(method, fields["uri"])
    if fields.get("qop") == "auth":
        once = (fields["nonce"], fields["nc"], fields["cnonce"], "auth")
        return hashed(secret, *once, asked)
    return hashed(secret, fields["nonce"], asked)


class DigestServer:
    """Challenges and checks requests for one realm."""

    def __init__(self, realm: str, secret: bytes, new_token: Callable[[], str]) -> None:
        self._realm = realm
        self._secret = secret
        self._new_token = new_token
        self._last_count: OrderedDict[str, int] = OrderedDict()

    def challenge(
        self, now_ms: int, *, algorithms: Sequence[str] = STRONG, stale: bool = False
    ) -> tuple[tuple[str, str], ...]:
        """Return a ``WWW-Authenticate`` field for each algorithm, the preferred one first.

        Many telephones read only the first and know only MD5, though RFC 7616 lets both be offered.
        """
        nonce = self._nonce(now_ms)
        start = f'Digest realm="{self._realm}", nonce="{nonce}"'
        ending = ', stale="true"' if stale else ""
        return tuple(
            (
                "WWW-Authenticate",
                f'{start}, algorithm={name}, qop="auth"{ending}',
            )
            for name in algorithms
        )

    def check(
        self,
        authorization: list[str],
        method: str,
        find_password: Callable[[str], str | None],
        now_ms: int,
        *,
        algorithms: Sequence[str] = STRONG,
    ) -> tuple[DigestVerdict, str]:
        """Judge the Authorization fields of a request; return the verdict and the user name.

        An unknown user takes as long as a wrong password. A replayed nonce count is ``STALE``:
        the peer is asked again.
        """
        fields = self._fields(authorization)
        if fields is None:
            return DigestVerdict.MISSING, ""
        user = fields["username"]
        algorithm = fields.get("algorithm", "MD5").upper()
        if algorithm not in _ALGORITHMS or algorithm not in algorithms:
            return DigestVerdict.MISSING, user
        password = find_password(user)
        expected = digest_response(
            algorithm, Credentials(user, password or self._new_token()), method, fields
        )
        given = fields["response"].lower().encode("utf-8", "surrogateescape")
        right = hmac.compare_digest(expected.encode(), given)
        if not right or password is None:
            return DigestVerdict.WRONG, user
        if not self._is_fresh(fields["nonce"], now_ms):
            return DigestVerdict.STALE, user
        if not self._count_rises(fields["nonce"], int(fields["nc"], 16)):
            return DigestVerdict.STALE, user
        return DigestVerdict.ACCEPTED, user

    def _fields(self, authorization: list[str]) -> dict[str, str] | None:
        """Return the first readable credentials for our realm, complete for qop=auth."""
        for text in authorization[:8]:
            try:
                fields = parse_digest(text)
            except BadAuthorization:
                continue
            if any(name not in fields for name in _NEEDED) or fields["realm"] != self._realm:
                continue
            if fields["qop"] == "auth" and re.fullmatch(r"[0-9a-fA-F]{8}", fields["nc"]):
                return fields
        return None

    def _nonce(self, now_ms: int) -> str:
        body = f"{now_ms:x}.{self._new_token()}"
        return f"{body}.{self._signature(body)}"

    def _signature(self, body: str) -> str:
        text = body.encode("utf-8", "surrogateescape")
        return hmac.new(self._secret, text, hashlib.sha256).hexdigest()[:32]

    def _is_fresh(self, nonce: str, now_ms: int) -> bool:
        body, _, signature = nonce.rpartition(".")
        given = signature.encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(self._signature(body).encode(), given):
            return False
        age_ms = now_ms - int(body.partition(".")[0], 16)
        return 0 <= age_ms <= NONCE_LIFE_MS

    def _count_rises(self, nonce: str, count: int) -> bool:
        """Note the nonce count of an honest login; only those take room in the table."""
        if count <= self._last_count.get(nonce, 0):
            return False
        self._last_count[nonce] = count
        self._last_count.move_to_end(nonce)
        if len(self._last_count) > MAX_TRACKED_NONCES:
            self._last_count.popitem(last=False)
        return True


def choose_challenge(values: list[str], credentials: Credentials) -> Challenge | None:
    """Pick the strongest challenge that the credentials may answer, or None."""
    best: Challenge | None = None
    for text in values[:8]:
        try:
            fields = parse_digest(text)
        except BadAuthorization:
            continue
        algorithm = fields.get("algorithm", "MD5").upper()
        realm, nonce = fields.get("realm"), fields.get("nonce")
        if realm is None or nonce is None or algorithm not in _ALGORITHMS:
            continue
        if credentials.realm and credentials.realm != realm:
            continue
        if algorithm == "MD5" and (best is not None or not credentials.allow_md5):
            continue
        offered = [part.strip() for part in fields.get("qop", "").lower().split(",")]
        if "qop" in fields and "auth" not in offered:
            continue
        if best is None or best.algorithm == "MD5":
            best = Challenge(realm, nonce, algorithm, fields.get("opaque"), "qop" in fields)
    return best


def answer_challenge(
    challenge: Challenge, credentials: Credentials, method: str, uri: str, cnonce: str
) -> str:
    """Return the value of Authorization or Proxy-Authorization for a first use of the nonce."""
    fields = {"realm": challenge.realm, "nonce": challenge.nonce, "uri": uri}
    if challenge.qop:
        fields |= {"qop": "auth", "nc": "00000001", "cnonce": cnonce}
    response = digest_response(challenge.algorithm, credentials, method, fields)
    parts = [f"username={_quoted(credentials.username)}"]
    parts += [f"{name}={_quoted(fields[name])}" for name in ("realm", "nonce", "uri")]
    parts += [f'response="{response}"', f"algorithm={challenge.algorithm}"]
    if challenge.qop:
        parts += ["qop=auth", "nc=00000001", f"cnonce={_quoted(cnonce)}"]
    if challenge.opaque is not None:
        parts.append(f"opaque={_quoted(challenge.opaque)}")
    return "Digest " + ", ".join(parts)


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL) if text[0] == '"' else text


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


_NEEDED = ("username", "realm", "nonce", "uri", "response", "qop", "nc", "cnonce")
