"""Encryption of stored credentials: AES-256-GCM, bound to the place each secret is stored at.

A stolen database shows nothing, a ciphertext moved to another row or tenant does not open, and a
wrong master key refuses to start instead of reading garbage.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import json
import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

RandomBytes = Callable[[int], bytes]

KEY_SETTING: Final = "CORDBOARD_MASTER_KEY"
KEY_FILE: Final = "master.key"
_CHECK_FILE: Final = "master.check"
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_VERSION: Final = "v1"
_MASK: Final = "****"
_SHOWN_CHARS: Final = 4
# Files that may lie in a data directory before anything was stored in it.
_NO_DATA: Final = frozenset({KEY_FILE, _CHECK_FILE, "lost+found", ".gitkeep"})
_NO_DATA_SUFFIXES: Final = (".lock", ".pid", ".log")


class VaultError(Exception):
    """The vault cannot do what was asked; the message is fit for an operator's eyes."""


class MasterKeyRefused(VaultError):
    """There is no master key that fits this data directory: the server must not start."""


class SecretUnreadable(VaultError):
    """A stored secret does not open: changed, moved from elsewhere, or made with another key."""


@dataclass(frozen=True, slots=True)
class SecretPlace:
    """Where a secret is stored; a ciphertext opens at this place only."""

    organisation_id: str
    table: str
    column: str
    row_id: str

    def associated(self, key_id: str) -> bytes:
        """Return the associated data that binds a ciphertext to this place and key."""
        facts = [_VERSION, key_id, self.organisation_id, self.table, self.column, self.row_id]
        return json.dumps(facts).encode()


@dataclass(frozen=True, slots=True)
class MasterKey:
    """The key all others are derived from; ``key_id`` names it without telling it."""

    secret: bytes = field(repr=False)

    @classmethod
    def from_text(cls, text: str, source: str = KEY_SETTING) -> MasterKey:
        """Read a key from base64 (either alphabet) of at least 32 bytes.

        Raises:
            MasterKeyRefused: it is not; ``source`` is named, the text is not repeated.

        """
        plain = text.strip().translate(str.maketrans("-_", "+/"))
        try:
            secret = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
        except (binascii.Error, ValueError):
            raise MasterKeyRefused(f"the master key in {source} is not base64") from None
        if len(secret) < _KEY_BYTES:
            raise MasterKeyRefused(
                f"the master key in {source} is too short: {len(secret)} bytes, at least "
                f"{_KEY_BYTES} are needed"
            )
        if len(set(secret)) < _KEY_BYTES // 4:
            raise MasterKeyRefused(f"the master key in {source} is too regular to be random")
        return cls(secret)

    @property
    def key_id(self) -> str:
        """Name the key: eight hexadecimal digits that say nothing about it."""
        return self.derive("key-id")[:4].hex()

    @property
    def check(self) -> str:
        """Return the value by which a later start knows this key again; store it openly."""
        return f"{_VERSION}.{self.key_id}.{self.derive('key-check').hex()}"

    def derive(self, purpose: str) -> bytes:
        """Return 32 bytes for one purpose, such as the keyed hash of API keys."""
        info = f"cordboard/{purpose}".encode()
        return HKDF(SHA256(), _KEY_BYTES, salt=None, info=info).derive(self.secret)

    def matches(self, check: str) -> bool:
        """Tell whether ``check`` was made by this key."""
        return hmac.compare_digest(self.check.encode(), check.strip().encode())


def load_master_key(
    data_dir: Path,
    text: str | None,
    random_bytes: RandomBytes,
    *,
    holds_data: bool | None = None,
) -> MasterKey:
    """Find the master key of ``data_dir``, or make one on its first start.

    ``text`` is the setting's value and wins over the file. ``holds_data`` tells whether anything
    was ever stored; without it, files in the directory tell. Of several first starts at the same
    time one makes the key, and all return it.

    Raises:
        MasterKeyRefused: the key is missing, short, readable by others, or not the one this
            directory's data was written with.

    """
    stored = _read_check(data_dir)
    known = stored is not None or (_holds_data(data_dir) if holds_data is None else holds_data)
    key = given_key(data_dir, text)
    if key is None:
        if known:
            raise MasterKeyRefused(
                f"{data_dir} holds data but no master key: put {KEY_FILE} back or set "
                f"{KEY_SETTING}; its secrets cannot be read without it"
            )
        key = _make_key(data_dir, random_bytes)
    if stored is None and known:
        raise MasterKeyRefused(
            f"{data_dir} holds data but no {_CHECK_FILE}, so the master key cannot be checked: "
            f"put the file back"
        )
    if stored is None:
        _write_once(data_dir / _CHECK_FILE, key.check + "\n")
        stored = _read_check(data_dir)
    if stored is None or not key.matches(stored):
        raise MasterKeyRefused(
            f"the master key is not the one that the data in {data_dir} was encrypted with"
        )
    return key


