"""Digits as sound: every press is heard once, and speech, tones and the tone code never are."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from cordboard.media import g711
from cordboard.media.codec import G722_WIDE, PCMA, PCMU, Codec, new_decoder, new_encoder
from cordboard.media.dtmf import DIGITS, InBandDigits, digit_tone
from cordboard.media.tone_code import ToneDecoder, encode
from cordboard.media.tones import BUSY, COLUMNS_HZ, RINGBACK, ROWS_HZ, Cadence, cadence, chord, sine
from tests.counts import count
from tests.media.speech import speechlike


def heard_in(pcm: bytes, rate_hz: int = 8000) -> str:
    """Push frame by frame and return the digits."""
    detector = InBandDigits(rate_hz)
    size = rate_hz // 50 * 2
    return "".join(
        detector.push(pcm[start : start + size]) or "" for start in range(0, len(pcm), size)
    )


@pytest.mark.parametrize("codec", [PCMU, PCMA, G722_WIDE])
@pytest.mark.parametrize("duration_ms", [60, 80, 160, 500])
@pytest.mark.parametrize("level_dbov", [-9, -15, -30])
def test_every_press_is_heard_once(codec: Codec, duration_ms: int, level_dbov: float) -> None:
    """All digits, through codecs, loud and soft, short and long, at odd offsets."""
    encoder, decoder = new_encoder(codec), new_decoder(codec)
    random = Random(duration_ms)
    sound = b""
    for digit in DIGITS:
        sound += bytes(2 * random.randrange(800, 1000) * codec.rate_hz // 8000)
        sound += digit_tone(digit, duration_ms, codec.rate_hz, level_dbov)
    sound += bytes(codec.rate_hz // 10 * 2)
    sound += bytes(-len(sound) % codec.pcm_frame_bytes)
    carried = decoder.to_pcm(encoder.from_pcm(sound))
    assert heard_in(carried, codec.rate_hz) == DIGITS


def test_the_same_key_again_after_40_ms() -> None:
    """Pauses of 40 ms part two presses; a lost frame of 20 ms does not."""
    press = digit_tone("8", 80, 8000)
    for offset in range(0, 320, 40):
        assert heard_in(bytes(offset) + press + bytes(800) + press + bytes(1600)) == "88"
        assert heard_in(bytes(offset) + press + bytes(320) + press + bytes(1600)) == "8"


@pytest.mark.parametrize(("deviation", "heard"), [(0.012, 16), (-0.012, 16), (0.03, 0), (-0.03, 0)])
def test_frequencies_off_the_grid(deviation: float, heard: int) -> None:
    """Tones off by 1.2 % are digits, by 3 % are not."""
    hits = 0
    for row in ROWS_HZ:
        for column in COLUMNS_HZ:
            tone = chord((row * (1 + deviation), column * (1 + deviation)), 100, 8000)
            hits += len(heard_in(tone + bytes(1600)))
    assert hits == heard


@pytest.mark.parametrize("twist_db", [-8, -4, 4, 8])
def test_twist(twist_db: float) -> None:
    """The two tones may differ by 8 dB, as lines do to them."""
    for row in ROWS_HZ:
        for column in COLUMNS_HZ:
            tone = g711.add(sine(row, 100, 8000, -16), sine(column, 100, 8000, -16 + twist_db))
            assert len(heard_in(tone + bytes(1600))) == 1


@pytest.mark.parametrize("seed", range(count(3, 50)))
def test_noise_at_12_db(seed: int) -> None:
    """Noise 12 dB below the tones hides no press."""
    sound = b"".join(digit_tone(digit, 100, 8000) + bytes(1600) for digit in DIGITS)
    noise = np.random.default_rng(seed).normal(0, g711.rms(digit_tone("5", 100, 8000)) / 4, 99_999)
    assert heard_in(g711.add(sound, bytes(noise.astype("<i2"))[: len(sound)])) == DIGITS


@pytest.mark.parametrize("seed", range(count(5, 200)))
def test_speech_is_no_digit(seed: int) -> None:
    """Talk-off: half a minute of voiced syllables presses nothing, at any level."""
    sound = speechlike(30, seed)
    for gain in (0.2, 1, 3):
        assert heard_in(g711.mulaw_to_pcm(g711.pcm_to_mulaw(g711.scale(sound, gain)))) == ""


@pytest.mark.parametrize("pattern", [RINGBACK, BUSY])
def test_call_progress_is_no_digit(pattern: Cadence) -> None:
    """Ringback and busy press nothing."""
    assert heard_in(cadence(pattern, 8000, 8000)) == ""


@pytest.mark.parametrize("rate_hz", [8000, 16_000])
def test_the_tone_code_is_no_digit_and_no_digit_is_a_word(rate_hz: int) -> None:
    """Random words press nothing, and random presses say nothing."""
    random = Random(rate_hz)
    words = ["".join(chr(random.randrange(33, 127)) for _ in range(8)) for _ in range(300)]
    pcm, _ = encode(" ".join(words), rate_hz)
    assert heard_in(pcm, rate_hz) == ""
    presses = b"".join(digit_tone(random.choice(DIGITS), 80, rate_hz) for _ in range(100))
    assert ToneDecoder(rate_hz).push(presses) == []


def test_what_is_not_on_the_keypad() -> None:
    """A digit that does not exist is named, and so is an odd rate."""
    with pytest.raises(ValueError, match="digit"):
        digit_tone("x", 100, 8000)
    with pytest.raises(ValueError, match="rate_hz"):
        InBandDigits(22_051)
