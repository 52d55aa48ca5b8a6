"""Words on their way to becoming a turn."""

from __future__ import annotations

from cordboard.call.endpointing import FINAL_WORDS_WAIT_MS, Endpointing
from cordboard.call.events import WordsHeard
from cordboard.call.expectation import ANYTHING
from cordboard.call.plan import TurnPlan
from cordboard.call.turns import NOISY_TURN_MS, NOISY_WORDS_MS, CallerWords


def _words() -> CallerWords:
    return CallerWords(Endpointing(TurnPlan()))


def test_partials_are_replaced_and_finals_kept() -> None:
    """A partial replaces the one before it; a final closes its stretch and is followed by more."""
    words = _words()
    words.speech_started(0)
    for text, final in (("I", False), ("I want", False), ("I want", True), ("a", False)):
        words.heard(WordsHeard(text, final=final), 100)
    assert words.text == "I want a"
    words.heard(WordsHeard("", final=True), 200)
    assert words.text == "I want"


def test_the_silence_counts_from_the_end_of_the_sound() -> None:
    """The wait begins where the caller's sound ended, however late the words are."""
    words = _words()
    words.speech_started(0)
    words.speech_stopped(1_000)
    words.heard(WordsHeard("a table", final=True), 1_300)
    assert words.end_at_ms(ANYTHING) == (1_700, "silence")
    turn = words.take(1_700, "silence")
    assert (turn.text, turn.stopped_ms, turn.waited_ms) == ("a table", 1_000, 700)
    assert words.text == ""
    assert words.end_at_ms(ANYTHING) is None


def test_words_that_never_become_final() -> None:
    """Partial words are waited for no longer than their limit, counted from the last of them."""
    words = _words()
    words.speech_started(0)
    words.heard(WordsHeard("a tab", final=False), 900)
    words.speech_stopped(1_000)
    words.heard(WordsHeard("a table", final=False), 1_200)
    assert words.end_at_ms(ANYTHING) == (1_200 + FINAL_WORDS_WAIT_MS, "no_final_words")


def test_a_turn_stays_open_while_the_caller_speaks() -> None:
    """While there is sound the turn waits, and going on takes the transcriber's end back."""
    words = _words()
    words.speech_started(0)
    words.speech_stopped(500)
    words.heard(WordsHeard("a table", final=True, ends_turn=True), 600)
    assert words.end_at_ms(ANYTHING) == (500, "transcriber")
    words.speech_started(700)
    assert words.end_at_ms(ANYTHING) == (700 + NOISY_WORDS_MS, "noise")


def test_a_noisy_line_does_not_hold_a_turn_open() -> None:
    """Sound that goes on after the transcriber's end, or for long without words, ends the turn."""
    words = _words()
    words.speech_started(0)
    words.heard(WordsHeard("a table", final=True), 600)
    assert words.end_at_ms(ANYTHING) == (600 + NOISY_WORDS_MS, "noise")
    words.heard(WordsHeard("for two", final=True, ends_turn=True), 900)
    assert words.end_at_ms(ANYTHING) == (900 + NOISY_TURN_MS, "transcriber")


def test_words_without_any_sound() -> None:
    """Words for which voice activity never began count their silence from when they came."""
    words = _words()
    words.heard(WordsHeard("a table", final=True), 600)
    assert words.end_at_ms(ANYTHING) == (1_300, "silence")


def test_a_cough_long_ago_is_no_part_of_the_turn() -> None:
    """How fast a caller speaks is measured on the turn alone, not from a cough before it."""
    endpointing = Endpointing(TurnPlan())
    words = CallerWords(endpointing)
    words.speech_started(0)
    words.speech_stopped(200)
    words.speech_started(60_000)
    words.heard(WordsHeard("a table for two please", final=True), 62_000)
    words.speech_stopped(62_000)
    words.take(63_000, "silence")
    assert endpointing.rate.coefficient == 1.0
    words.speech_started(70_000)
    words.heard(WordsHeard("five words in one second", final=True), 71_000)
    words.speech_stopped(71_000)
    words.take(72_000, "silence")
    assert endpointing.rate.coefficient > 1.0
