"""WAV files of PCM16, mu-law and A-law, mono and stereo: headers to write, and a strict parser.

The layout is RIFF/WAVE; the laws carry an extended ``fmt `` chunk and a ``fact`` chunk.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from cordboard.media.codec import Codec, Encoding
from cordboard.media.mixing import separate

HEADER_BYTES_MAX = 58
DATA_BYTES_MAX = 0xFFFFFFFF - HEADER_BYTES_MAX

_TAGS = {Encoding.L16: 1, Encoding.PCMA: 6, Encoding.PCMU: 7}
_ENCODINGS = {tag: encoding for encoding, tag in _TAGS.items()}
_EXTENSIBLE = 0xFFFE
_EXTENSIBLE_BYTES = 40
_SUBFORMAT_TAIL = bytes.fromhex("000000001000800000aa00389b71")
_FORMAT = Struct("<HHIIHH")
_CHUNK = Struct("<4sI")
_CHUNKS_MAX = 64
_STREAMING = (0, 0xFFFFFFFF)


class BadWave(ValueError):
    """Bytes that are not a WAV file we read; the text names the field."""


@dataclass(frozen=True, slots=True)
class Wave:
    """A file's sound: whole samples, interleaved if there are two channels."""

    codec: Codec
    channel_count: int
    sound: bytes

    def channels(self) -> tuple[bytes, ...]:
        """Return the sound of each channel by itself."""
        if self.channel_count == 1:
            return (self.sound,)
        return separate(self.sound, _sample_bytes(self.codec.encoding))

    @property
    def duration_ms(self) -> int:
        """Whole milliseconds."""
        return self.codec.duration_ms(self.sound) // self.channel_count


def header(codec: Codec, channels: int, data_bytes: int) -> bytes:
    """Return what comes before the sound; always of the same length for a codec.

    For a file that grows: write it with 0, append sound, and overwrite it now and then with the
    number of bytes that are there. Raises ``ValueError`` for G.722, for more than two channels and
    for sound of 4 GB.
    """
    tag = _TAGS.get(codec.encoding)
    if tag is None:
        raise ValueError(f"codec: {codec.encoding} has no WAV form")
    if channels not in (1, 2):
        raise ValueError(f"channels: {channels} is neither 1 nor 2")
    if not 0 <= data_bytes <= DATA_BYTES_MAX:
        raise ValueError(f"data_bytes: {data_bytes} do not fit into a WAV file")
    width = _sample_bytes(codec.encoding)
    block = channels * width
    layout = _FORMAT.pack(tag, channels, codec.rate_hz, codec.rate_hz * block, block, 8 * width)
    fact = b""
    if codec.encoding is not Encoding.L16:
        layout += b"\0\0"
        fact = _CHUNK.pack(b"fact", 4) + (data_bytes // block).to_bytes(4, "little")
    chunks = _CHUNK.pack(b"fmt ", len(layout)) + layout + fact
    riff_bytes = 4 + len(chunks) + _CHUNK.size + data_bytes
    return _CHUNK.pack(b"RIFF", riff_bytes) + b"WAVE" + chunks + _CHUNK.pack(b"data", data_bytes)


def write(codec: Codec, channels: int, sound: bytes) -> bytes:
    """Return a whole file. ``sound`` of an odd length is padded as RIFF wants it."""
    return header(codec, channels, len(sound)) + sound + b"\0" * (len(sound) & 1)


def read(file: bytes) -> Wave:
    """Return the sound of a file.

    A file whose lengths were never patched (0 or all ones) is read to its end. Anything else that
    is not whole and well-formed raises ``BadWave``.
    """
    if file[:4] != b"RIFF" or file[8:12] != b"WAVE":
        raise BadWave("file: not RIFF/WAVE")
    layout: tuple[Codec, int] | None = None
    at = 12
    for _ in range(_CHUNKS_MAX):
        if at + _CHUNK.size > len(file):
            raise BadWave("data: missing")
        name, size = _CHUNK.unpack_from(file, at)
        at += _CHUNK.size
        if name == b"data":
            if layout is None:
                raise BadWave("fmt: missing before data")
            return _sound(file, at, size, *layout)
        if at + size > len(file):
            raise BadWave(f"chunk: {name!r} is cut off")
        if name == b"fmt ":
            layout = _layout(file[at : at + size])
        at += size + (size & 1)
    raise BadWave("chunk: too many")


def _sound(file: bytes, at: int, size: int, codec: Codec, channels: int) -> Wave:
    block = channels * _sample_bytes(codec.encoding)
    rest = len(file) - at
    if size in _STREAMING:
        size = rest - rest % block
    if size > rest:
        raise BadWave(f"data: {size} bytes announced, {rest} there")
    if size % block:
        raise BadWave("data: not whole samples")
    return Wave(codec, channels, file[at : at + size])


def _layout(chunk: bytes) -> tuple[Codec, int]:
    if len(chunk) < _FORMAT.size:
        raise BadWave("fmt: too short")
    tag, channels, rate_hz, bytes_per_second, block, bits = _FORMAT.unpack_from(chunk)
    if tag == _EXTENSIBLE and len(chunk) >= _EXTENSIBLE_BYTES:
        if chunk[26:40] != _SUBFORMAT_TAIL:
            raise BadWave("fmt: unknown sub-format")
        tag = int.from_bytes(chunk[24:26], "little")
    encoding = _ENCODINGS.get(tag)
    if encoding is None:
        raise BadWave(f"fmt: format {tag} is not PCM, A-law or mu-law")
    width = _sample_bytes(encoding)
    if channels not in (1, 2) or bits != 8 * width or block != channels * width:
        raise BadWave(f"fmt: {channels} channels of {bits} bits")
    if bytes_per_second != rate_hz * block:
        raise BadWave("fmt: rates do not agree")
    try:
        return Codec(encoding, rate_hz), channels
    except ValueError as error:
        raise BadWave(f"fmt: {error}") from error


def _sample_bytes(encoding: Encoding) -> int:
    return 2 if encoding is Encoding.L16 else 1