class Vault:
    """Seals and opens secrets under one master key."""

    def __init__(self, key: MasterKey, random_bytes: RandomBytes) -> None:
        """Prepare the cipher; ``random_bytes`` must be a cryptographic source."""
        self._key_id = key.key_id
        self._cipher = AESGCM(key.derive("secrets"))
        self._random_bytes = random_bytes

    def seal(self, secret: str, place: SecretPlace) -> str:
        """Return ``secret`` encrypted for ``place``: printable, and different each time."""
        nonce = self._random_bytes(_NONCE_BYTES)
        assert len(nonce) == _NONCE_BYTES
        plain = secret.encode("utf-8", "surrogatepass")
        sealed = self._cipher.encrypt(nonce, plain, place.associated(self._key_id))
        return f"{_VERSION}.{self._key_id}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, place: SecretPlace) -> str:
        """Return what was sealed at ``place``.

        Raises:
            SecretUnreadable: it was not sealed there, not by this key, or was changed since.

        """
        version, key_id, text = _parts(sealed)
        if version != _VERSION or key_id != self._key_id:
            raise SecretUnreadable(f"a secret in {place.table} was sealed with another key")
        try:
            raw = base64.b64decode(text, altchars=b"-_", validate=True)
            if base64.urlsafe_b64encode(raw).decode() != text:  # bits that decoding ignores
                raise SecretUnreadable(f"a secret in {place.table} was changed")
            plain = self._cipher.decrypt(
                raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], place.associated(key_id)
            )
        except (InvalidTag, binascii.Error, ValueError):
            raise SecretUnreadable(f"a secret in {place.table} does not open") from None
        return plain.decode("utf-8", "surrogatepass")


def mask(secret: str) -> str:
    """Return what an API answer shows of a secret: ``****`` and its last four characters.

    Of a secret so short that four characters would be half of it, nothing is shown.
    """
    shown = secret[-_SHOWN_CHARS:] if len(secret) > 2 * _SHOWN_CHARS else ""
    return _MASK + shown


def is_masked(written: str) -> bool:
    """Tell whether a written value looks like a mask, of whichever secret."""
    return re.fullmatch(r"\*{4}.{0,4}", written, re.DOTALL) is not None


def written_secret(written: str, stored: str | None) -> str | None:
    """Return the secret to keep after a write: writing its mask back changes nothing.

    Raises:
        ValueError: the value is a mask, but not of the secret that is stored.

    """
    if stored is not None and hmac.compare_digest(written.encode(), mask(stored).encode()):
        return stored
    if is_masked(written):
        raise ValueError("is masked: give the secret itself, or leave it out to keep it")
    return written


def fingerprint(key: MasterKey, secret: str) -> str:
    """Return a keyed hash by which a secret can be found again without being stored."""
    return hmac.new(key.derive("fingerprint"), secret.encode(), hashlib.sha256).hexdigest()


def _parts(sealed: str) -> tuple[str, str, str]:
    parts = sealed.split(".")
    if len(parts) != 3:
        raise SecretUnreadable("a stored secret is not in the vault's form")
    return parts[0], parts[1], parts[2]


def given_key(data_dir: Path, text: str | None) -> MasterKey | None:
    """Return the key of the setting, else of the directory's file; None where there is neither.

    Raises:
        MasterKeyRefused: it cannot be read, is malformed, or can be read by others.

    """
    if text is not None:
        return MasterKey.from_text(text)
    path = data_dir / KEY_FILE
    try:
        mode = path.stat().st_mode
        content = path.read_text(encoding="ascii")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise MasterKeyRefused(f"the master key {path} cannot be read: {error}") from None
    if mode & 0o077:
        raise MasterKeyRefused(
            f"the master key {path} can be read by others (mode {mode & 0o777:04o}): "
            f"run chmod 600 {path}"
        )
    return MasterKey.from_text(content, source=str(path))


def _make_key(data_dir: Path, random_bytes: RandomBytes) -> MasterKey:
    text = base64.b64encode(random_bytes(_KEY_BYTES)).decode()
    _write_once(data_dir / KEY_FILE, text + "\n")
    key = given_key(data_dir, None)  # another start may have been first
    if key is None:
        raise MasterKeyRefused(f"the master key in {data_dir} vanished while it was made")
    return key


def _holds_data(data_dir: Path) -> bool:
    if not data_dir.is_dir():
        return False
    return any(
        entry.name not in _NO_DATA and not entry.name.endswith(_NO_DATA_SUFFIXES)
        for entry in data_dir.iterdir()
    )


def _read_check(data_dir: Path) -> str | None:
    try:
        return (data_dir / _CHECK_FILE).read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return None


def _write_once(path: Path, text: str) -> None:
    """Write a file that only we may read, whole or not at all; one that is there stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, unfinished = tempfile.mkstemp(".lock", f".{path.name}.", path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(unfinished)
    finally:
        Path(unfinished).unlink()
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
