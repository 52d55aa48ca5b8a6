"""Silence and failing providers."""

from __future__ import annotations

import pytest

from cordboard.call.commands import EndLeg
from cordboard.call.events import (
    EndReason,
    LegEnded,
    LegEndedBy,
    LegHeld,
    LegResumed,
    PlayoutFailed,
    ProviderFailed,
    ProviderKind,
    ProviderRecovered,
    SpeechStarted,
    SpeechStopped,
    WordsHeard,
)
from cordboard.call.plan import TurnPlan
from tests.call.driver import Driver, calling, plan


def _ended(call: Driver) -> bool:
    return call.all(EndLeg) != []


def _reason(call: Driver) -> tuple[EndReason, str]:
    """Let the goodbye be heard and the far end go; return why."""
    call.finish_all()
    call.receive(LegEnded("l1", LegEndedBy.LOCAL))
    assert call.end is not None
    return call.end.reason, call.end.detail


@pytest.mark.parametrize(
    ("turn", "after_ms"), [(TurnPlan(), 30_000), (TurnPlan(idle_ms=8_000), 8_000)]
)
def test_idle(turn: TurnPlan, after_ms: int) -> None:
    """Without words on either side the call ends with a goodbye, after 30 s or what the plan
    says.
    """
    call = Driver(plan=plan(turn=turn)).answer()
    call.wait(after_ms - 1)
    assert call.spoken == []
    call.wait(1)
    assert call.spoken == ["goodbye"]
    assert _reason(call) == (EndReason.IDLE, "")


def test_idle_with_a_question() -> None:
    """Asked to, the agent asks once after 15 s and ends 15 s later; words begin it all again."""
    turn = TurnPlan(ask_if_human_present_on_idle=True)
    call = Driver(plan=plan(turn=turn)).answer()
    call.wait(15_000)
    assert call.spoken == ["still_there"]
    call.finish_all()
    call.turn("Yes I am still here.")
    call.reply("Good.")
    call.finish_all()
    call.wait(15_000)
    assert call.spoken[2:] == ["still_there"]
    call.finish_all()
    call.wait(15_000)
    assert _reason(call) == (EndReason.IDLE, "")


def test_silence_counts_from_the_last_sound_of_the_agent() -> None:
    """While the agent speaks nobody is idle."""
    call = calling(greeting="Hello.")
    call.begin()
    call.wait(60_000)
    assert not _ended(call)
    call.finish()
    call.wait(29_999)
    assert call.spoken == ["Hello."]
    call.wait(1)
    assert call.spoken == ["Hello.", "goodbye"]


def test_noise_is_not_conversation() -> None:
    """Coughs do not keep a call from being idle."""
    call = calling()
    for _ in range(14):
        call.receive(SpeechStarted(call.at_ms))
        call.wait(200)
        call.receive(SpeechStopped(call.at_ms))
        call.wait(2_000)
    assert call.spoken == ["goodbye"]


def test_sound_without_end_is_waited_for_and_no_longer() -> None:
    """A line that is never silent is given 30 s more: it may be speech nobody has words for yet."""
    call = calling()
    call.wait(20_000)
    call.receive(SpeechStarted(call.at_ms))
    call.wait(39_999)
    assert call.spoken == []
    call.wait(1)
    assert call.spoken == ["goodbye"]


def test_partial_words_are_words() -> None:
    """Words that are not final yet stop the count too."""
    call = calling()
    call.wait(29_000)
    call.receive(SpeechStarted(call.at_ms), WordsHeard("well", final=False))
    call.wait(5_000)
    assert call.spoken == []


def test_on_hold_nobody_is_idle() -> None:
    """Time on hold does not count; the count begins again with the resumption."""
    call = calling()
    call.wait(20_000)
    call.receive(LegHeld("l1"))
    call.wait(300_000)
    call.receive(LegResumed("l1"))
    call.wait(29_999)
    assert call.spoken == []
    call.wait(1)
    assert call.spoken == ["goodbye"]


