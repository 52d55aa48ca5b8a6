"""The tone code: text carried exactly over telephone sound, word by word.

It stands in for a voice where a transcript has to be known to the letter: tests, simulation,
bench and the default demo. Each word is a packet of its own, so that words arrive one by one, a
word cut short is not heard at all, and a word played again from its start is heard whole.

A packet is a row of 20 ms symbols: two of preamble, one length byte, the word's bytes in UTF-8,
and a CRC of two bytes. A symbol carries one byte by two tones, one of 17 below 1.7 kHz and one of
17 above (all multiples of 200/3 Hz, so that they are orthogonal over 15 ms). Nibbles are coded as
steps of 1 to 16 from the tone before, so a tone never lasts longer than one symbol and each group
always changes. As one tone is always above 1.7 kHz and no tone lasts 40 ms, no symbol is a DTMF
digit. The neural model of voice activity gives the tones a probability of 0 throughout: with them,
voice activity has to go by energy.

Words longer than 48 bytes travel as several packets that are put together again.
"""

from __future__ import annotations

from binascii import crc_hqx
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from re import compile as compile_pattern

import numpy as np

from cordboard.media.samples import to_pcm

SYMBOL_MS = 20
GAP_MS = 20
LEVEL_DBOV = -12
TONES_PER_GROUP = 17
TONE_STEP_HZ = 200 / 3
LOWEST_TONE_HZ = 600.0
PIECE_BYTES_MAX = 48
PREAMBLE = ((0, 16), (12, 4))
CONTINUED = 0x80
CONTINUES = 0x40

_AMPLITUDE = 32768 * 10 ** (LEVEL_DBOV / 20)
_RAMP_MS = 1.25
_WORD = compile_pattern(r"\S+")


@dataclass(frozen=True, slots=True)
class WordMark:
    """Where a word of the text lies in its sound; the gap after it is not part of it."""

    text_offset: int
    text_end: int
    start_ms: int
    end_ms: int


def tone_hz(index: int) -> float:
    """Return the frequency of a tone: 0 to 16 are the low group, 17 to 33 the high one."""
    return LOWEST_TONE_HZ + TONE_STEP_HZ * index


def checksum(body: bytes) -> bytes:
    """Return the two check bytes over length byte and word."""
    return crc_hqx(body, 0xFFFF).to_bytes(2, "big")


def encode_word(word: str, rate_hz: int) -> bytes:
    """Return the word's packet as PCM16, without a gap. The word may hold any characters."""
    table = _symbol_table(rate_hz)
    sound: list[bytes] = []
    for body in _bodies(word.encode("utf-8", "replace")):
        sound += [table[low * TONES_PER_GROUP + high] for low, high in PREAMBLE]
        low, high = PREAMBLE[-1]
        for byte in body + checksum(body):
            low = (low + (byte >> 4) + 1) % TONES_PER_GROUP
            high = (high + (byte & 15) + 1) % TONES_PER_GROUP
            sound.append(table[low * TONES_PER_GROUP + high])
    return b"".join(sound)


def encode(text: str, rate_hz: int) -> tuple[bytes, tuple[WordMark, ...]]:
    """Return the sound of a text as PCM16 and where its words lie.

    Words are what white space separates, punctuation included; a decoder's words joined by single
    spaces are the text, up to the kind and number of its spaces. Each word is followed by a gap.
    """
    gap = bytes(2 * (rate_hz * GAP_MS // 1000))
    bytes_per_second = 2 * rate_hz
    sound: list[bytes] = []
    marks: list[WordMark] = []
    size = 0
    for match in _WORD.finditer(text):
        pcm = encode_word(match.group(), rate_hz)
        start_ms = size * 1000 // bytes_per_second
        size += len(pcm)
        marks.append(WordMark(*match.span(), start_ms, size * 1000 // bytes_per_second))
        sound += (pcm, gap)
        size += len(gap)
    return b"".join(sound), tuple(marks)


def _bodies(octets: bytes) -> Iterator[bytes]:
    """Split a word into pieces, each led by its length and whether it is part of a longer word."""
    for start in range(0, max(len(octets), 1), PIECE_BYTES_MAX):
        piece = octets[start : start + PIECE_BYTES_MAX]
        head = len(piece)
        if start:
            head |= CONTINUES
        if start + PIECE_BYTES_MAX < len(octets):
            head |= CONTINUED
        yield bytes((head,)) + piece


@lru_cache(maxsize=8)
def _symbol_table(rate_hz: int) -> tuple[bytes, ...]:
    """Return the sound of every pair of tones, 20 ms each, with soft edges against clicks."""
    sample_count = rate_hz * SYMBOL_MS // 1000
    time = np.arange(sample_count) / rate_hz
    ramp_count = int(rate_hz * _RAMP_MS / 1000)
    envelope = np.ones(sample_count)
    rise = 0.5 - 0.5 * np.cos(np.pi * (np.arange(ramp_count) + 0.5) / ramp_count)
    envelope[:ramp_count] = rise
    envelope[-ramp_count:] = rise[::-1]
    tones = [
        _AMPLITUDE * envelope * np.sin(2 * np.pi * tone_hz(index) * time)
        for index in range(2 * TONES_PER_GROUP)
    ]
    return tuple(
        to_pcm(tones[low] + tones[TONES_PER_GROUP + high])
        for low in range(TONES_PER_GROUP)
        for high in range(TONES_PER_GROUP)
    )
