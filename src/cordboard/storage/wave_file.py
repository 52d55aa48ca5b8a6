"""Stereo WAV files: their header, and the repair of one that was left while it grew.

Layout (RIFF/WAVE as in Microsoft's Multimedia Programming Interface 1.0): PCM16 has a header of
44 bytes, mu-law and A-law one of 58 (an extended ``fmt `` and a ``fact`` chunk, as formats other
than PCM need). Files in this form on the disk are from before recordings were encrypted.
"""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path
from typing import Final

from cordboard.media.codec import Codec, Encoding

CHANNEL_COUNT: Final = 2
PART_SUFFIX: Final = ".part"
MAX_SOUND_BYTES: Final = 0xFFFF_FF00 - 58

_TAGS: Final = {Encoding.L16: 1, Encoding.PCMA: 6, Encoding.PCMU: 7}
_PCM_HEADER_BYTES: Final = 44
_LAW_HEADER_BYTES: Final = 58


def sample_bytes(codec: Codec) -> int:
    """Return the size of one sample of one channel in the file.

    Raises:
        ValueError: ``codec`` has no form in a WAV file that everybody reads (G.722).

    """
    if codec.encoding not in _TAGS:
        raise ValueError(f"codec: a recording cannot be written in {codec.encoding}")
    return 2 if codec.encoding is Encoding.L16 else 1


def header(codec: Codec, sound_bytes: int) -> bytes:
    """Return the header of a stereo file that holds ``sound_bytes`` of interleaved samples."""
    width = sample_bytes(codec)
    block = CHANNEL_COUNT * width
    layout = struct.pack(
        "<HHIIHH",
        _TAGS[codec.encoding],
        CHANNEL_COUNT,
        codec.rate_hz,
        codec.rate_hz * block,
        block,
        8 * width,
    )
    extra = b""
    if codec.encoding is not Encoding.L16:
        layout += b"\0\0"
        extra = b"fact" + struct.pack("<II", 4, sound_bytes // block)
    chunks = b"fmt " + struct.pack("<I", len(layout)) + layout + extra
    riff_bytes = 4 + len(chunks) + 8 + sound_bytes
    start = b"RIFF" + struct.pack("<I", riff_bytes) + b"WAVE"
    return start + chunks + b"data" + struct.pack("<I", sound_bytes)


def interleave(left: bytes, right: bytes, width: int) -> bytes:
    """Weave two equally long channels of ``width`` bytes a sample into one stereo stream."""
    if len(left) != len(right):
        raise ValueError("both channels must be equally long")
    woven = bytearray(2 * len(left))
    for offset in range(width):
        woven[offset :: 2 * width] = left[offset::width]
        woven[width + offset :: 2 * width] = right[offset::width]
    return bytes(woven)


def sealed_name(part: Path) -> Path:
    """Return the final name of a ``.part`` file."""
    return part.with_name(part.name.removesuffix(PART_SUFFIX))


def repair(part: Path) -> bool:
    """Seal a ``.part`` file whose writer is gone; True if it held any sound and can be read now.

    A file without sound is removed. A file whose writer lives is left alone (False).

    Raises:
        OSError: the disk refuses.

    """
    fd = os.open(part, os.O_RDWR | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        length = _whole_length(fd)
        if length is None:
            part.unlink(missing_ok=True)
            return False
        header_bytes, sound_bytes = length
        os.ftruncate(fd, header_bytes + sound_bytes)
        _patch_lengths(fd, header_bytes, sound_bytes)
        os.fsync(fd)
        part.rename(sealed_name(part))
        sync_directory(part.parent)
        return True
    finally:
        os.close(fd)


def _whole_length(fd: int) -> tuple[int, int] | None:
    """Return the sizes of header and whole sound, None where there is no sound to save."""
    start = os.pread(fd, _LAW_HEADER_BYTES, 0)
    for header_bytes in (_PCM_HEADER_BYTES, _LAW_HEADER_BYTES):
        if start[header_bytes - 8 : header_bytes - 4] == b"data" and start[:4] == b"RIFF":
            block = int(struct.unpack_from("<H", start, 32)[0])
            sound = min(os.fstat(fd).st_size - header_bytes, MAX_SOUND_BYTES)
            if block in (2, 4) and sound >= block:
                return header_bytes, sound - sound % block
    return None


def _patch_lengths(fd: int, header_bytes: int, sound_bytes: int) -> None:
    write_at(fd, struct.pack("<I", header_bytes - 8 + sound_bytes), 4)
    if header_bytes == _LAW_HEADER_BYTES:
        block = int(struct.unpack("<H", os.pread(fd, 2, 32))[0])
        write_at(fd, struct.pack("<I", sound_bytes // block), header_bytes - 12)
    write_at(fd, struct.pack("<I", sound_bytes), header_bytes - 4)


def write_at(fd: int, payload: bytes, position: int) -> None:
    """Write all of ``payload`` at a place of a file."""
    view = memoryview(payload)
    while view:
        written = os.pwrite(fd, view, position)
        view = view[written:]
        position += written


def sync_directory(path: Path) -> None:
    """Bring the names of a directory to the disk itself."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
