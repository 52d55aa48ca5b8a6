"""What the vendor is asked for, and what it says."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.call.plan import TranscriberPlan
from cordboard.media.codec import L16_8K, L16_16K, PCMA, PCMU, Codec
from cordboard.providers.transcribers.deepgram.wire import (
    MOST_KEYWORDS,
    BadMessage,
    ListenOptions,
    failure_of_close,
    failure_of_status,
    listen_query,
    read_message,
)


@pytest.mark.parametrize(
    ("codec", "encoding", "rate"),
    [
        (PCMU, "mulaw", "8000"),
        (PCMA, "alaw", "8000"),
        (L16_8K, "linear16", "8000"),
        (L16_16K, "linear16", "16000"),
    ],
)
def test_the_legs_own_encoding(codec: Codec, encoding: str, rate: str) -> None:
    """The bytes of a leg go as they are; the query says what they are."""
    query = dict(listen_query(TranscriberPlan(), codec, "de", ListenOptions()))
    assert query == {
        "model": "nova-3",
        "language": "de",
        "encoding": encoding,
        "sample_rate": rate,
        "channels": "1",
        "interim_results": "true",
        "punctuate": "true",
        "endpointing": "300",
        "utterance_end_ms": "1000",
    }


def _keywords(plan: TranscriberPlan) -> list[tuple[str, str]]:
    return listen_query(plan, PCMU, "en", ListenOptions())[9:]


def test_keywords() -> None:
    """Older models take a boost with each word, newer ones terms without."""
    words = {"Cordboard": 2.0, "tea": 1.5, "coffee": -1.0}
    older = TranscriberPlan(model="nova-2-phonecall", keywords=words)
    assert _keywords(older) == [
        ("keywords", "Cordboard:2"),
        ("keywords", "tea:1.5"),
        ("keywords", "coffee:-1"),
    ]
    assert _keywords(TranscriberPlan(keywords=words)) == [
        ("keyterm", "Cordboard"),
        ("keyterm", "tea"),
    ]


def test_keywords_are_bounded() -> None:
    """More than the vendor takes is not sent: it would fall silent or refuse."""
    words = {f"word{number:04}": 1.0 for number in range(500)}
    older = _keywords(TranscriberPlan(model="nova-2", keywords=words))
    assert len(older) == MOST_KEYWORDS
    newer = _keywords(TranscriberPlan(keywords=words))
    assert 100 < len(newer) < 200


def test_a_result_of_the_vendor() -> None:
    """The vendor's own form of a result is read."""
    message = read_message(
        '{"type":"Results","channel_index":[0,1],"duration":1.98,"start":5.99,"is_final":true,'
        '"speech_final":true,"channel":{"alternatives":[{"transcript":"Tell me.","confidence":0.99,'
        '"words":[{"word":"tell","start":6.0,"end":6.3,"confidence":0.9}]}]},"metadata":{}}'
    )
    assert (message.is_final, message.speech_final, message.from_finalize) == (True, True, None)
    assert (message.best.transcript, message.best.confidence) == ("Tell me.", 0.99)


def test_channels_that_are_numbers() -> None:
    """Where nothing was heard the same field is a list."""
    message = read_message('{"type":"UtteranceEnd","channel":[0,1],"last_word_end":2.4}')
    assert message.best.transcript == ""


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"type":7}', '{"type":"Results","channel":{"alternatives":7}}']
)
def test_bad_messages(text: str) -> None:
    """Anything else is the one documented error."""
    with pytest.raises(BadMessage, match=r"^message: "):
        read_message(text)


@given(st.text(max_size=100) | st.binary(max_size=100))
def test_noise(noise: str | bytes) -> None:
    """Nothing but the documented error escapes."""
    with suppress(BadMessage):
        assert read_message(noise).type is not None


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, ("rejected", False)),
        (401, ("bad_credentials", False)),
        (402, ("over_quota", False)),
        (403, ("bad_credentials", False)),
        (429, ("over_quota", True)),
        (503, ("unavailable", True)),
    ],
)
def test_failures(status: int, expected: tuple[str, bool]) -> None:
    """A refused upgrade is a class of failure, and tells whether trying again may help."""
    assert failure_of_status(status) == expected


def test_close_codes() -> None:
    """Sound that cannot be decoded is our mistake, all else the vendor's trouble."""
    assert failure_of_close(1008) == "rejected"
    assert failure_of_close(1011) == "unavailable"
    assert failure_of_close(None) == "unavailable"
