"""How a call ends: one path, whatever the cause."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cordboard.call.actions import ActionKind, ActionOutcome, ActionPlan
from cordboard.call.commands import AnswerLeg, CloseCall, EndLeg, StartReply, StopSpeaking
from cordboard.call.ending import RELEASE_MAX_MS, STORED_GOODBYE_MAX_MS
from cordboard.call.events import (
    EndReason,
    EndRequested,
    LegAnswered,
    LegEnded,
    LegEndedBy,
    LegHeld,
    LegOffered,
    ProviderFailed,
    ProviderKind,
    SpeechStarted,
    SpeechStopped,
    WordsHeard,
)
from tests.call.driver import END, Driver, calling, plan

QUIET = ActionPlan(action_id="1", kind=ActionKind.EXTERNAL, function_name="note")


def new() -> Driver:
    """Nothing has happened yet."""
    return Driver(plan=plan(greeting="Hello."))


def offered() -> Driver:
    """It rings."""
    call = new()
    call.receive(LegOffered("l1", "+1", "+2"))
    return call


def answered() -> Driver:
    """The call is up."""
    call = offered()
    call.receive(LegAnswered("l1"))
    return call


def held() -> Driver:
    """The call is on hold."""
    call = answered()
    call.receive(LegHeld("l1"))
    return call


def speaking() -> Driver:
    """The agent speaks."""
    call = answered()
    call.begin()
    return call


def replying() -> Driver:
    """A reply is being made."""
    call = answered()
    call.finish_all()
    call.turn("When are you open?")
    return call


def overlapping() -> Driver:
    """It is undecided who goes on."""
    call = replying()
    call.reply("From nine to five.")
    call.begin()
    call.receive(SpeechStarted(call.at_ms))
    return call


def saying_goodbye() -> Driver:
    """The agent ends the call."""
    call = calling(actions=(END,))
    call.turn("That is all, thank you.")
    call.reply("Goodbye.", action=("end", "{}"))
    call.begin()
    return call


STATES = [new, offered, answered, held, speaking, replying, overlapping, saying_goodbye]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("reason", [EndReason.API_ENDED, EndReason.INTERNAL_ERROR])
def test_end_in_every_state(state: Callable[[], Driver], reason: EndReason) -> None:
    """The far end is released in the same step, in every state, and the call closes once."""
    call = state()
    call.receive(EndRequested(reason, "why"))
    if state is not new:
        assert call.all(EndLeg) == [EndLeg("l1")]
        assert call.all(CloseCall) == []
        call.receive(LegEnded("l1", LegEndedBy.LOCAL))
    assert call.end is not None
    assert (call.end.reason, call.end.detail) == (reason, "why")
    assert call.commands[-1] is call.end
    assert call.call.next_deadline() is None
    before = len(call.commands)
    call.receive(EndRequested(EndReason.API_ENDED), LegOffered("l1", "+1", "+2"))
    call.wait(60_000)
    assert len(call.commands) == before


@pytest.mark.parametrize("state", STATES)
def test_far_end_leaves_in_every_state(state: Callable[[], Driver]) -> None:
    """Whoever hangs up leaves nothing behind: no reply, no sound, no deadline, one record."""
    call = state()
    call.receive(LegEnded("l1", LegEndedBy.FAR_END, "hang-up"))
    assert call.end is not None
    assert call.end.reason is EndReason.CALLER_HUNG_UP
    assert call.call.next_deadline() is None
    assert call.all(EndLeg) == []


@pytest.mark.parametrize(
    ("by", "cause", "reason"),
    [
        (LegEndedBy.FAR_END, "cancelled", EndReason.CALLER_CANCELLED),
        (LegEndedBy.FAR_END, "hang-up", EndReason.CALLER_HUNG_UP),
        (LegEndedBy.FAILURE, "503", EndReason.CARRIER_FAILED),
    ],
)
def test_who_ended_it(by: LegEndedBy, cause: str, reason: EndReason) -> None:
    """The reason is the far end's, or the carrier's."""
    call = offered()
    assert call.all(AnswerLeg) == [AnswerLeg("l1")]
    call.receive(LegEnded("l1", by, cause))
    assert call.end is not None
    assert (call.end.reason, call.end.detail) == (reason, cause)


def test_no_release_by_the_far_end() -> None:
    """A far end that does not let go is given five seconds; then the record closes without it, and
    unanswered words are in it.
    """
    call = answered()
    call.finish_all()
    call.receive(SpeechStarted(call.at_ms), WordsHeard("one more", final=False))
    call.receive(EndRequested(EndReason.API_ENDED))
    call.wait(RELEASE_MAX_MS - 1)
    assert call.all(CloseCall) == []
    call.wait(1)
    assert call.end is not None
    assert call.end.reason is EndReason.API_ENDED
    assert call.lines[-1] == "HUMAN: one more"
    assert call.facts("leg_ended")[0].content["cause"] == "no_release"


def test_the_first_reason_stands() -> None:
    """Later reasons are ignored, though a second one may hurry the release."""
    call = speaking()
    call.receive(EndRequested(EndReason.DRAINED, "restart"))
    assert call.all(EndLeg) == []
    call.receive(EndRequested(EndReason.DRAINED))
    assert call.spoken.count("goodbye") == 1
    call.receive(EndRequested(EndReason.API_ENDED))
    assert call.all(EndLeg) == [EndLeg("l1")]
    call.receive(EndRequested(EndReason.INTERNAL_ERROR))
    call.receive(LegEnded("l1", LegEndedBy.FAR_END))
    assert call.end is not None
    assert (call.end.reason, call.end.detail) == (EndReason.DRAINED, "restart")
    assert len(call.all(EndLeg)) == 1


def test_drained_with_a_goodbye() -> None:
    """A drain stops what is being said, says a stored goodbye, and hangs up after it."""
    call = speaking()
    call.receive(EndRequested(EndReason.DRAINED))
    assert StopSpeaking() in call.commands
    call.begin()
    call.wait(1_000)
    assert call.all(EndLeg) == []
    call.finish()
    assert call.all(EndLeg) == [EndLeg("l1")]


def test_a_goodbye_that_never_sounds() -> None:
    """A goodbye holds up the end for no more than five seconds."""
    call = speaking()
    call.receive(EndRequested(EndReason.DRAINED))
    call.wait(STORED_GOODBYE_MAX_MS)
    assert call.all(EndLeg) == [EndLeg("l1")]


def test_longest_call() -> None:
    """Ten minutes of this plan are over with a stored goodbye, whatever goes on."""
    call = speaking()
    for _ in range(590):
        call.receive(SpeechStarted(call.at_ms), SpeechStopped(call.at_ms))
        call.wait(1_000)
    assert call.all(EndLeg) == []
    call.wait(10_000 + STORED_GOODBYE_MAX_MS)
    assert call.all(EndLeg) == [EndLeg("l1")]
    assert call.spoken[-1] == "goodbye"
    call.receive(LegEnded("l1", LegEndedBy.LOCAL))
    assert call.end is not None
    assert call.end.reason is EndReason.LONGEST_CALL


def test_nothing_is_begun_while_the_call_ends() -> None:
    """A turn whose silence runs out during the goodbye starts no reply; its words are kept."""
    call = answered()
    call.finish_all()
    call.speech("one more thing")
    call.receive(EndRequested(EndReason.DRAINED))
    call.begin()
    call.wait(3_000)
    call.receive(WordsHeard("wait", final=True))
    call.finish()
    assert call.all(StartReply) == []
    call.receive(LegEnded("l1", LegEndedBy.LOCAL))
    assert call.lines[-1] == "HUMAN: one more thing wait"


def test_unanswered_words_are_kept() -> None:
    """What the caller said before hanging up is in the transcript, kept words first."""
    call = answered()
    call.begin()
    call.speech("I want to book a table")
    call.wait(3_000)
    call.receive(SpeechStarted(call.at_ms), WordsHeard("tonight", final=False))
    call.receive(LegEnded("l1", LegEndedBy.FAR_END))
    assert call.lines == ["HUMAN: I want to book a table", "HUMAN: tonight"]


@pytest.mark.parametrize("finishes", [True, False])
def test_a_running_action_is_recorded(finishes: bool) -> None:
    """An action that has left keeps the record open until its outcome, for at most 11 s."""
    call = calling(actions=(QUIET,))
    call.turn("Please make a note of it.")
    call.reply(action=("note", "{}"))
    call.receive(LegEnded("l1", LegEndedBy.FAR_END))
    call.wait(3_000)
    assert call.all(CloseCall) == []
    if finishes:
        call.outcome(ActionOutcome(True, {}, "Noted.", "success", 200))
        assert len(call.facts("action_finished")) == 1
    else:
        call.wait(8_000)
    assert call.end is not None
    assert call.spoken == []


def test_sound_without_an_end_does_not_hold_the_record() -> None:
    """Utterances whose end is never reported are waited for half a second."""
    call = speaking()
    call.answer_stops = False
    call.receive(LegEnded("l1", LegEndedBy.FAR_END))
    assert call.all(CloseCall) == []
    call.wait(500)
    assert call.end is not None


def test_failures_during_the_goodbye_are_not_apologised_for() -> None:
    """A provider that fails while the call ends anyway adds nothing to be said."""
    call = speaking()
    call.receive(EndRequested(EndReason.DRAINED))
    call.receive(ProviderFailed(ProviderKind.TRANSCRIBER, "unavailable"))
    assert call.spoken[-1] == "goodbye"
