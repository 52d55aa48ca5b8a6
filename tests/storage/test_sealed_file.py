"""Files that grow encrypted: what was written comes back, and nothing else ever does."""

from __future__ import annotations

import io
import os
import random
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cordboard.media.codec import L16_16K, PCMU
from cordboard.storage.sealed_file import (
    FileKeys,
    SealedFile,
    SealedFileDamaged,
    SealedWriter,
    repair,
)
from cordboard.storage.stored_sound import SealedWave, SoundStream, codec_of, label_of
from cordboard.storage.vault import MasterKey
from cordboard.storage.wave_file import header
from tests.counts import count

KEY = MasterKey(bytes(range(32)))
KEYS = FileKeys.of(KEY, os.urandom)
PLACE = "org/call.wav"
PIECES = st.lists(st.binary(max_size=300), max_size=6)


def part_of(directory: Path, pieces: list[bytes], label: bytes = b"PCMU/8000") -> SealedWriter:
    """Write pieces into an unfinished file."""
    for leftover in directory.glob("f*"):
        leftover.unlink()
    file = SealedWriter(directory / "f.part", KEYS, PLACE, label)
    for piece in pieces:
        file.append(piece)
    return file


def sealed(directory: Path, pieces: list[bytes]) -> Path:
    """Write pieces into a finished file."""
    file = part_of(directory, pieces)
    file.seal()
    return directory / "f"


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory for files that follow one another."""
    return tmp_path_factory.mktemp("sealed")


@given(PIECES, st.integers(0, 2_000), st.integers(0, 2_000))
def test_any_part_is_read(room: Path, pieces: list[bytes], start: int, size: int) -> None:
    """However it was cut into pieces, every stretch of the content comes back as it was."""
    file = SealedFile(sealed(room, pieces), KEYS, PLACE)
    whole = b"".join(pieces)
    assert (file.label, file.size_bytes) == (b"PCMU/8000", len(whole))
    assert file.read(start, size) == whole[start : start + size]
    assert file.read(0, 10_000) == whole


@given(st.lists(st.binary(min_size=1, max_size=80), min_size=1, max_size=4), st.data())
@settings(max_examples=count(60, 3_000))
def test_every_change_is_noticed(room: Path, pieces: list[bytes], data: st.DataObject) -> None:
    """A byte changed, a tail cut off or added: it does not open, or reads as far as it is whole."""
    path = sealed(room, pieces)
    content = path.read_bytes()
    at = data.draw(st.integers(0, len(content) - 1))
    changed = bytearray(content)
    changed[at] ^= data.draw(st.integers(1, 255))
    for spoilt in (bytes(changed), content[:at], content + b"\0", content + content[at:]):
        path.write_bytes(spoilt)
        if spoilt == content:
            continue
        try:
            read = SealedFile(path, KEYS, PLACE).read(0, 10_000)
        except SealedFileDamaged:
            continue
        # What follows a length that leads beyond the file is not part of it.
        assert spoilt.startswith(content)
        assert read == b"".join(pieces)


def test_pieces_do_not_move(room: Path) -> None:
    """Pieces of the same length that are exchanged, doubled or left out do not open."""
    path = sealed(room, [b"a" * 50, b"b" * 50, b"c" * 50])
    content = path.read_bytes()
    size = 4 + 50 + 16
    begun = len(content) - 20 - 3 * size
    head, end = content[:begun], content[-20:]
    a, b, c = (content[at : at + size] for at in range(begun, begun + 3 * size, size))
    for order in ([b, a, c], [a, a, c], [a, c], [b, c], [a, b], [a, b, c, c], [c, b, a], []):
        path.write_bytes(head + b"".join(order) + end)
        with pytest.raises(SealedFileDamaged):
            SealedFile(path, KEYS, PLACE).read(0, 1_000)


def test_it_opens_at_its_own_place_alone(room: Path) -> None:
    """Another call's name, another kind, another organisation, another master key: damaged."""
    path = sealed(room, [b"sound"])
    for place in ("org/other.wav", "org/call.mp3", "other/call.wav", ""):
        with pytest.raises(SealedFileDamaged):
            SealedFile(path, KEYS, place)
    other = FileKeys.of(MasterKey(bytes(range(1, 33))), os.urandom)
    with pytest.raises(SealedFileDamaged):
        SealedFile(path, other, PLACE)
    assert KEY.secret.hex() not in repr(KEYS)
    assert repr(KEYS.secret) not in repr(KEYS)


