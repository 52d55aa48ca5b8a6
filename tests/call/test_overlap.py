"""The caller speaks over the agent."""

from __future__ import annotations

import pytest

from cordboard.call.commands import (
    CancelReply,
    PauseSpeaking,
    ResumeSpeaking,
    StartReply,
    StopSpeaking,
)
from cordboard.call.events import (
    ReplyClauseReady,
    ReplyExpected,
    ReplyFinished,
    SpeechStarted,
    SpeechStopped,
    WordsHeard,
)
from cordboard.call.expectation import ANYTHING, Expectation, ExpectationKind
from cordboard.call.overlap import KeptTurns
from cordboard.call.turns import CallerTurn
from tests.call.driver import Driver, calling

TEXT = "We are open from nine to five on all days."


def _speaking(sensitivity: str = "low") -> Driver:
    """A call in which the agent's reply is sounding."""
    call = calling(sensitivity=sensitivity)
    call.turn("When are you open?")
    call.reply(TEXT)
    call.begin()
    return call


def _floor_commands(call: Driver) -> list[str]:
    kinds = (PauseSpeaking, ResumeSpeaking, StopSpeaking)
    return [type(command).__name__ for command in call.commands if isinstance(command, kinds)]


@pytest.mark.parametrize("sensitivity", ["low", "high"])
def test_cough_resumes(sensitivity: str) -> None:
    """Sound without words silences the agent at once, and lets it go on 500 ms after it ended."""
    call = _speaking(sensitivity)
    call.receive(SpeechStarted(call.at_ms))
    assert _floor_commands(call) == ["PauseSpeaking"]
    call.wait(300)
    call.receive(SpeechStopped(call.at_ms))
    call.wait(499)
    assert _floor_commands(call) == ["PauseSpeaking"]
    call.wait(1)
    assert _floor_commands(call) == ["PauseSpeaking", "ResumeSpeaking"]
    call.finish_all()
    assert call.lines == ["HUMAN: When are you open?", f"BOT: {TEXT}"]
    assert call.facts("resumed")[0].content["reason"] == "noise"


def test_second_cough_is_not_cut_short_by_the_first() -> None:
    """Sound that begins again before the first was judged is waited for in full."""
    call = _speaking()
    call.receive(SpeechStarted(call.at_ms))
    call.wait(200)
    call.receive(SpeechStopped(call.at_ms))
    call.wait(400)
    call.receive(SpeechStarted(call.at_ms))
    call.wait(300)
    assert _floor_commands(call) == ["PauseSpeaking"]
    call.receive(SpeechStopped(call.at_ms))
    call.wait(500)
    assert _floor_commands(call) == ["PauseSpeaking", "ResumeSpeaking"]


@pytest.mark.parametrize(("sensitivity", "after_ms"), [("low", 1_800), ("high", 700)])
def test_long_sound_without_words_takes_the_floor(sensitivity: str, after_ms: int) -> None:
    """Whoever goes on speaking is given the floor, words or not."""
    call = _speaking(sensitivity)
    call.receive(SpeechStarted(call.at_ms))
    call.wait(after_ms - 1)
    assert StopSpeaking() not in call.commands
    call.wait(1)
    assert StopSpeaking() in call.commands


@pytest.mark.parametrize(("sensitivity", "words"), [("low", "no that is wrong"), ("high", "no")])
def test_barge_in(sensitivity: str, words: str) -> None:
    """Words that take the floor stop the agent on a partial; only what was heard stays, in the
    transcript and for the model.
    """
    call = _speaking(sensitivity)
    call.heard[call.queue[0]] = len("We are open")
    call.receive(SpeechStarted(call.at_ms))
    call.wait(600)
    call.receive(WordsHeard(words, final=False))
    assert _floor_commands(call) == ["PauseSpeaking", "StopSpeaking"]
    call.receive(SpeechStopped(call.at_ms), WordsHeard(words, final=True))
    call.wait(2_000)
    assert call.lines == ["HUMAN: When are you open?", "BOT: We are open-", f"HUMAN: {words}"]
    assert [message.text for message in call.messages][1:] == ["We are open-", words]


def test_barge_in_gives_the_reply_up() -> None:
    """The reply that was being made is cancelled, and what it still says is ignored."""
    call = calling()
    reply_id = call.turn("When are you open?")
    call.receive(ReplyClauseReady(reply_id, TEXT))
    call.begin()
    call.speech("no that is wrong")
    assert CancelReply(reply_id) in call.commands
    spoken = len(call.spoken)
    call.receive(ReplyClauseReady(reply_id, "And so on."), ReplyFinished(reply_id))
    assert len(call.spoken) == spoken


@pytest.mark.parametrize("words", ["mm-hmm", "yeah okay", "right"])
def test_backchannel_keeps_the_floor(words: str) -> None:
    """Acknowledgement lets the agent go on, wants no answer, and is in the transcript."""
    call = _speaking()
    call.speech(words)
    assert _floor_commands(call) == ["PauseSpeaking", "ResumeSpeaking"]
    call.finish_all()
    call.wait(5_000)
    assert call.lines[1:] == [f"BOT: {TEXT}", f"HUMAN: {words}"]
    assert len(call.all(StartReply)) == 1


