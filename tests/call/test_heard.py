"""Utterances written down as they are heard."""

from __future__ import annotations

from cordboard.call.events import (
    PlayoutFailed,
    PlayoutFinished,
    PlayoutPaused,
    PlayoutStarted,
    PlayoutStopped,
)
from tests.call.driver import calling


def test_each_end_is_a_fact() -> None:
    """Heard whole, cut, or failed: the fact holds the words heard and how it ended."""
    call = calling()
    call.turn("Tell me all of it.")
    call.reply("One two.", "Three four.", "Five six.")
    for number, text in enumerate(("One two.", "Three four.", "Five six."), 1):
        call.receive(PlayoutStarted(f"u{number}", number))
        assert call.lines.count(f"BOT: {text}") == 0
        if number == 1:
            call.receive(PlayoutFinished("u1", 70))
        elif number == 2:
            call.receive(PlayoutFailed("u2", 5, "bad_answer"))
        else:
            call.receive(PlayoutPaused("u3", 4), PlayoutStopped("u3", 4))
    whole, failed, cut = (fact.content for fact in call.facts("heard"))
    assert (whole["text"], whole["whole"], whole["at_ms"]) == ("One two.", True, 70)
    assert (failed["text"], failed["whole"], failed["failure"]) == ("Three", False, "bad_answer")
    assert (cut["text"], cut["whole"]) == ("Five", False)
    assert len(call.facts("paused")) == 1
    assert call.lines[1:4] == ["BOT: One two.", "BOT: Three-", "BOT: Five-"]


def test_stored_phrases_have_their_words() -> None:
    """The words of a stored phrase come with its first sound, and are in the transcript."""
    call = calling()
    call.turn("Tell me all of it.")
    call.wait(3_000)
    call.receive(PlayoutStarted("u1", 1, "One moment, please."), PlayoutFinished("u1", 900))
    assert call.lines[-1] == "BOT: One moment, please."


def test_strangers_are_ignored() -> None:
    """Utterances that are not ours, or not ours any more, change nothing."""
    call = calling()
    call.receive(PlayoutStarted("u7", 1), PlayoutFinished("u7", 2), PlayoutFailed("u7", 1, "x"))
    assert call.facts("heard") == []
    assert call.lines == []