@given(st.lists(st.binary(min_size=1, max_size=200), max_size=5), st.data())
def test_a_killed_writer_leaves_a_readable_beginning(
    room: Path, pieces: list[bytes], data: st.DataObject
) -> None:
    """Cut at any byte, or with a tail of zeros, the whole pieces before are kept and no others."""
    part_of(room, pieces).close()
    part, final = room / "f.part", room / "f"
    content = part.read_bytes()
    at = data.draw(st.integers(0, len(content)))
    part.write_bytes(content[:at] + bytes(data.draw(st.integers(0, 300))))
    kept = repair(part, KEYS, PLACE)
    assert not part.exists()
    assert final.exists() == kept
    ends, end = [], len(content) - sum(len(piece) + 20 for piece in pieces)
    for piece in pieces:
        end += len(piece) + 20
        ends.append(end)
    whole = b"".join(piece for piece, end in zip(pieces, ends, strict=True) if end <= at)
    assert kept == bool(whole)
    if kept:
        assert SealedFile(final, KEYS, PLACE).read(0, 10_000) == whole


def test_a_living_writer_is_left_alone(room: Path) -> None:
    """A file that is still written is not repaired."""
    file = part_of(room, [b"x"])
    assert not repair(room / "f.part", KEYS, PLACE)
    file.append(b"y")
    file.seal()
    assert SealedFile(room / "f", KEYS, PLACE).read(0, 9) == b"xy"


def test_no_two_files_are_alike(room: Path) -> None:
    """The same sound at the same place gives another file each time, with no piece in common."""
    contents = [sealed(room, [b"same" * 10]).read_bytes() for _ in range(50)]
    assert len({content[40:] for content in contents}) == 50
    for one, another in pairwise(contents):
        assert one[60:90] not in another


@pytest.mark.parametrize("codec", [PCMU, L16_16K])
def test_a_stream_of_a_recording(room: Path, codec: object) -> None:
    """The WAV file that a recording stands for can be read and sought like any file."""
    assert codec in (PCMU, L16_16K)
    kept = PCMU if codec is PCMU else L16_16K
    file = part_of(room, [b"\x01\x02\x03\x04" * 100, b"\x05\x06\x07\x08" * 100], label_of(kept))
    file.seal()
    sound = SealedWave(SealedFile(room / "f", KEYS, PLACE))
    plain = header(kept, 800) + b"\x01\x02\x03\x04" * 100 + b"\x05\x06\x07\x08" * 100
    stream, wanted = SoundStream(sound), io.BytesIO(plain)
    chance = random.Random(1)
    for _ in range(200):
        offset, whence = chance.randrange(-50, 900), chance.choice([0, 1, 2])
        base = (0, wanted.tell(), len(plain))[whence]
        target = max(0, base + (-offset if whence == 2 else offset))
        assert stream.seek(target) == wanted.seek(target)
        size = chance.randrange(1, 500)
        assert stream.read(size) == wanted.read(size)
        assert stream.tell() == wanted.tell()
    assert stream.seek(0, io.SEEK_END) == len(plain)
    assert codec_of(label_of(kept)) == kept


@pytest.mark.parametrize("label", [b"", b"PCMU", b"PCMU/8001", b"MP3/8000", b"\xff/1"])
def test_a_label_that_names_no_codec(label: bytes) -> None:
    """What is not a recording's label is damage."""
    with pytest.raises(SealedFileDamaged):
        codec_of(label)


def test_it_costs_little(room: Path) -> None:
    """To encrypt a second of a call's sound takes less than a thousandth of it."""
    file = part_of(room, [])
    second = os.urandom(2 * 8_000)
    begun = time.thread_time()
    for _ in range(300):
        file.append(second * 2)
    spent_s = time.thread_time() - begun
    file.discard()
    assert spent_s < 0.6
