"""Who picked up: short words are a human's; long ones, tones and phrases are a machine's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cordboard.call.commands import EndLeg
from cordboard.call.events import (
    AnswerJudged,
    EndReason,
    Event,
    LegAnswered,
    LegEnded,
    LegEndedBy,
    LegWanted,
    SpeechStarted,
    SpeechStopped,
    ToneHeard,
    WordsHeard,
)
from tests.call.driver import Driver, plan


def _placed(on_no_human: str = "hangup", *, by_carrier: bool = False, greeting: str = "") -> Driver:
    """A call that has just been picked up."""
    call = Driver(
        plan=replace(
            plan(greeting=greeting or None),
            on_no_human=on_no_human,
            carrier_detects_human=by_carrier,
        )
    )
    call.receive(LegWanted("l1", "12025550100", "12025550101"))
    call.answered_ms = call.now_ms
    call.receive(LegAnswered("l1"))
    return call


def _speaks(call: Driver, *stretches_ms: int, pause_ms: int = 500) -> None:
    for stretch_ms in stretches_ms:
        call.receive(SpeechStarted(call.at_ms))
        call.wait(stretch_ms)
        call.receive(SpeechStopped(call.at_ms))
        call.wait(pause_ms)


def _verdict(call: Driver) -> str | None:
    human, machine = call.facts("human_answered"), call.facts("machine_answered")
    assert len(human) + len(machine) <= 1
    if not human and not machine:
        return None
    return "human" if human else "machine"


def _closed(call: Driver) -> tuple[EndReason, str]:
    call.receive(LegEnded("l1", LegEndedBy.LOCAL))
    call.wait(1_000)
    assert call.end is not None
    return call.end.reason, call.end.detail


@pytest.mark.parametrize("stretches_ms", [(500,), (700, 900), (1_500, 1_000)])
def test_short_words_and_silence(stretches_ms: tuple[int, ...]) -> None:
    """Whoever says little and then waits is human, and is talked to."""
    call = _placed()
    _speaks(call, *stretches_ms)
    assert _verdict(call) is None
    call.wait(700)
    assert _verdict(call) == "human"
    assert not call.all(EndLeg)


@pytest.mark.parametrize("stretches_ms", [(4_500,), (1_500, 1_500, 1_500)])
def test_long_words(stretches_ms: tuple[int, ...]) -> None:
    """Whoever goes on for four seconds without a real pause is a machine: the call ends."""
    call = _placed()
    _speaks(call, *stretches_ms)
    assert _verdict(call) == "machine"
    assert len(call.all(EndLeg)) == 1
    assert _closed(call) == (EndReason.NO_HUMAN, "")


@pytest.mark.parametrize(
    "event",
    [
        ToneHeard(2_000),
        WordsHeard("Please leave your message after the tone.", final=True),
        WordsHeard("I can\u2019t take your call right now", final=False),
        WordsHeard("Bitte sprechen Sie nach dem Signalton", final=True),
        AnswerJudged(human=False),
    ],
)
def test_what_only_machines_do(event: Event) -> None:
    """A tone, a machine's phrase and the carrier's word each end the call at once."""
    call = _placed()
    call.wait(2_000)
    call.receive(event)
    assert (_verdict(call), len(call.all(EndLeg))) == ("machine", 1)


def test_told_to_go_on() -> None:
    """With ``continue`` a machine is told of, and talked to."""
    call = _placed("continue")
    call.receive(ToneHeard(0))
    call.wait(5_000)
    assert _verdict(call) == "machine"
    assert not call.all(EndLeg)


def test_the_first_verdict_stands() -> None:
    """Who was human once is not hung up on, whatever sounds later."""
    call = _placed()
    _speaks(call, 500, pause_ms=1_300)
    call.receive(ToneHeard(call.at_ms), AnswerJudged(human=False))
    _speaks(call, 6_000)
    assert _verdict(call) == "human"
    assert not call.all(EndLeg)


def test_an_answer_to_the_agent_may_be_long() -> None:
    """Once the agent was heard, long words are a human's answer, and so are late ones."""
    call = _placed(greeting="Hello.")
    call.finish_all()
    call.wait(500)
    _speaks(call, 6_000, pause_ms=1_300)
    assert _verdict(call) == "human"
    late = _placed()
    late.wait(6_000)
    _speaks(late, 6_000, pause_ms=1_300)
    assert _verdict(late) == "human"


def test_late_tones_say_nothing() -> None:
    """After half a minute nobody can tell by a tone or a phrase."""
    call = _placed(greeting="Hello.")
    call.finish_all()
    call.wait(29_000)
    call.receive(AnswerJudged(human=True))
    later = _placed()
    for _ in range(2):
        later.wait(16_000)
        later.receive(WordsHeard("Hm", final=True))
    later.receive(ToneHeard(later.at_ms), WordsHeard("the mailbox", final=True))
    assert (_verdict(call), _verdict(later)) == ("human", None)


def test_the_carrier_judges() -> None:
    """Where the carrier is to tell, nothing else counts, and its word may come early."""
    call = _placed(by_carrier=True)
    _speaks(call, 6_000)
    call.receive(ToneHeard(call.at_ms))
    assert _verdict(call) is None
    call.receive(AnswerJudged(human=True))
    assert _verdict(call) == "human"


@pytest.mark.parametrize("asked", ["continue", "hangup"])
def test_only_where_it_is_asked(asked: str) -> None:
    """A call whose plan does not want to know is not judged."""
    call = _placed("")
    _speaks(call, 6_000)
    call.receive(ToneHeard(call.at_ms), AnswerJudged(human=False))
    assert _verdict(call) is None
    judged = _placed(asked)
    judged.receive(AnswerJudged(human=False))
    assert _verdict(judged) == "machine"
