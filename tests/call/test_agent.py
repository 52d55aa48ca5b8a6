"""The agent: greeting, replies that fail or stay away, what fills the silence."""

from __future__ import annotations

import pytest

from cordboard.call.actions import ActionKind, ActionOutcome, ActionPlan, SpeakBefore
from cordboard.call.commands import (
    CancelReply,
    EndLeg,
    Expect,
    PlayStored,
    RunAction,
    Speak,
    StartReply,
    StartSpeaking,
)
from cordboard.call.events import (
    EndReason,
    LegAnswered,
    LegEnded,
    LegEndedBy,
    LegHeld,
    LegOffered,
    LegResumed,
    PlayoutFailed,
    ReplyClauseReady,
    ReplyExpected,
    ReplyFailed,
    ReplyFinished,
    SpeechStarted,
)
from cordboard.call.expectation import Expectation, ExpectationKind
from cordboard.call.plan import TurnPlan
from tests.call.driver import Driver, calling, plan

SILENT = ActionPlan(
    action_id="1", kind=ActionKind.EXTERNAL, function_name="book", speak_on_receive=True
)
SPOKEN = ActionPlan(
    action_id="1",
    kind=ActionKind.EXTERNAL,
    function_name="book",
    speak_before=SpeakBefore.ALWAYS,
)


def test_greeting_is_made_before_the_answer() -> None:
    """The initial message is prepared while it rings, and starts with the answer."""
    call = Driver(plan=plan(greeting="Hello."))
    call.receive(LegOffered("l1", "+1", "+2"))
    assert call.all(Speak) == [Speak("u1", "Hello.", "en", prepare=True)]
    assert call.all(StartSpeaking) == []
    call.receive(LegAnswered("l1"))
    assert call.all(StartSpeaking) == [StartSpeaking("u1")]


def test_greeting_after_its_delay() -> None:
    """The plan's delay passes between the answer and the initial message."""
    turn = TurnPlan(initial_message_delay_ms=1_500)
    call = Driver(plan=plan(greeting="Hello.", turn=turn)).answer()
    call.wait(1_499)
    assert call.all(StartSpeaking) == []
    call.wait(1)
    assert call.all(StartSpeaking) == [StartSpeaking("u1")]


