"""Sound out of what apps put into ``audio``."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from cordboard.flow_apps.wav import NoSound, sound_of
from tests.flow_apps.documents import text, tone, wav


def _written(subtype: str, rate_hz: int, channels: int) -> bytes:
    file = io.BytesIO()
    samples = np.frombuffer(tone(200, rate_hz), "<i2").reshape(-1, 1).repeat(channels, axis=1)
    soundfile.write(file, samples, rate_hz, format="WAV", subtype=subtype)
    return file.getvalue()


def test_as_documented() -> None:
    """What the protocol documents passes bit by bit, without a remark."""
    sound, remarks = sound_of(text(wav(tone(200))))
    assert (sound.pcm, sound.rate_hz, remarks) == (tone(200), 16_000, [])


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_24", "PCM_32", "FLOAT", "ULAW", "ALAW"])
@pytest.mark.parametrize(("rate_hz", "channels"), [(8_000, 1), (44_100, 2)])
def test_other_formats(subtype: str, rate_hz: int, channels: int) -> None:
    """Other sample formats, rates and channel counts sound the same, with a remark."""
    sound, remarks = sound_of(text(_written(subtype, rate_hz, channels)))
    assert abs(sound.duration_ms - 200) <= 1
    assert np.abs(np.frombuffer(sound.pcm, "<i2")).max() > 10_000
    assert len(remarks) == 1
    assert subtype in remarks[0]


@pytest.mark.parametrize("rate_hz", [7_919, 96_000, 192_000, 47_999])
def test_odd_rates(rate_hz: int) -> None:
    """Rates that nobody records at keep the length and come out at a usual one."""
    sound, _ = sound_of(text(wav(tone(300, rate_hz), rate_hz)))
    assert abs(sound.duration_ms - 300) <= 2
    assert sound.rate_hz in (16_000, 48_000)


def test_beyond_full_scale() -> None:
    """Samples that no converter could play sound at full scale, whatever the file holds."""
    file = io.BytesIO()
    samples = np.array([[3e38, 3e38], [-3e38, 3e38], [np.inf, np.nan]], "<f4").repeat(80, axis=0)
    soundfile.write(file, samples, 16_000, format="WAV", subtype="FLOAT")
    sound, _ = sound_of(text(file.getvalue()))
    pcm = np.frombuffer(sound.pcm, "<i2")
    assert (pcm[0], pcm[80], pcm[160]) == (32_767, 0, 16_384)


def test_cut_short() -> None:
    """A file that ends too early plays as far as it goes, with a remark."""
    sound, remarks = sound_of(text(wav(tone(1_000))[: 44 + 16_000]))
    assert (sound.duration_ms, remarks) == (500, ["is cut short"])


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ("", "is empty"),
        ("!!!", "is not base64"),
        ("a", "is not base64"),
        (text(b"ID3\x04" + bytes(100)), "is MP3, not a WAV file"),
        (text(b"\xff\xfb\x90\x64" + bytes(100)), "is MP3, not a WAV file"),
        (text(b"OggS" + bytes(100)), "is Ogg, not a WAV file"),
        (text(tone(100)), "not a WAV file"),
        (text(wav(b"")), "is a WAV file without samples"),
        # The documentation's own example: an 8-bit file at 8 kHz without samples.
        (text(wav(b"", 8_000, 1)), "is a WAV file without samples"),
        (text(wav(tone(10))[:20]), "cannot be read"),
        (text(wav(bytes(100), 1)), "has a rate of 1 Hz"),
    ],
)
def test_no_sound(document: str, why: str) -> None:
    """What cannot be played is told for what it is."""
    with pytest.raises(NoSound, match=why):
        sound_of(document)


def test_data_address() -> None:
    """A data URI, line breaks and the URL alphabet are base64 too."""
    plain = text(wav(tone(100)))
    broken = "\n".join(plain[at : at + 76] for at in range(0, len(plain), 76))
    url = plain.replace("+", "-").replace("/", "_").rstrip("=")
    for form in (f"data:audio/wav;base64,{plain}", broken, url):
        assert sound_of(form)[0].pcm == tone(100)


@given(st.binary(max_size=200), st.integers(0, 60), st.binary(max_size=8))
def test_anything(tail: bytes, at: int, patch: bytes) -> None:
    """Whatever the bytes, there is a sound or one kind of error."""
    document = bytearray(wav(tone(20)) + tail)
    document[at : at + len(patch)] = patch
    for form in (text(bytes(document)), text(tail)):
        try:
            assert sound_of(form)[0].pcm
        except NoSound:
            continue
