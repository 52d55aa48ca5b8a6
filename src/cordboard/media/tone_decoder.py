"""The receiving side of the tone code: finds packets in a stream and checks them.

The sound is looked at every 5 ms through a window of 15 ms, so that at least one window of four
lies within each symbol whatever the offset. Silence costs one level measurement a push.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cordboard.media import g711
from cordboard.media.tone_encoder import (
    CONTINUED,
    CONTINUES,
    PIECE_BYTES_MAX,
    PREAMBLE,
    SYMBOL_MS,
    TONES_PER_GROUP,
    checksum,
    tone_hz,
)

HOP_MS = 5
WINDOW_MS = 15
_HOPS = SYMBOL_MS // HOP_MS
_FLOOR_DBOV = -28.0
_QUALITY_MIN = 0.5
_SHARE_MIN = 0.1
_LENGTH_MASK = 0x3F
_NOTHING = -1
_FIRST, _SECOND = (low * TONES_PER_GROUP + high for low, high in PREAMBLE)
_ALIGNMENTS = 2


@dataclass(frozen=True, slots=True)
class Heard:
    """A word and where it lay, in milliseconds since the first pushed sample."""

    word: str
    start_ms: int
    end_ms: int


class ToneDecoder:
    """Hears the words in one stream of PCM16 at 8, 16, 24 or 48 kHz.

    Tones below ``floor_dbov`` (words are sent at -12) are not heard: an echo that is
    20 dB down stays unheard. Text that is not UTF-8 is dropped, like every packet whose check
    fails.
    """

    __slots__ = (
        "_base",
        "_floor_rms",
        "_position",
        "_quality",
        "_rate_hz",
        "_reading",
        "_symbols",
        "_tail",
        "_words",
    )

    def __init__(self, rate_hz: int, floor_dbov: float = _FLOOR_DBOV) -> None:
        if rate_hz % 1000 or not 8000 <= rate_hz <= 48000:
            raise ValueError(f"rate_hz: {rate_hz} has no whole window")
        self._rate_hz = rate_hz
        self._floor_rms = g711.FULL_SCALE * 10 ** (floor_dbov / 20)
        self._tail = b""
        self._position = 0  # sample index of the tail's start, and so of the next window
        self._symbols: list[int] = []
        self._quality: list[float] = []
        self._base = 0  # sample index of the first window in _symbols
        self._reading: _Reading | None = None
        self._words = _Pieces()

    def push(self, pcm: bytes) -> list[Heard]:
        """Take the next samples, any number of them, and return the words they completed."""
        if not self._symbols and g711.rms(pcm) < self._floor_rms / 2:
            self._keep(self._tail + pcm)
            return []
        heard: list[Heard] = []
        block_bytes = 2 * self._rate_hz * SYMBOL_MS // 1000
        for start in range(0, len(pcm), block_bytes):
            self._analyse(pcm[start : start + block_bytes])
            self._scan(heard)
        return heard

    def _keep(self, pcm: bytes) -> None:
        """Skip silence, but keep one window, in which a symbol may begin."""
        drop = max(len(pcm) - 2 * self._rate_hz * WINDOW_MS // 1000, 0)
        self._tail = pcm[drop:]
        self._position += drop // 2

    def _analyse(self, block: bytes) -> None:
        """Append symbol and quality of each whole window in tail and block."""
        pcm = self._tail + block
        hop = self._rate_hz * HOP_MS // 1000
        count = (len(pcm) // 2 - hop * (WINDOW_MS // HOP_MS)) // hop + 1
        if count <= 0:
            self._tail = pcm
            return
        if not self._symbols:
            self._base = self._position
        samples = np.frombuffer(pcm, "<i2").astype(np.float32)
        symbols, quality = _read_windows(samples, self._rate_hz, count, self._floor_rms)
        self._symbols += symbols
        self._quality += quality
        self._tail = pcm[2 * hop * count :]
        self._position += hop * count

    def _scan(self, heard: list[Heard]) -> None:
        """Find preambles and read what follows them as far as the windows go."""
        symbols = self._symbols
        at = 0
        while True:
            reading = self._reading
            if reading is None:
                at = self._find(at)
                if self._reading is None:
                    break
                continue
            reading.read(symbols)
            if not reading.done:
                at = reading.start
                break
            self._reading = None
            if reading.body is None:
                at = reading.start + 1
                continue
            self._deliver(reading, reading.body, heard)
            at = reading.next - 1
        self._forget(at)

    def _find(self, at: int) -> int:
        """Look for a preamble from window ``at`` on; return where to go on looking."""
        symbols, quality = self._symbols, self._quality
        last = len(symbols) - _HOPS - _ALIGNMENTS
        while at < last:
            if symbols[at] == _FIRST and symbols[at + _HOPS] == _SECOND:
                best = at
                for other in range(at + 1, at + 1 + _ALIGNMENTS):
                    if symbols[other] != _FIRST or symbols[other + _HOPS] != _SECOND:
                        break
                    if (
                        quality[other] + quality[other + _HOPS]
                        > quality[best] + quality[best + _HOPS]
                    ):
                        best = other
                self._reading = _Reading(best)
                return best
            at += 1
        return at

    def _deliver(self, reading: _Reading, body: bytes, heard: list[Heard]) -> None:
        base_ms = self._base * 1000 // self._rate_hz
        start_ms = base_ms + reading.start * HOP_MS
        word = self._words.add(body, start_ms)
        if word is not None:
            end_ms = base_ms + reading.next * HOP_MS
            heard.append(Heard(word, self._words.start_ms, end_ms))

    def _forget(self, at: int) -> None:
        """Drop windows that are done with; with nothing but silence left, go idle."""
        symbols = self._symbols
        if self._reading is None and all(symbol == _NOTHING for symbol in symbols[at:]):
            at = len(symbols)
        del symbols[:at], self._quality[:at]
        self._base += at * self._rate_hz * HOP_MS // 1000
        if self._reading is not None:
            self._reading.shift(at)


class _Reading:
    """One packet under way: decodes symbol by symbol from the preamble on."""

    __slots__ = ("_body", "_high", "_low", "_wanted", "body", "done", "next", "start")

    def __init__(self, start: int) -> None:
        self.start = start
        self.next = start + _HOPS * len(PREAMBLE)
        self.done = False
        self.body: bytes | None = None
        self._low, self._high = PREAMBLE[-1]
        self._wanted = 0
        self._body = bytearray()

    def read(self, symbols: list[int]) -> None:
        """Read what is there; ``done`` says it has ended, ``body`` is set if its check holds."""
        while self.next < len(symbols):
            byte = self._step(symbols[self.next])
            if byte is None:
                self.done = True
                return
            if not self._body:
                self._wanted = 1 + (byte & _LENGTH_MASK) + 2
                if byte & _LENGTH_MASK > PIECE_BYTES_MAX:
                    self.done = True
                    return
            self._body.append(byte)
            self.next += _HOPS
            if len(self._body) == self._wanted:
                body = bytes(self._body)
                self.done = True
                self.body = body[:-2] if checksum(body[:-2]) == body[-2:] else None
                return

    def shift(self, count: int) -> None:
        """Follow the removal of ``count`` windows before this packet."""
        self.start -= count
        self.next -= count

    def _step(self, symbol: int) -> int | None:
        if symbol == _NOTHING:
            return None
        low, high = divmod(symbol, TONES_PER_GROUP)
        high_nibble = (low - self._low - 1) % TONES_PER_GROUP
        low_nibble = (high - self._high - 1) % TONES_PER_GROUP
        if high_nibble == 16 or low_nibble == 16:  # a tone never follows itself
            return None
        self._low, self._high = low, high
        return high_nibble << 4 | low_nibble


class _Pieces:
    """Puts the packets of a long word together; a missing piece loses the word."""

    __slots__ = ("_octets", "start_ms")

    def __init__(self) -> None:
        self._octets: bytes | None = None
        self.start_ms = 0

    def add(self, body: bytes, start_ms: int) -> str | None:
        head, octets = body[0], body[1:]
        if head & CONTINUES:
            if self._octets is None:
                return None
            octets = self._octets + octets
        else:
            self.start_ms = start_ms
        self._octets = octets if head & CONTINUED else None
        if head & CONTINUED:
            return None
        try:
            return octets.decode("utf-8")
        except UnicodeDecodeError:
            return None


def _read_windows(
    samples: NDArray[np.float32], rate_hz: int, count: int, floor_rms: float
) -> tuple[list[int], list[float]]:
    """Return for each window its strongest pair of tones and the pair's share of the energy."""
    kernel, index = _tables(rate_hz, count)
    windows = samples[index]
    parts = windows @ kernel
    parts *= parts
    tones = parts[:, : 2 * TONES_PER_GROUP] + parts[:, 2 * TONES_PER_GROUP :]
    total = np.einsum("ij,ij->i", windows, windows)
    window_samples = windows.shape[1]
    symbols: list[int] = []
    quality: list[float] = []
    low_at = tones[:, :TONES_PER_GROUP].argmax(axis=1).tolist()
    high_at = tones[:, TONES_PER_GROUP:].argmax(axis=1).tolist()
    rows = tones.tolist()
    floor = floor_rms * floor_rms * window_samples
    for row, low, high, energy in zip(rows, low_at, high_at, total.tolist(), strict=True):
        scale = (energy + floor) * window_samples / 2
        low_share = row[low] / scale
        high_share = row[TONES_PER_GROUP + high] / scale
        share = low_share + high_share
        clear = share > _QUALITY_MIN and low_share > _SHARE_MIN and high_share > _SHARE_MIN
        symbols.append(low * TONES_PER_GROUP + high if clear else _NOTHING)
        quality.append(share)
    return symbols, quality


@lru_cache(maxsize=64)
def _tables(rate_hz: int, count: int) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Return cosines and sines of all tones over a window, and the windows' sample numbers."""
    hop = rate_hz * HOP_MS // 1000
    window = np.arange(hop * (WINDOW_MS // HOP_MS))
    tones = np.array([tone_hz(index) for index in range(2 * TONES_PER_GROUP)])
    angle = 2 * np.pi / rate_hz * np.outer(window, tones)
    kernel = np.concatenate((np.cos(angle), np.sin(angle)), axis=1).astype(np.float32)
    index = np.arange(count)[:, None] * hop + window
    return kernel, index
