"""What the vendor is asked for, and what it sends."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.media.codec import L16_8K, L16_16K, PCMA, PCMU, Codec
from cordboard.providers.synthesizers.elevenlabs.wire import (
    Alignment,
    BadMessage,
    Wanted,
    failure_of_error,
    failure_of_status,
    opening,
    query,
    read_answer,
    speaking,
)


@pytest.mark.parametrize(
    ("codec", "form"),
    [(PCMU, "ulaw_8000"), (PCMA, "alaw_8000"), (L16_16K, "pcm_16000"), (L16_8K, "pcm_8000")],
)
def test_the_legs_own_encoding(codec: Codec, form: str) -> None:
    """Sound comes as the leg has it."""
    assert dict(query(Wanted("v", "eleven_flash_v2_5", codec, "de-AT"))) == {
        "model_id": "eleven_flash_v2_5",
        "output_format": form,
        "auto_mode": "true",
        "sync_alignment": "true",
        "inactivity_timeout": "60",
        "language_code": "de",
    }


def test_models_that_take_no_language() -> None:
    """A language is named only to models that take one: others refuse it."""
    asked = dict(query(Wanted("v", "eleven_multilingual_v2", PCMU, "de")))
    assert "language_code" not in asked


def test_messages() -> None:
    """A space opens with both settings or none, a text ends in a space."""
    assert opening(Wanted("v", "m", PCMU, "en")) == '{"text":" "}'
    assert opening(Wanted("v", "m", PCMU, "en", stability=0.5)) == '{"text":" "}'
    assert opening(Wanted("v", "m", PCMU, "en", 0.5, 0.7)) == (
        '{"text":" ","voice_settings":{"stability":0.5,"similarity_boost":0.7}}'
    )
    assert speaking(' Say "hi". ') == '{"text":"Say \\"hi\\". "}'


def test_an_answer_of_the_vendor() -> None:
    """The vendor's own form of an answer is read, sound and times."""
    answer = read_answer(
        '{"audio":"AQID","isFinal":false,"normalizedAlignment":{"chars":["x"]},"alignment":'
        '{"charStartTimesMs":[0,3],"charDurationsMs":[3,7],"chars":["H","i"]}}'
    )
    assert answer.audio == b"\x01\x02\x03"
    assert answer.alignment == Alignment(["H", "i"], [0, 3], [3, 7])
    last = read_answer('{"audio":null,"isFinal":true,"alignment":null}')
    assert (last.audio, last.is_final) == (None, True)


@pytest.mark.parametrize("text", ["", "[]", '{"audio":7}', '{"audio":"%%%"}', '{"alignment":[]}'])
def test_bad_messages(text: str) -> None:
    """Anything else is the one documented error."""
    with pytest.raises(BadMessage, match=r"^message: "):
        read_answer(text)


@given(st.text(max_size=100) | st.binary(max_size=100))
def test_noise(noise: str | bytes) -> None:
    """Nothing but the documented error escapes."""
    with suppress(BadMessage):
        assert read_answer(noise) is not None


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, ("rejected", False)),
        (401, ("bad_credentials", False)),
        (402, ("over_quota", False)),
        (404, ("rejected", False)),
        (429, ("over_quota", True)),
        (500, ("unavailable", True)),
    ],
)
def test_refusals(status: int, expected: tuple[str, bool]) -> None:
    """A refused upgrade is a class of failure, and tells whether trying again may help."""
    assert failure_of_status(status) == expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("quota_exceeded", ("over_quota", False)),
        ("system_busy", ("over_quota", True)),
        ("invalid_api_key", ("bad_credentials", False)),
        ("input_timeout_exceeded", ("unavailable", True)),
        ("voice_id_does_not_exist", ("rejected", False)),
    ],
)
def test_errors(error: str, expected: tuple[str, bool]) -> None:
    """So is an error on an open socket."""
    assert failure_of_error(error) == expected
