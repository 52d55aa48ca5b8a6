"""What server and child say to each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.call.plan import VoicePlan
from cordboard.providers.frames import BadFrame
from cordboard.providers.synthesizers.espeak.pieces import pieces
from cordboard.providers.synthesizers.espeak.voices import USUAL_WPM, choose
from cordboard.providers.synthesizers.espeak.wire import (
    Cancel,
    Done,
    Say,
    Sound,
    Word,
    read_answer,
    read_request,
    write,
)


@given(st.integers(0, 2**40), st.text(), st.binary(max_size=50))
def test_messages_survive(number: int, text: str, pcm: bytes) -> None:
    """Every message is read as it was written."""
    text = text.encode("utf-8", "replace").decode()
    for request in (Say(number, text, ["en"], 165, 50, 8000), Cancel(number)):
        assert read_request(write(request)) == request
    for answer in (Sound(number, pcm, [Word(0, 1, 2, 3)]), Done(number, "rejected")):
        assert read_answer(write(answer)) == answer


@given(st.binary(max_size=80))
def test_garbage_is_one_error(payload: bytes) -> None:
    """Anything else raises BadFrame and nothing else."""
    for read in (read_answer, read_request):
        try:
            read(payload)
        except BadFrame:
            continue


@given(st.text(alphabet="ab .!?,;\n", max_size=400), st.integers(5, 60))
def test_pieces_cover_the_text(text: str, most: int) -> None:
    """Pieces lie where they say, none is longer than allowed, and no letter is lost."""
    letters = 0
    end = 0
    for start, piece in pieces(text, most):
        assert start >= end
        assert text[start : start + len(piece)] == piece
        end = start + len(piece)
        letters += sum(character.isalnum() for character in piece)
    assert letters == sum(character.isalnum() for character in text)


@pytest.mark.parametrize(
    ("voice", "language", "first"),
    [
        (VoicePlan(), "en", "en-us"),
        (VoicePlan(), "en-GB", "en"),
        (VoicePlan(), "de-AT", "de-at"),
        (VoicePlan(voice="en-us+f3"), "en", "en-us+f3"),
        (VoicePlan(settings={"voice_name": "EN-GB"}), "en", "en-gb"),
        (VoicePlan(settings={"gender": "female"}), "de-DE", "de-de+f2"),
        (VoicePlan(settings={"gender": "whatever"}), "de-DE", "de-de"),
    ],
)
def test_voices(voice: VoicePlan, language: str, first: str) -> None:
    """The plan's name comes first, then the language, and American English last."""
    choice = choose(voice, language)
    assert choice.voices[0] == first
    assert choice.voices[-1] == "en-us"
    assert choice.rate_wpm == USUAL_WPM


def test_rate_and_pitch_are_bounded() -> None:
    """Percentages change the usual rate; nonsense is passed over."""
    assert choose(VoicePlan(settings={"rate": 100}), "en").rate_wpm == 2 * USUAL_WPM
    assert choose(VoicePlan(settings={"rate": 1e9, "pitch": 1e9}), "en").rate_wpm == 450
    assert choose(VoicePlan(settings={"rate": "fast", "pitch": True}), "en").pitch == 50
