"""Covering lost frames: the last pitch period goes on and fades, after G.711 Appendix I's idea."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cordboard.media.codec import FRAME_MS, Codec, Encoding, new_decoder, new_encoder
from cordboard.media.samples import from_pcm, to_pcm

_HISTORY_FRAMES = 3
_LOWEST_PITCH_HZ = 66
_HIGHEST_PITCH_HZ = 200
_FULL_MS = 10
_FADE_MS = 60
_JOIN_MS = 4


class Concealer:
    """Covers the gaps of one stream, in the encoding of the stream.

    G.711 and L16 go on with their last pitch period, 10 ms at full level and silent after 60 ms,
    and are joined smoothly to what comes next. G.722 repeats its last frame once, then is silent.
    """

    __slots__ = ("_codec", "_decoder", "_encoder", "_gap", "_history", "_period")

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._decoder = new_decoder(codec)
        self._encoder = new_encoder(codec)
        self._history = b""
        self._period: NDArray[np.float32] | None = None
        self._gap = 0

    def good(self, payload: bytes) -> bytes:
        """Take a good frame and return it, its beginning blended with a gap that went before."""
        if self._gap:
            payload = self._join(payload)
            self._gap = 0
            self._period = None
        self._history = (self._history + payload)[-_HISTORY_FRAMES * self._codec.frame_bytes :]
        return payload

    def conceal(self) -> bytes:
        """Return one frame for a lost one."""
        gap = self._gap
        self._gap += 1
        codec = self._codec
        if gap * FRAME_MS >= _FADE_MS or not self._history:
            return codec.silence_frame
        if codec.encoding is Encoding.G722:
            return codec.silence_frame if gap else self._history[-codec.frame_bytes :]
        samples = self._extend(gap * codec.rate_hz * FRAME_MS // 1000, codec.pcm_frame_bytes // 2)
        return self._encoder.from_pcm(to_pcm(samples))

    def _extend(self, start: int, count: int) -> NDArray[np.float32]:
        """Return samples of the continuation, ``start`` samples after the last good one."""
        rate_hz = self._codec.rate_hz
        period = self._period
        if period is None:
            history = from_pcm(self._decoder.to_pcm(self._history))
            period = self._period = _last_period(history, rate_hz)
        at = np.arange(start, start + count)
        fade_start, fade_end = rate_hz * _FULL_MS // 1000, rate_hz * _FADE_MS // 1000
        gain = np.clip((fade_end - at) / (fade_end - fade_start), 0, 1).astype(np.float32)
        return period[at % len(period)] * gain

    def _join(self, payload: bytes) -> bytes:
        codec = self._codec
        if codec.encoding is Encoding.G722 or self._period is None:
            return payload
        count = codec.rate_hz * _JOIN_MS // 1000
        size = codec.size_bytes(_JOIN_MS)
        new = from_pcm(self._decoder.to_pcm(payload[:size]))
        count = min(count, len(new))
        old = self._extend(self._gap * codec.rate_hz * FRAME_MS // 1000, count)
        rise = np.arange(count, dtype=np.float32) / max(count, 1)
        return self._encoder.from_pcm(to_pcm(old * (1 - rise) + new * rise)) + payload[size:]


def _last_period(history: NDArray[np.float32], rate_hz: int) -> NDArray[np.float32]:
    """Return the last pitch period, its end blended so that it can be repeated without a click."""
    shortest, longest = rate_hz // _HIGHEST_PITCH_HZ, rate_hz // _LOWEST_PITCH_HZ
    width = min(len(history) - longest - shortest // 4, rate_hz // 50)
    if width < shortest:
        return history
    recent = history[-width:]
    past = history[-width - longest : -shortest]
    scores = np.correlate(past, recent, "valid")
    squares = np.concatenate(([0.0], np.cumsum(past.astype(np.float64) ** 2)))
    energies = squares[width:] - squares[:-width]
    period = longest - int((scores / np.sqrt(energies + 1)).argmax())
    cycle = history[-period:].copy()
    overlap = shortest // 4
    rise = np.arange(overlap, dtype=np.float32) / overlap
    before = history[-period - overlap : -period]
    cycle[-overlap:] = cycle[-overlap:] * (1 - rise) + before * rise
    return cycle