def test_transcriber_outage() -> None:
    """A failing transcriber is apologised for once, bridged every 8 s, and ends the call after
    20 s, by its class.
    """
    call = calling()
    call.receive(ProviderFailed(ProviderKind.TRANSCRIBER, "unavailable"))
    call.finish_all()
    call.wait(7_999)
    assert call.spoken == ["sorry_trouble"]
    call.wait(1)
    assert call.spoken == ["sorry_trouble", "one_moment"]
    call.finish_all()
    call.receive(ProviderFailed(ProviderKind.TRANSCRIBER, "unavailable"))
    call.wait(8_000)
    call.finish_all()
    call.wait(3_999)
    assert call.spoken == ["sorry_trouble", "one_moment", "one_moment"]
    call.wait(1)
    assert call.spoken[-1] == "goodbye"
    assert _reason(call) == (EndReason.PROVIDER_FAILED, "transcriber")


def test_transcriber_recovers() -> None:
    """A transcriber that is back keeps the call; the next outage counts from its own start."""
    call = calling()
    call.receive(ProviderFailed(ProviderKind.TRANSCRIBER, "unavailable"))
    call.finish_all()
    call.wait(7_000)
    call.receive(ProviderRecovered(ProviderKind.TRANSCRIBER))
    call.turn("Hello, can you hear me?")
    call.reply("I can.")
    call.finish_all()
    call.wait(10_000)
    assert not _ended(call)
    call.receive(ProviderFailed(ProviderKind.TRANSCRIBER, "unavailable"))
    assert call.spoken == ["sorry_trouble", "I can.", "sorry_trouble"]


def test_a_timeout_counts_from_its_beginning() -> None:
    """A transcriber that timed out has been away for 6 s when that is told: 14 s are left."""
    call = calling()
    call.receive(ProviderFailed(ProviderKind.TRANSCRIBER, "timeout"))
    call.finish_all()
    call.wait(8_000)
    call.finish_all()
    call.wait(5_999)
    assert "goodbye" not in call.spoken
    call.wait(1)
    assert call.spoken[-1] == "goodbye"


def test_synthesizer_outage() -> None:
    """Sound that fails again and again for 20 s ends the call, by its class."""
    call = calling()
    for text in ("Can you hear me?", "Hello, what is going on?"):
        call.turn(text)
        call.reply("Yes.")
        call.receive(PlayoutFailed(call.queue.pop(0), 0, "unavailable"))
        assert call.spoken[-1] == "sorry_trouble"
        call.finish_all()
    call.wait(20_000)
    assert call.spoken[-1] == "goodbye"
    assert _reason(call) == (EndReason.PROVIDER_FAILED, "synthesizer")


def test_synthesizer_recovers() -> None:
    """One failure, or one after which sound was heard again, ends nothing."""
    call = calling()
    call.turn("Can you hear me?")
    call.reply("Yes.", "I can.")
    call.receive(PlayoutFailed(call.queue.pop(0), 0, "unavailable"))
    assert "sorry_trouble" not in call.spoken
    call.finish_all()
    call.wait(25_000)
    assert not _ended(call)


def test_stored_phrase_without_sound() -> None:
    """A stored phrase that fails is not replaced by another one for ever."""
    call = calling()
    call.receive(ProviderFailed(ProviderKind.TRANSCRIBER, "unavailable"))
    call.receive(PlayoutFailed(call.queue.pop(0), 0, "unavailable"))
    assert call.spoken == ["sorry_trouble"]


def test_empty_words_are_no_words() -> None:
    """A transcriber that reports nothing again and again does not keep a call from being idle."""
    call = calling()
    for _ in range(31):
        call.receive(WordsHeard("", final=True), WordsHeard(" ", final=False))
        call.wait(1_000)
    assert call.spoken == ["goodbye"]
