"""Codecs: sizes, silence and round trips."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.media.codec import (
    G722_WIDE,
    L16_8K,
    L16_16K,
    PCMA,
    PCMU,
    Codec,
    Encoding,
    new_decoder,
    new_encoder,
)

CODECS = (PCMU, PCMA, G722_WIDE, L16_8K, L16_16K)


def sine(rate_hz: int, hz: float = 1000.0, seconds: float = 1.0) -> bytes:
    """Return a sine of half the full scale."""
    time = np.arange(int(rate_hz * seconds)) / rate_hz
    return bytes(np.rint(16_000 * np.sin(2 * np.pi * hz * time)).astype("<i2"))


@pytest.mark.parametrize(
    ("codec", "frame", "pcm_frame", "clock"),
    [
        (PCMU, 160, 320, 8000),
        (PCMA, 160, 320, 8000),
        (G722_WIDE, 160, 640, 8000),
        (L16_16K, 640, 640, 16_000),
        (Codec(Encoding.L16, 22_050), 882, 882, 22_050),
    ],
)
def test_sizes(codec: Codec, frame: int, pcm_frame: int, clock: int) -> None:
    """A frame is 20 ms; G.722's RTP clock is 8000 by RFC 3551."""
    assert (codec.frame_bytes, codec.pcm_frame_bytes, codec.rtp_clock_hz) == (
        frame,
        pcm_frame,
        clock,
    )
    assert codec.duration_ms(codec.silence_frame) == 20
    assert codec.size_bytes(20) == frame
    assert codec.bytes_per_ms == codec.bytes_per_second // 1000


@pytest.mark.parametrize(
    ("encoding", "rate_hz"),
    [(Encoding.PCMU, 16_000), (Encoding.G722, 8000), (Encoding.L16, 0), (Encoding.L16, 8010)],
)
def test_impossible_rates_are_refused(encoding: Encoding, rate_hz: int) -> None:
    """A codec whose rate cannot be is not made."""
    with pytest.raises(ValueError, match="rate_hz"):
        Codec(encoding, rate_hz)


@pytest.mark.parametrize("codec", CODECS)
def test_sound_comes_back(codec: Codec) -> None:
    """A tone through encoder and decoder, frame by frame, is the same tone."""
    pcm = sine(codec.rate_hz)
    encoder, decoder = new_encoder(codec), new_decoder(codec)
    size = codec.pcm_frame_bytes
    payloads = [encoder.from_pcm(pcm[at : at + size]) for at in range(0, len(pcm), size)]
    assert {len(payload) for payload in payloads} == {codec.frame_bytes}
    out = np.frombuffer(b"".join(map(decoder.to_pcm, payloads)), "<i2").astype(float)
    spectrum = np.abs(np.fft.rfft(out[-codec.rate_hz // 2 :])) ** 2
    assert spectrum[499:502].sum() > 0.999 * spectrum.sum()


@pytest.mark.parametrize("codec", CODECS)
def test_silence_is_silent(codec: Codec) -> None:
    """The silence frame decodes to next to nothing."""
    pcm = np.frombuffer(new_decoder(codec).to_pcm(codec.silence_frame * 30), "<i2")
    assert np.abs(pcm.astype(int)).max() <= 20


@given(st.binary(max_size=300), st.sampled_from((PCMU, PCMA, G722_WIDE)))
def test_any_payload_is_decoded(payload: bytes, codec: Codec) -> None:
    """No payload from the wire breaks a decoder."""
    pcm = new_decoder(codec).to_pcm(payload)
    assert len(pcm) == len(payload) * codec.rate_hz * 2 // 8000


def test_streams_do_not_share_state() -> None:
    """Two G.722 streams coded in turns are what each would be alone."""
    tones = [sine(16_000, hz, 0.2) for hz in (440.0, 1900.0)]
    alone = [new_encoder(G722_WIDE).from_pcm(tone) for tone in tones]
    encoders = [new_encoder(G722_WIDE) for _ in tones]
    mixed = [b"", b""]
    for start, end in pairwise(range(0, len(tones[0]) + 1, 640)):
        for index, encoder in enumerate(encoders):
            mixed[index] += encoder.from_pcm(tones[index][start:end])
    assert mixed == alone
