"""Recordings as they are read: sealed ones opened, older ones in clear as they are."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from cordboard.media.codec import Codec, Encoding
from cordboard.storage.sealed_file import SealedFile, SealedFileDamaged
from cordboard.storage.wave_file import header


class StoredSound(Protocol):
    """A file of sound; ``tag`` is another one for each file, and says nothing about it."""

    @property
    def size_bytes(self) -> int:
        """How long it is."""
        ...

    @property
    def tag(self) -> str:
        """What tells it from others."""
        ...

    def read(self, start: int, size: int) -> bytes:
        """Return ``size`` bytes from ``start`` on, fewer at the end. Raises ``OSError``."""
        ...


class PlainFile:
    """A file in clear, from before recordings were encrypted."""

    def __init__(self, path: Path) -> None:
        """Look at it. Raises ``OSError``."""
        found = path.stat()
        self._path = path
        self.size_bytes = found.st_size
        facts = f"{path.name} {found.st_size} {found.st_mtime_ns}".encode()
        self.tag = hashlib.sha256(facts).hexdigest()[:32]

    def read(self, start: int, size: int) -> bytes:
        """Return ``size`` bytes from ``start`` on, fewer at the end. Raises ``OSError``."""
        with self._path.open("rb") as file:
            file.seek(start)
            return file.read(size)


class SealedWave:
    """A sealed recording as the WAV file that it would be in clear."""

    def __init__(self, file: SealedFile) -> None:
        """Raises ``SealedFileDamaged`` where its label names no codec."""
        self._file = file
        self._header = header(codec_of(file.label), file.size_bytes)
        self.tag = file.tag
        self.size_bytes = len(self._header) + file.size_bytes

    def read(self, start: int, size: int) -> bytes:
        """Return ``size`` bytes from ``start`` on, fewer at the end. Raises ``OSError``."""
        begun = self._header[start : start + size]
        rest = self._file.read(max(0, start - len(self._header)), size - len(begun))
        return begun + rest


class SoundStream(io.RawIOBase):
    """Stored sound as an open file, for libraries that want one."""

    def __init__(self, sound: StoredSound) -> None:
        super().__init__()
        self._sound = sound
        self._at = 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be read from anywhere."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to another place and return it."""
        bases: dict[int, Callable[[], int]] = {
            io.SEEK_SET: lambda: 0,
            io.SEEK_CUR: lambda: self._at,
            io.SEEK_END: lambda: self._sound.size_bytes,
        }
        self._at = max(0, bases[whence]() + offset)
        return self._at

    def tell(self) -> int:
        """Return the place."""
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill ``buffer`` as far as there is sound; returns how far."""
        found = self._sound.read(self._at, len(buffer))
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)


def label_of(codec: Codec) -> bytes:
    """Return the label of a recording in ``codec``."""
    return f"{codec.encoding}/{codec.rate_hz}".encode()


def codec_of(label: bytes) -> Codec:
    """Return the codec that a label names. Raises ``SealedFileDamaged`` where it names none."""
    try:
        encoding, _, rate_hz = label.decode("ascii").partition("/")
        return Codec(Encoding(encoding), int(rate_hz))
    except ValueError:
        raise SealedFileDamaged("the label names no codec") from None
