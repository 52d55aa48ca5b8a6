"""Files whose content is encrypted as it grows: AES-256-GCM, piece by piece.

Layout: a head of ``CBS1``, the master key's id (4 bytes) and a random salt (32 bytes); then pieces,
each its length (4 bytes, big-endian) and as much ciphertext with its tag. Every file has a key of
its own, made by HKDF-SHA256 from the master key, the salt and the place of the file, so that it
opens nowhere else. A piece's nonce is its number: none can be dropped, doubled or moved. The first
piece is a label, the last one an empty end piece that tells that nothing was cut off; a writer that
was killed leaves whole pieces without it, and ``repair`` adds it.
"""

from __future__ import annotations

import fcntl
import os
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cordboard.storage.vault import MasterKey, RandomBytes
from cordboard.storage.wave_file import PART_SUFFIX, sealed_name, sync_directory, write_at

PIECE_MAX_BYTES: Final = 16 * 1024 * 1024

_MAGIC: Final = b"CBS1"
_SALT_BYTES: Final = 32
_HEAD_BYTES: Final = len(_MAGIC) + 4 + _SALT_BYTES
_LENGTH_BYTES: Final = 4
_TAG_BYTES: Final = 16
_PURPOSE: Final = "recordings"


class SealedFileDamaged(OSError):
    """A file does not open: changed, cut off, moved from elsewhere, or made with another key."""


@dataclass(frozen=True, slots=True)
class FileKeys:
    """Makes the keys of files."""

    secret: bytes = field(repr=False)
    key_id: bytes
    random_bytes: RandomBytes

    @classmethod
    def of(cls, key: MasterKey, random_bytes: RandomBytes) -> FileKeys:
        """Return the keys of files under a master key."""
        return cls(key.derive(_PURPOSE), bytes.fromhex(key.key_id), random_bytes)

    def new_head(self) -> bytes:
        """Return the head of a new file."""
        return _MAGIC + self.key_id + self.random_bytes(_SALT_BYTES)

    def cipher(self, head: bytes, place: str) -> AESGCM:
        """Return the cipher of the file that begins with ``head`` and belongs to ``place``.

        Raises:
            SealedFileDamaged: it is no such file, or made with another master key.

        """
        if len(head) != _HEAD_BYTES or head[:-_SALT_BYTES] != _MAGIC + self.key_id:
            raise SealedFileDamaged("not a sealed file under this master key")
        info = f"cordboard/sealed-file/{place}".encode()
        return AESGCM(HKDF(SHA256(), 32, head[-_SALT_BYTES:], info).derive(self.secret))


def _nonce(number: int, *, is_end: bool = False) -> bytes:
    return bytes([is_end]) + number.to_bytes(11, "big")


