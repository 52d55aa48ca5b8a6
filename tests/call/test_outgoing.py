"""Calls that we place, as the machine sees them: from the wish to the reason of their end."""

from __future__ import annotations

import pytest

from cordboard.call.commands import CloseCall, DialLeg, EndLeg, KeepFact, Speak, StartSpeaking
from cordboard.call.events import (
    EndReason,
    EndRequested,
    Event,
    LegAnswered,
    LegEnded,
    LegEndedBy,
    LegRinging,
    LegWanted,
    WordsHeard,
)
from cordboard.call.plan import CallPlan
from tests.call.driver import Driver

PLAN = CallPlan(organisation_id="o", initial_message="Hello there")
WANTED = LegWanted("l1", "12025550100", "12025550101")
RINGING = LegRinging("l1")


def driver() -> Driver:
    """A call that is to be placed."""
    placed = Driver(plan=PLAN)
    placed.receive(WANTED)
    return placed


def closed(placed: Driver) -> CloseCall:
    """Let what must pass do so; return how the call was closed."""
    placed.wait(6_000)
    return placed.last(CloseCall)


def test_dialled_once_and_greeting_prepared() -> None:
    """The far end is dialled at once, and the greeting is made while it rings, not played."""
    placed = driver()
    placed.receive(RINGING)
    assert [c for c in placed.commands if isinstance(c, DialLeg)] == [DialLeg("l1")]
    (greeting,) = [c for c in placed.commands if isinstance(c, Speak)]
    assert greeting.prepare
    assert not any(isinstance(c, StartSpeaking) for c in placed.commands)
    placed.answered_ms = placed.now_ms
    placed.receive(LegAnswered("l1"))
    assert placed.last(StartSpeaking).utterance_id == greeting.utterance_id


@pytest.mark.parametrize("before", [(), (RINGING,)])
@pytest.mark.parametrize(
    "reason",
    [
        EndReason.BUSY,
        EndReason.REJECTED,
        EndReason.NO_ANSWER,
        EndReason.UNREACHABLE,
        EndReason.CARRIER_FAILED,
        EndReason.DIAL_REFUSED,
    ],
)
def test_came_to_nothing(before: tuple[Event, ...], reason: EndReason) -> None:
    """Ringing or not, a call that comes to nothing is closed with the reason the carrier gave."""
    placed = driver()
    placed.receive(*before, LegEnded("l1", LegEndedBy.FAR_END, "486 Busy Here", reason))
    ending = closed(placed)
    assert (ending.reason, ending.detail) == (reason, "486 Busy Here")
    assert not any(isinstance(c, EndLeg) for c in placed.commands)


@pytest.mark.parametrize("before", [(), (RINGING,)])
def test_given_up(before: tuple[Event, ...]) -> None:
    """Ended by the API before the answer, the far end is released at once and nothing is said."""
    placed = driver()
    placed.receive(*before, EndRequested(EndReason.API_ENDED))
    assert placed.last(EndLeg) == EndLeg("l1")
    placed.receive(LegEnded("l1", LegEndedBy.LOCAL, "cancelled"))
    assert closed(placed).reason is EndReason.API_ENDED


def test_answer_that_crosses_the_release() -> None:
    """An answer that crosses our giving up changes nothing: the call does not begin."""
    placed = driver()
    placed.receive(RINGING, EndRequested(EndReason.API_ENDED), LegAnswered("l1"))
    placed.receive(LegEnded("l1", LegEndedBy.LOCAL, "released"))
    assert not any(isinstance(c, StartSpeaking) for c in placed.commands)
    assert closed(placed).reason is EndReason.API_ENDED


def test_ringing_twice_is_one_fact() -> None:
    """Repeated provisional answers are one fact; late ones change nothing."""
    placed = driver()
    placed.receive(LegRinging("l1", early_sound=True), RINGING, RINGING)
    placed.receive(LegAnswered("l1"), RINGING)
    facts = [c for c in placed.commands if isinstance(c, KeepFact) and c.kind == "leg_ringing"]
    assert [fact.content for fact in facts] == [{"early_sound": True}]


def test_early_sound_is_no_conversation() -> None:
    """Words heard before the answer are nobody's turn."""
    placed = driver()
    placed.receive(LegRinging("l1", early_sound=True), WordsHeard("all lines are busy", final=True))
    placed.wait(3_000)
    assert "busy" not in placed.call.transcript
