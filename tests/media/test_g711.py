"""G.711 tables and PCM arithmetic."""

from __future__ import annotations

from array import array

from hypothesis import given
from hypothesis import strategies as st

from cordboard.media import g711

SAMPLES = st.lists(st.integers(-32768, 32767), max_size=50)


def pcm(samples: list[int]) -> bytes:
    """Return samples as PCM16."""
    return array("h", samples).tobytes()


def test_every_code_survives() -> None:
    """Decoding and encoding again returns each code, but for mu-law's negative zero."""
    codes = bytes(range(256))
    assert g711.pcm_to_alaw(g711.alaw_to_pcm(codes)) == codes
    again = g711.pcm_to_mulaw(g711.mulaw_to_pcm(codes))
    assert [code for code in range(256) if again[code] != code] == [0x7F]


def test_known_codes() -> None:
    """Codes of silence and full scale are those of the recommendation."""
    assert g711.pcm_to_mulaw(pcm([0])) == bytes((g711.MULAW_SILENCE,))
    assert g711.pcm_to_alaw(pcm([0])) == bytes((g711.ALAW_SILENCE,))
    assert array("h", g711.mulaw_to_pcm(b"\x80\x00")).tolist() == [32124, -32124]


@given(st.binary(max_size=200))
def test_transcoding_equals_the_way_over_pcm(payload: bytes) -> None:
    """The tables between the laws do what decoding and encoding does."""
    assert g711.mulaw_to_alaw(payload) == g711.pcm_to_alaw(g711.mulaw_to_pcm(payload))
    assert g711.alaw_to_mulaw(payload) == g711.pcm_to_mulaw(g711.alaw_to_pcm(payload))


@given(SAMPLES)
def test_adding_saturates(samples: list[int]) -> None:
    """Sums stop at full scale instead of wrapping."""
    total = array("h", g711.add(pcm(samples), pcm(samples))).tolist()
    assert total == [max(-32768, min(32767, 2 * sample)) for sample in samples]


@given(SAMPLES)
def test_swapping_twice_is_nothing(samples: list[int]) -> None:
    """Network order and back."""
    assert g711.swap_bytes(g711.swap_bytes(pcm(samples))) == pcm(samples)


def test_levels_and_channels() -> None:
    """Level, peak, gain and stereo on known samples."""
    assert g711.rms(b"") == 0
    assert g711.rms(pcm([-300, 300])) == 300
    assert g711.peak(pcm([-32768, 5])) == 32768
    assert g711.scale(pcm([100, -100]), 0.5) == pcm([50, -50])
    assert g711.to_stereo(pcm([7]), 1, 0) == pcm([7, 0])
    assert g711.to_mono(pcm([7, 9]), 0, 1) == pcm([9])