class SealedWriter:
    """A ``.part`` file under way; every method works on the disk and belongs on a thread.

    The file is locked (``flock``) as long as its writer lives, so that nobody repairs it meanwhile.
    ``size_bytes`` is what was appended. All methods raise ``OSError``.
    """

    def __init__(self, path: Path, keys: FileKeys, place: str, label: bytes) -> None:
        """Create ``path``, whose name ends in ``.part`` and must be free."""
        assert path.name.endswith(PART_SUFFIX)
        self.size_bytes = 0
        self.broken = False
        self._path = path
        self._count = 0
        head = keys.new_head()
        self._cipher = keys.cipher(head, place)
        self._end = len(head)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._fd = os.open(path, flags, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            write_at(self._fd, head, 0)
            self._write(label)
        except OSError:
            self.discard()
            raise

    def append(self, plain: bytes) -> None:
        """Encrypt a piece and write it behind what is there.

        ``broken`` stays true once this failed: what follows would be out of step.
        """
        try:
            self._write(plain)
        except OSError:
            self.broken = True
            raise
        self.size_bytes += len(plain)

    def _write(self, plain: bytes) -> None:
        piece = self._cipher.encrypt(_nonce(self._count), plain, None)
        assert len(piece) <= PIECE_MAX_BYTES
        self._count += 1
        piece = len(piece).to_bytes(_LENGTH_BYTES, "big") + piece
        write_at(self._fd, piece, self._end)
        self._end += len(piece)

    def sync(self) -> None:
        """Bring what was written to the disk itself."""
        os.fdatasync(self._fd)

    def seal(self) -> None:
        """Give the finished file its final name; it is on the disk when this returns."""
        write_at(self._fd, _end_piece(self._cipher, self._count), self._end)
        self.sync()
        self._path.rename(sealed_name(self._path))
        self.close()
        sync_directory(self._path.parent)

    def discard(self) -> None:
        """Remove the file."""
        self._path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Let go of the file as it stands."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class SealedFile:
    """A finished file, to be read from anywhere; it is opened for each read, and may vanish."""

    def __init__(self, path: Path, keys: FileKeys, place: str) -> None:
        """Look the pieces up. Raises ``OSError``, ``SealedFileDamaged`` where it does not open."""
        self._path = path
        with _opened(path) as fd:
            head = os.pread(fd, _HEAD_BYTES, 0)
            self._cipher = keys.cipher(head, place)
            *pieces, end = [*_pieces(fd)] or [(0, 0)]
            if not pieces:
                raise SealedFileDamaged("without pieces")
            _open(self._cipher, fd, end, _nonce(len(pieces), is_end=True))
            self.label = _open(self._cipher, fd, pieces[0], _nonce(0))
        self.tag = head[-_SALT_BYTES:].hex()[:_SALT_BYTES]
        self._pieces = pieces[1:]
        sizes = (length - _TAG_BYTES for _, length in self._pieces)
        self._starts = [0, *accumulate(sizes)]
        self.size_bytes = self._starts[-1]

    def read(self, start: int, size: int) -> bytes:
        """Return ``size`` bytes from ``start`` on, fewer at the end. Raises as the opening does."""
        found = bytearray()
        stop = min(start + size, self.size_bytes)
        with _opened(self._path) as fd:
            while start < stop:
                number = bisect_right(self._starts, start) - 1
                plain = _open(self._cipher, fd, self._pieces[number], _nonce(number + 1))
                within = start - self._starts[number]
                found += plain[within : within + stop - start]
                start = self._starts[number + 1]
        return bytes(found)


def repair(part: Path, keys: FileKeys, place: str) -> bool:
    """Finish a ``.part`` file whose writer is gone; True if it holds anything and can be read now.

    What was not written whole is cut off; a file without content is removed. A file whose writer
    lives is left alone (False). Raises ``OSError`` where the disk refuses.
    """
    fd = os.open(part, os.O_RDWR | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        try:
            cipher = keys.cipher(os.pread(fd, _HEAD_BYTES, 0), place)
        except SealedFileDamaged:
            part.unlink(missing_ok=True)
            return False
        count, end = _whole_pieces(fd, cipher)
        if count < 2:
            part.unlink(missing_ok=True)
            return False
        os.ftruncate(fd, end)
        write_at(fd, _end_piece(cipher, count), end)
        os.fsync(fd)
        part.rename(sealed_name(part))
        sync_directory(part.parent)
        return True
    finally:
        os.close(fd)


def _whole_pieces(fd: int, cipher: AESGCM) -> tuple[int, int]:
    """Return how many pieces from the beginning on are whole, and where they end."""
    count, end = 0, _HEAD_BYTES
    for offset, length in _pieces(fd):
        try:
            _open(cipher, fd, (offset, length), _nonce(count))
        except SealedFileDamaged:
            break
        count, end = count + 1, offset + length
    return count, end


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def _pieces(fd: int) -> Iterator[tuple[int, int]]:
    """Yield offset and length of each ciphertext that is there in full length."""
    size, offset = os.fstat(fd).st_size, _HEAD_BYTES
    while len(head := os.pread(fd, _LENGTH_BYTES, offset)) == _LENGTH_BYTES:
        offset += _LENGTH_BYTES
        length = int.from_bytes(head, "big")
        if not _TAG_BYTES <= length <= PIECE_MAX_BYTES or offset + length > size:
            return
        yield offset, length
        offset += length


def _open(cipher: AESGCM, fd: int, piece: tuple[int, int], nonce: bytes) -> bytes:
    offset, length = piece
    try:
        return cipher.decrypt(nonce, os.pread(fd, length, offset), None)
    except (InvalidTag, ValueError):
        raise SealedFileDamaged("a piece does not open") from None


def _end_piece(cipher: AESGCM, count: int) -> bytes:
    # In a name space of its own: the number may have been used by a piece that was cut off.
    sealed = cipher.encrypt(_nonce(count, is_end=True), b"", None)
    return len(sealed).to_bytes(_LENGTH_BYTES, "big") + sealed