def _bridges(call: Driver, wait_ms: int) -> list[int]:
    """Let time pass, every stored phrase sounding for a second; return when each was asked for."""
    at_ms: list[int] = []
    for _ in range(wait_ms // 100):
        before = len(call.all(PlayStored))
        call.wait(100)
        if len(call.all(PlayStored)) > before:
            at_ms.append(call.at_ms)
            call.begin()
            for _ in range(10):
                call.wait(100)
            call.finish()
    return at_ms


def test_bridge_and_outage() -> None:
    """Without a reply a stored phrase comes within 3 s of the end of the turn, again after 8 s, and
    after 20 s a stored goodbye ends the call, naming the class of provider.
    """
    call = calling()
    call.speech("When are you open?")
    stopped_ms = call.at_ms - 50
    first, second, third, last = _bridges(call, 22_000)
    assert first - stopped_ms <= 2_600
    assert 8_000 <= second - first <= 8_100
    assert 8_000 <= third - second <= 8_100
    assert call.spoken == ["one_moment", "one_moment", "one_moment", "goodbye"]
    assert 20_000 <= last - stopped_ms <= 21_000
    assert call.all(EndLeg) == [EndLeg("l1")]
    call.receive(LegEnded("l1", LegEndedBy.LOCAL))
    assert call.end is not None
    assert (call.end.reason, call.end.detail) == (EndReason.PROVIDER_FAILED, "language_model")


def test_bridges_can_be_turned_off() -> None:
    """Without bridge phrases the wait is silent, and ends with the goodbye all the same."""
    call = Driver(plan=plan(bridge_phrases=False)).answer()
    call.turn("When are you open?")
    call.wait(21_000)
    assert call.spoken == ["goodbye"]


def test_no_bridge_once_the_reply_sounds() -> None:
    """A reply in time needs no stored phrase, and clears the outage."""
    call = calling()
    call.turn("When are you open?")
    call.reply("From nine.")
    call.begin()
    call.wait(60_000)
    assert call.spoken == ["From nine."]
    assert call.all(EndLeg) == []


def test_bridge_between_clauses() -> None:
    """A reply that stalls after its first clause is bridged too."""
    call = calling()
    reply_id = call.turn("When are you open?")
    call.receive(ReplyClauseReady(reply_id, "From nine."))
    call.finish_all()
    call.wait(2_600)
    assert call.spoken == ["From nine.", "one_moment"]


def test_no_bridge_over_the_caller() -> None:
    """While the caller is speaking, no stored phrase comes in between."""
    call = calling(sensitivity="low")
    call.turn("When are you open?")
    call.receive(SpeechStarted(call.at_ms))
    call.wait(1_700)
    assert call.spoken == []


def test_hold_is_no_outage() -> None:
    """Words that wait for the caller to come off hold are not taken for a failing provider."""
    call = calling()
    call.turn("When are you open?")
    call.receive(LegHeld("l1"))
    call.reply("From nine.")
    call.wait(120_000)
    assert call.spoken == ["From nine."]
    call.receive(LegResumed("l1"))
    call.finish_all()
    call.wait(1_000)
    assert call.all(EndLeg) == []


def test_outage_withdraws_what_has_not_left() -> None:
    """Giving up starts no action whose message was never heard."""
    call = calling(actions=(SPOKEN,))
    call.turn("Book me a table.")
    call.reply(action=("book", '{"user_message": "One second."}'))
    call.wait(21_000)
    assert "goodbye" in call.spoken
    assert call.all(RunAction) == []


def test_a_long_action_is_no_outage() -> None:
    """An action of ten seconds between two slow replies does not end the call."""
    call = calling(actions=(SILENT,))
    call.turn("Book me a table.")
    call.wait(4_000)
    call.reply(action=("book", "{}"))
    call.wait(10_000)
    call.outcome(ActionOutcome(False, {}, None, "timeout", None))
    call.wait(8_000)
    call.reply("It could not be booked.")
    call.begin()
    assert "goodbye" not in call.spoken


@pytest.mark.parametrize("failure", ["unavailable", ""])
def test_failed_and_empty_replies_are_tried_again(failure: str) -> None:
    """A reply that failed or said nothing is asked for again a second later; until the outage."""
    call = calling()
    for attempt in range(1, 4):
        reply_id = call.turn("When are you open?") if attempt == 1 else f"r{attempt}"
        assert len(call.all(StartReply)) == attempt
        call.receive(ReplyFailed(reply_id, failure) if failure else ReplyFinished(reply_id))
        call.wait(1_000)
    assert len(call.facts("reply_failed")) == 3
    call.reply("From nine.")
    call.finish_all()
    call.wait(5_000)
    assert len(call.all(StartReply)) == 4
    assert call.lines.count("HUMAN: When are you open?") == 1
    assert call.lines[-1] == "BOT: From nine."


def test_failures_without_end_are_an_outage() -> None:
    """Retries do not go on for ever."""
    call = calling()
    reply_id = call.turn("When are you open?")
    while call.all(EndLeg) == [] and call.at_ms < 60_000:
        call.receive(ReplyFailed(reply_id, "unavailable"))
        call.wait(1_000)
        reply_id = call.last(StartReply).reply_id
        call.finish_all()
    assert 19_000 <= call.at_ms <= 24_000


def test_what_was_said_is_not_said_again() -> None:
    """A reply that breaks off after its first clause is not repeated."""
    call = calling()
    reply_id = call.turn("When are you open?")
    call.receive(ReplyClauseReady(reply_id, "From nine."), ReplyFailed(reply_id, "stalled"))
    call.finish_all()
    call.wait(10_000)
    assert call.spoken == ["From nine."]
    assert len(call.all(StartReply)) == 1


def test_events_of_old_replies_are_ignored() -> None:
    """What a cancelled reply still sends changes nothing."""
    call = calling()
    old = call.turn("When are you open?")
    call.turn("On sundays I mean.")
    assert CancelReply(old) in call.commands
    call.receive(
        ReplyClauseReady(old, "Old."),
        ReplyExpected(old, Expectation(ExpectationKind.DATE)),
        ReplyFailed(old, "x"),
        ReplyFinished(old),
    )
    assert call.spoken == []
    assert call.all(Expect) == []


def test_expectation_follows_the_last_question() -> None:
    """What the model expects is told on at once; a reply that expects nothing special ends it."""
    call = Driver(plan=plan(language="de")).answer()
    reply_id = call.turn("Einen Tisch, bitte.")
    yes_no = Expectation(ExpectationKind.YES_NO, language="de")
    call.receive(ReplyExpected(reply_id, yes_no))
    call.reply("Heute?")
    call.finish_all()
    assert call.all(Expect) == [Expect(yes_no)]
    call.turn("Nein, morgen.")
    assert call.last(StartReply).expectation == yes_no
    call.reply("Was noch?")
    assert call.all(Expect)[1:] == [Expect(Expectation(language="de"))]


def test_an_expectation_that_stays_is_told_once() -> None:
    """The same expectation again is no news."""
    call = calling()
    for _ in range(2):
        reply_id = call.turn("Something long enough.")
        call.receive(ReplyExpected(reply_id, Expectation(ExpectationKind.DATE)))
        call.reply("When?")
        call.finish_all()
    assert len(call.all(Expect)) == 1


def test_greeting_without_sound() -> None:
    """A greeting that cannot be made is replaced by a stored phrase, and the call goes on."""
    call = Driver(plan=plan(greeting="Hello."))
    call.receive(LegOffered("l1", "+1", "+2"))
    call.receive(PlayoutFailed(call.queue.pop(0), 0, "unavailable"))
    call.receive(LegAnswered("l1"))
    call.finish_all()
    assert call.spoken == ["Hello.", "sorry_trouble"]
    call.turn("Hello, is anybody there?")
    assert len(call.all(StartReply)) == 1


def test_answers_after_the_end_of_the_agents_patience_are_ignored() -> None:
    """A reply that comes after the goodbye has begun is not spoken."""
    call = calling()
    reply_id = call.turn("When are you open?")
    call.wait(20_000)
    assert call.spoken[-1] == "goodbye"
    call.receive(ReplyClauseReady(reply_id, "From nine."), ReplyFinished(reply_id))
    assert call.spoken[-1] == "goodbye"
