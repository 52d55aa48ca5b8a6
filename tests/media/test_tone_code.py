"""The tone code: exact text over any telephone sound, word by word."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cordboard.media import g711
from cordboard.media.codec import (
    G722_WIDE,
    L16_8K,
    L16_16K,
    PCMA,
    PCMU,
    Codec,
    new_decoder,
    new_encoder,
)
from cordboard.media.tone_code import Heard, ToneDecoder, encode, encode_word
from tests.counts import count

CODECS = (PCMU, PCMA, G722_WIDE, L16_8K, L16_16K)
SENTENCE = "I'd like to book a table for four, please: naïve façade 日本語 😀!"

WORDS = ["one", "two", "three", "four", "five"]


def noisy(pcm: bytes, signal: bytes, snr_db: float, seed: int) -> bytes:
    """Add white noise at a distance from the signal's level."""
    noise_rms = g711.rms(signal) * 10 ** (-snr_db / 20)
    noise = np.random.default_rng(seed).normal(0, noise_rms, len(pcm) // 2)
    return g711.add(pcm, np.clip(noise, -32768, 32767).astype("<i2").tobytes())


def carried(pcm: bytes, codec: Codec) -> list[Heard]:
    """Send sound frame by frame through a codec to a decoder."""
    encoder, decoder, hearing = new_encoder(codec), new_decoder(codec), ToneDecoder(codec.rate_hz)
    size = codec.pcm_frame_bytes
    pcm += bytes(size + -len(pcm) % size)
    heard: list[Heard] = []
    for start in range(0, len(pcm), size):
        heard += hearing.push(decoder.to_pcm(encoder.from_pcm(pcm[start : start + size])))
    return heard


def text_of(heard: list[Heard]) -> str:
    """Join what was heard."""
    return " ".join(part.word for part in heard)


@given(
    text=st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
    offset=st.integers(0, 400),
    codec=st.sampled_from(CODECS),
)
@settings(max_examples=count(60, 2000), deadline=None)
def test_any_text_survives_exactly(text: str, offset: int, codec: Codec) -> None:
    """Every text is heard to the letter through every codec at every offset, spaces made one."""
    pcm, marks = encode(text, codec.rate_hz)
    heard = carried(bytes(2 * offset) + pcm, codec)
    assert text_of(heard) == " ".join(text.split())
    shift_ms = offset * 1000 / codec.rate_hz
    for part, mark in zip(heard, marks, strict=True):
        assert part.word == text[mark.text_offset : mark.text_end]
        assert abs(part.start_ms - mark.start_ms - shift_ms) <= 8
        assert abs(part.end_ms - mark.end_ms - shift_ms) <= 8


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("seed", range(count(5, 100)))
def test_noise_at_20_db_is_no_hindrance(codec: Codec, seed: int) -> None:
    """White noise 20 dB below the tones loses no word at any offset."""
    offset = Random(seed).randrange(400)
    pcm, _ = encode(SENTENCE, codec.rate_hz)
    sound = noisy(bytes(2 * offset) + pcm, pcm, 20, seed)
    assert text_of(carried(sound, codec)) == SENTENCE


@pytest.mark.parametrize("chunk", [2, 34, 160, 322, 1000, 4000])
def test_any_chunks(chunk: int) -> None:
    """How the stream is cut for pushing does not matter."""
    pcm, _ = encode(SENTENCE, 8000)
    pcm = bytes(222) + pcm + bytes(400)
    hearing = ToneDecoder(8000)
    heard: list[Heard] = []
    for start in range(0, len(pcm), chunk):
        heard += hearing.push(pcm[start : start + chunk])
    assert text_of(heard) == SENTENCE


@pytest.mark.parametrize("kept", range(1, 10))
def test_a_cut_word_is_heard_whole_after_a_rewind(kept: int) -> None:
    """A word cut after any symbol is not heard; played again from its start it is."""
    word = encode_word("Hello", 8000)
    cut = word[: kept * 320]
    for pause in (b"", bytes(320 * 30)):
        assert text_of(carried(cut + pause + word + bytes(320), PCMU)) == "Hello"
    assert carried(cut + bytes(320 * 30), PCMU) == []


@pytest.mark.parametrize("seed", range(count(10, 200)))
def test_a_lost_frame_loses_its_word_only(seed: int) -> None:
    """A frame replaced by the one before it, as concealment does, costs no other word."""
    pcm, marks = encode(" ".join(WORDS), 8000)
    pcm = bytes(2 * Random(seed).randrange(160)) + pcm
    lost = Random(seed).randrange(1, len(pcm) // 320)
    sound = pcm[: lost * 320] + pcm[(lost - 1) * 320 : lost * 320] + pcm[(lost + 1) * 320 :]
    heard = text_of(carried(sound, PCMU)).split()
    missing = [word for word in WORDS if word not in heard]
    assert len(missing) <= 1
    assert len(heard) + len(missing) == len(marks)


@pytest.mark.parametrize("codec", [PCMU, PCMA, L16_16K])
def test_an_echo_is_not_heard(codec: Codec) -> None:
    """Words 20 dB down are an echo; 10 dB down they are a quiet line."""
    pcm, _ = encode("one two three", codec.rate_hz)
    assert carried(g711.scale(pcm, 0.1), codec) == []
    assert text_of(carried(g711.scale(pcm, 0.32), codec)) == "one two three"


def test_words_are_heard_over_an_echo() -> None:
    """The caller's words win over the agent's own words at -20 dB."""
    near, _ = encode("I would rather have tea than coffee", 8000)
    far, _ = encode("Would you like some coffee with your cake today", 8000)
    echo = g711.scale(bytes(666) + far, 0.1)[: len(near)].ljust(len(near), b"\0")
    assert text_of(carried(g711.add(near, echo), PCMU)) == "I would rather have tea than coffee"


@pytest.mark.parametrize("seed", range(count(3, 50)))
def test_noise_says_nothing(seed: int) -> None:
    """Loud noise, hum and music-like tones are no words."""
    rng = np.random.default_rng(seed)
    time = np.arange(8000 * 10) / 8000
    tones = sum(3000 * np.sin(2 * np.pi * rng.uniform(300, 3000) * time) for _ in range(3))
    sound = (rng.normal(0, 3000, len(time)) + tones).clip(-32768, 32767)
    assert carried(sound.astype("<i2").tobytes(), PCMU) == []


def test_lengths() -> None:
    """A short word takes at most 200 ms and a sentence of seven words about 1.5 s."""
    assert len(encode_word("hello", 8000)) <= 2 * 1600
    _, marks = encode("Hello, I would like some tea please", 8000)
    assert marks[-1].end_ms <= 1600
    gaps = [after.start_ms - before.end_ms for before, after in pairwise(marks)]
    assert gaps == [20] * 6


def test_words_arrive_one_by_one() -> None:
    """A word is heard no later than one frame after its last sound."""
    pcm, marks = encode("one two three", 8000)
    hearing = ToneDecoder(8000)
    at: list[int] = []
    for start in range(0, len(pcm), 320):
        at += [start // 16 + 20 for _ in hearing.push(pcm[start : start + 320])]
    assert all(now <= mark.end_ms + 20 for now, mark in zip(at, marks, strict=True))


@pytest.mark.parametrize("rate_hz", [22_050, 24_000, 44_100, 48_000])
def test_other_rates_are_encoded_in_whole_symbols(rate_hz: int) -> None:
    """A voice may speak the code at the rates of synthesizers."""
    assert len(encode_word("Hello", rate_hz)) == 10 * 2 * rate_hz // 50
    if rate_hz % 1000 == 0:
        hearing = ToneDecoder(rate_hz)
        assert text_of(hearing.push(encode("so be it", rate_hz)[0] + bytes(4000))) == "so be it"


def test_a_rate_without_whole_windows_is_refused() -> None:
    """The decoder names a rate it cannot work at."""
    with pytest.raises(ValueError, match="rate_hz"):
        ToneDecoder(22_050)