def test_backchannel_between_two_clauses_keeps_the_floor() -> None:
    """Where the agent was heard and its next clause is still on its way, "yeah" cancels nothing."""
    call = calling()
    reply_id = call.turn("When are you open?")
    call.receive(ReplyClauseReady(reply_id, "We are open."))
    call.finish_all()
    call.speech("yeah")
    assert call.all(CancelReply) == []
    call.receive(ReplyClauseReady(reply_id, "Every day."), ReplyFinished(reply_id))
    assert call.spoken == ["We are open.", "Every day."]


def test_few_words_are_answered_after_the_agent() -> None:
    """With low sensitivity a short request lets the agent finish and is answered then."""
    call = _speaking()
    call.speech("and on sundays")
    assert StopSpeaking() not in call.commands
    call.finish_all()
    assert [message.text for message in call.messages][-1] == "and on sundays"


def test_early_answer_takes_the_floor() -> None:
    """A whole answer to the question being asked is taken although it is short."""
    call = calling()
    reply_id = call.turn("A table please.")
    call.receive(ReplyExpected(reply_id, Expectation(ExpectationKind.YES_NO)))
    call.reply("Is that for today, or for some other day?")
    call.begin()
    call.speech("yes")
    assert StopSpeaking() in call.commands
    call.wait(1_000)
    assert len(call.all(StartReply)) == 2


def test_caller_goes_on_before_the_reply_sounds() -> None:
    """Words before anything of the reply was heard belong to the turn: the reply is made anew."""
    call = calling()
    first = call.turn("I want a table")
    call.speech("for two")
    assert CancelReply(first) in call.commands
    call.wait(2_000)
    assert [message.text for message in call.messages] == ["I want a table", "for two"]


def test_caller_goes_on_while_the_first_clause_is_made() -> None:
    """A clause that is queued but has no sound yet has not been heard either."""
    call = calling()
    call.turn("I want a table")
    call.reply("For how many?")
    call.speech("for two")
    assert StopSpeaking() in call.commands
    call.wait(2_000)
    assert [message.text for message in call.messages] == ["I want a table", "for two"]


def test_greeting_is_heard_whole() -> None:
    """Words over the initial message do not stop it; they are kept and answered after it."""
    call = calling(greeting="Welcome to our little company.")
    call.begin()
    call.speech("I want to book a table")
    call.wait(2_000)
    assert _floor_commands(call) == []
    assert call.all(StartReply) == []
    call.finish_all()
    assert call.lines == [
        "BOT: Welcome to our little company.",
        "HUMAN: I want to book a table",
    ]
    assert len(call.all(StartReply)) == 1


def test_partial_words_without_an_end() -> None:
    """A stray partial that is never closed does not hold the agent for ever."""
    call = _speaking()
    call.receive(WordsHeard("so", final=False))
    assert _floor_commands(call) == ["PauseSpeaking"]
    call.wait(1_500)
    assert _floor_commands(call) == ["PauseSpeaking", "ResumeSpeaking"]


def test_few_words_on_a_noisy_line() -> None:
    """Few words followed by sound that does not end are judged as what they are."""
    call = _speaking()
    call.receive(SpeechStarted(call.at_ms))
    call.wait(400)
    call.receive(WordsHeard("okay", final=True))
    call.wait(1_800)
    assert _floor_commands(call) == ["PauseSpeaking", "ResumeSpeaking"]


def test_kept_words_are_answered_on_a_noisy_line() -> None:
    """Sound without words after the agent has finished does not hold up the answer for ever."""
    call = calling(greeting="Welcome.")
    call.begin()
    call.speech("I want to book a table")
    call.wait(2_000)
    call.receive(SpeechStarted(call.at_ms))
    call.finish_all()
    assert call.all(StartReply) == []
    call.wait(3_000)
    assert len(call.all(StartReply)) == 1


def _turn(text: str, *, digits: bool = False) -> CallerTurn:
    return CallerTurn(text, "silence", 100, 200, digits)


@pytest.mark.parametrize(
    ("turns", "wanted", "answered", "text"),
    [
        ([], False, None, ""),
        ([_turn("mhm")], False, None, "mhm"),
        ([_turn("mhm")], True, "mhm", "mhm"),
        ([_turn("a table"), _turn("for two")], False, "a table for two", "a table for two"),
        ([_turn("*", digits=True)], False, "*", "*"),
        ([_turn("...")], False, None, ""),
    ],
)
def test_kept_turns(turns: list[CallerTurn], wanted: bool, answered: str | None, text: str) -> None:
    """Kept turns come back as one, or as mere words where they want no answer; and only once."""
    kept = KeptTurns()
    for turn in turns:
        kept.keep(turn, wanted=wanted)
    assert kept.is_empty is (not turns)
    turn_again, words = kept.take(ANYTHING, "en")
    assert (turn_again.text if turn_again else None, words) == (answered, text)
    assert kept.take(ANYTHING, "en") == (None, "")


def test_kept_words_go_in_front() -> None:
    """A turn that can be answered now brings what was kept along, in order, once."""
    kept = KeptTurns()
    kept.keep(_turn("a table"))
    kept.keep(_turn("12", digits=True))
    joined = kept.followed_by(_turn("for two"))
    assert (joined.text, joined.digits) == ("a table 12 for two", True)
    assert kept.followed_by(_turn("tonight")).text == "tonight"
