"""How much of a text was heard, and where to go on."""

from __future__ import annotations

import pytest

from cordboard.engine.utterance import Utterance
from cordboard.media.codec import PCMA, PCMU
from cordboard.ports import WordTime

TEXT = "one two three"
WORDS = [WordTime(0, 3, 20, 300), WordTime(4, 7, 350, 600), WordTime(8, 13, 600, 1000)]


def spoken(words: list[WordTime], heard_ms: int, *, complete: bool = True) -> Utterance:
    """Return an utterance of 1,040 ms of which so much was heard."""
    utterance = Utterance("u1", TEXT, "en", PCMU)
    utterance.sound += bytes(1040 * 8)
    utterance.words = words
    utterance.complete = complete
    utterance.heard(heard_ms * 8)
    return utterance


@pytest.mark.parametrize(
    ("heard_ms", "characters", "resume_ms"),
    [
        (0, 0, 0),
        (10, 0, 10),
        (100, 0, 20),
        (299, 0, 20),
        (300, 3, 300),
        (340, 3, 340),
        (400, 3, 350),
        (600, 7, 600),
        (700, 7, 600),
        (1000, 13, 1000),
        (1040, 13, 1040),
        (9999, 13, 1040),
    ],
)
def test_with_word_times(heard_ms: int, characters: int, resume_ms: int) -> None:
    """Only whole words count; a cut one is taken up at its start, a gap where it was left."""
    utterance = spoken(WORDS, heard_ms)
    assert utterance.heard_characters() == characters
    utterance.rewind()
    assert utterance.next_byte == resume_ms * 8


@pytest.mark.parametrize(
    ("heard_ms", "text"),
    [(0, ""), (100, ""), (400, "one"), (700, "one two"), (1039, "one two"), (1040, TEXT)],
)
def test_by_proportion(heard_ms: int, text: str) -> None:
    """Without word times the share of the sound decides, and never ends within a word."""
    utterance = spoken([], heard_ms)
    assert TEXT[: utterance.heard_characters()] == text
    utterance.rewind()
    assert utterance.next_byte <= utterance.heard_bytes
    assert utterance.next_byte % 160 == 0 or utterance.next_byte == utterance.heard_bytes


def test_never_goes_back() -> None:
    """What was heard once stays heard, also after a rewind and a second pause further back."""
    utterance = spoken(WORDS, 700)
    utterance.rewind()
    utterance.heard(620 * 8)
    assert utterance.heard_bytes == 700 * 8
    utterance.heard_everything()
    assert utterance.heard_characters() == len(TEXT)


def test_broken_off_sound() -> None:
    """The part of a word behind the last whole one is dropped unless it is on its way already."""
    utterance = spoken(WORDS, 0, complete=False)
    del utterance.sound[800 * 8 :]
    utterance.drop_cut_word()
    assert len(utterance.sound) == 600 * 8
    assert utterance.words == WORDS[:2]
    sent = spoken(WORDS, 0, complete=False)
    del sent.sound[800 * 8 :]
    sent.next_byte = 700 * 8
    sent.drop_cut_word()
    assert len(sent.sound) == 800 * 8


def test_another_encoding() -> None:
    """Positions move with the sound."""
    utterance = spoken(WORDS, 700)
    utterance.rewind()
    utterance.reencode(bytes(utterance.sound), PCMA)
    assert (utterance.codec, utterance.next_byte) == (PCMA, 600 * 8)
    assert utterance.heard_characters() == 7
