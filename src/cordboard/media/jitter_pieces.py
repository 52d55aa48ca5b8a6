"""Cutting 20 ms frames out of payloads of any length, by their timestamps."""

from __future__ import annotations

from dataclasses import dataclass

from cordboard.media.codec import FRAME_MS, Codec

_HALF = 0x80000000
_MASK = 0xFFFFFFFF


@dataclass(slots=True)
class Piece:
    """Sound that waits: a packet's payload, or what a frame left over of it."""

    payload: bytes
    payload_type: int
    sequence: int


def distance(start: int, end: int) -> int:
    """Return the signed way from one timestamp to another; they wrap at 32 bits."""
    return (end - start + _HALF & _MASK) - _HALF


def assemble(
    pieces: dict[int, Piece], cursor: int, first: Piece | None, codec: Codec
) -> Piece | None:
    """Return one frame at ``cursor``, or nothing when no sound lies there.

    ``pieces`` is keyed by timestamp and loses what is used; ``first`` is the piece at the cursor,
    already taken out. Half a frame's gap is filled by repeating the sound beside it.
    """
    wanted = codec.frame_bytes
    newest = first if first is not None else _enter(pieces, cursor, codec)
    if newest is None:
        return None
    sound = newest.payload
    while len(sound) < wanted:
        following = pieces.pop(cursor + _units(len(sound), codec) & _MASK, None)
        if following is None:
            break
        sound += following.payload
        newest = following
    if len(sound) > wanted:
        rest = Piece(sound[wanted:], newest.payload_type, newest.sequence)
        pieces.setdefault(cursor + codec.rtp_clock_hz * FRAME_MS // 1000 & _MASK, rest)
    return Piece(_filled(sound, wanted), newest.payload_type, newest.sequence)


def _enter(pieces: dict[int, Piece], cursor: int, codec: Codec) -> Piece | None:
    """Take the sound that begins before the cursor or within the frame; drop what has passed."""
    for timestamp in sorted(pieces, key=lambda at: distance(cursor, at)):
        ahead = distance(cursor, timestamp)
        offset = abs(ahead) * codec.bytes_per_second // codec.rtp_clock_hz
        if ahead >= 0 and offset >= codec.frame_bytes:
            return None
        piece = pieces.pop(timestamp)
        if ahead >= 0:
            sound = _filled(piece.payload, offset) + piece.payload
            return Piece(sound, piece.payload_type, piece.sequence)
        if len(piece.payload) > offset:
            return Piece(piece.payload[offset:], piece.payload_type, piece.sequence)
    return None


def _units(size_bytes: int, codec: Codec) -> int:
    return size_bytes * codec.rtp_clock_hz // codec.bytes_per_second


def _filled(sound: bytes, wanted: int) -> bytes:
    """Repeat the sound until it is long enough, then cut it."""
    return (sound * -(-wanted // len(sound)))[:wanted]
