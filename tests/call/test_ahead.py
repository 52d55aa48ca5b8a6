"""Replies begun on stable words: nothing of them is said or done before the turn is confirmed."""

from __future__ import annotations

from cordboard.call.commands import CancelReply, StartReply
from cordboard.call.events import (
    ReplyActionAsked,
    ReplyClauseReady,
    ReplyFailed,
    ReplyFinished,
    SpeechStarted,
    SpeechStopped,
    WordsHeard,
)
from tests.call.driver import Driver, plan
from tests.call.test_agent_actions import book


def _asking(text: str = "A table for two please") -> tuple[Driver, str]:
    """Return a call whose caller has just fallen silent, and the reply begun ahead."""
    call = Driver(plan=plan(actions=(book(on_send=False),)), thinks_ahead=True).answer()
    call.receive(SpeechStarted(call.at_ms))
    call.wait(900)
    call.receive(SpeechStopped(call.at_ms), WordsHeard(text, final=True))
    return call, call.last(StartReply).reply_id


def test_it_begins_with_the_final_words() -> None:
    """The model is asked when the words are there, with what the turn's own request would hold;
    when the turn is over nothing is asked again.
    """
    call, reply_id = _asking()
    assert call.facts("turn_ended") == []
    assert call.messages[-1].text == "A table for two please"
    call.wait(3_000)
    assert len(call.facts("turn_ended")) == 1
    assert [command.reply_id for command in call.all(StartReply)] == [reply_id]


def test_sound_and_actions_wait_for_the_turn() -> None:
    """Clauses and actions that come early are carried out when the turn ends, in order and once."""
    call, reply_id = _asking()
    call.receive(
        ReplyClauseReady(reply_id, "Of course."),
        ReplyActionAsked(reply_id, "book", "{}"),
        ReplyFinished(reply_id),
    )
    assert (call.spoken, call.actions_run) == ([], [])
    call.wait(2_000)
    assert call.spoken == ["Of course."]
    call.finish_all()
    assert call.actions_run == ["book"]


def test_what_comes_later_follows() -> None:
    """A reply that is confirmed in the middle goes on like any other."""
    call, reply_id = _asking()
    call.receive(ReplyClauseReady(reply_id, "Of course."))
    call.wait(2_000)
    call.receive(ReplyClauseReady(reply_id, "For two."), ReplyFinished(reply_id))
    assert call.spoken == ["Of course.", "For two."]


def test_a_caller_who_goes_on_was_not_answered() -> None:
    """When more is said the reply is given up, and of its words and actions nothing remains."""
    call, first = _asking()
    call.receive(ReplyClauseReady(first, "Of course."), ReplyActionAsked(first, "book", "{}"))
    call.receive(SpeechStarted(call.at_ms))
    assert [command.reply_id for command in call.all(CancelReply)] == [first]
    call.wait(800)
    call.receive(SpeechStopped(call.at_ms), WordsHeard("and a chair", final=True))
    second = call.last(StartReply).reply_id
    assert call.messages[-1].text == "A table for two please and a chair"
    call.wait(2_000)
    call.receive(ReplyClauseReady(first, "Late."), ReplyClauseReady(second, "Both."))
    assert call.spoken == ["Both."]
    assert call.actions_run == []


def test_one_that_fails_is_asked_again_in_its_turn() -> None:
    """A reply that failed ahead is no answer: the turn's own request is made."""
    call, first = _asking()
    call.receive(ReplyFailed(first, "timeout"))
    call.wait(3_000)
    assert call.last(StartReply).reply_id != first
    assert call.facts("reply_failed") == []


def test_it_is_bounded() -> None:
    """A caller who stops again and again is thought about three times in a turn."""
    call, _ = _asking()
    for number in range(6):
        call.receive(SpeechStarted(call.at_ms))
        call.wait(300)
        call.receive(SpeechStopped(call.at_ms), WordsHeard(f"and {number}", final=True))
    assert len(call.all(StartReply)) == 3
    call.wait(3_000)
    assert len(call.all(StartReply)) == 4
