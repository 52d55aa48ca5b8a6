"""WAV files: round trips, growing files, other writers' files, hostile bytes."""

from __future__ import annotations

import io
import wave as standard_wave

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cordboard.media.codec import G722_WIDE, L16_8K, L16_16K, PCMA, PCMU, Codec
from cordboard.media.wave import BadWave, Wave, header, read, write
from tests.counts import count

CODECS = (PCMU, PCMA, L16_8K, L16_16K)


@given(st.sampled_from(CODECS), st.sampled_from([1, 2]), st.binary(max_size=100))
def test_what_is_written_is_read(codec: Codec, channels: int, sound: bytes) -> None:
    """Every encoding, mono and stereo."""
    whole = sound[: len(sound) // 4 * 4]
    assert read(write(codec, channels, whole)) == Wave(codec, channels, whole)


@given(st.sampled_from(CODECS), st.sampled_from([1, 2]), st.binary(max_size=100))
def test_a_growing_file_is_readable(codec: Codec, channels: int, sound: bytes) -> None:
    """A file whose header was not patched yet is read to its last whole sample."""
    block = channels * (2 if codec in (L16_8K, L16_16K) else 1)
    found = read(header(codec, channels, 0) + sound)
    assert found.sound == sound[: len(sound) // block * block]
    assert len(header(codec, channels, 0)) == len(header(codec, channels, 123_456))


def test_a_patched_header_hides_what_came_after() -> None:
    """Sound beyond the patched length is not played."""
    assert read(header(PCMU, 1, 4) + b"abcdefgh").sound == b"abcd"


def test_the_standard_library_agrees() -> None:
    """Its reader reads ours, ours reads its."""
    with standard_wave.open(io.BytesIO(write(L16_16K, 2, bytes(range(64))))) as reader:
        assert (reader.getnchannels(), reader.getframerate()) == (2, 16_000)
        assert reader.readframes(99) == bytes(range(64))
    file = io.BytesIO()
    with standard_wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(22_050)
        writer.writeframes(b"abcdef")
    found = read(file.getvalue())
    assert (found.codec.rate_hz, found.channel_count, found.sound) == (22_050, 1, b"abcdef")


def test_channels_and_duration() -> None:
    """Stereo comes apart, and a second is a second."""
    found = read(write(PCMU, 2, b"LR" * 8000))
    assert found.channels() == (b"L" * 8000, b"R" * 8000)
    assert found.duration_ms == 1000
    assert read(write(L16_8K, 1, bytes(1600))).channels() == (bytes(1600),)


def test_other_chunks_are_skipped() -> None:
    """Lists and odd-sized chunks before the sound do not matter."""
    file = write(PCMA, 1, b"abcd")
    odd = b"LIST\x03\x00\x00\x00abc\x00"
    assert read(file[:12] + odd + file[12:]).sound == b"abcd"


def test_extensible_files_are_read() -> None:
    """The extensible form of PCM, as sox and others write it."""
    plain = write(L16_8K, 1, b"abcd")
    tail = b"\x16\0\x10\0\4\0\0\0\1\0" + bytes.fromhex("000000001000800000aa00389b71")
    chunk = b"fmt " + (40).to_bytes(4, "little") + b"\xfe\xff" + plain[22:36] + tail
    assert read(plain[:12] + chunk + plain[36:]).sound == b"abcd"


@given(st.binary(max_size=120), st.integers(0, 70), st.integers(0, 255))
@settings(max_examples=count(500, 50_000))
def test_hostile_files_raise_one_error(noise: bytes, at: int, value: int) -> None:
    """Random bytes and files with a changed byte are read or refused, nothing else."""
    changed = bytearray(write(PCMU, 2, b"abcd" * 4))
    changed[at] = value
    for file in (noise, b"RIFF\0\0\0\0WAVE" + noise, bytes(changed), bytes(changed[:at])):
        try:
            found = read(file)
        except BadWave:
            continue
        assert len(found.sound) <= len(file)


@pytest.mark.parametrize(
    ("codec", "channels", "data_bytes", "field"),
    [(G722_WIDE, 1, 0, "codec"), (PCMU, 3, 0, "channels"), (PCMU, 1, 1 << 32, "data_bytes")],
)
def test_what_cannot_be_written(codec: Codec, channels: int, data_bytes: int, field: str) -> None:
    """Impossible headers name their field."""
    with pytest.raises(ValueError, match=field):
        header(codec, channels, data_bytes)
