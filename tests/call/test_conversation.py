"""Turn taking: speech that nobody understood, turns and their facts."""

from __future__ import annotations

from cordboard.call.commands import StartReply
from cordboard.call.events import SpeechStarted, SpeechStopped
from tests.call.driver import Driver, calling


def _mumble(call: Driver, duration_ms: int) -> None:
    call.receive(SpeechStarted(call.at_ms))
    call.wait(duration_ms)
    call.receive(SpeechStopped(call.at_ms))


def test_speech_without_words_is_answered_twice() -> None:
    """Speech that should have had words makes a turn that says so; after two in a row it is
    noise.
    """
    call = calling()
    for number in (1, 2, 3):
        _mumble(call, 900)
        call.wait(1_200)
        assert len(call.all(StartReply)) == min(number, 2)
        if number <= 2:
            call.reply("Pardon?")
            call.finish_all()
    assert call.lines.count("HUMAN: [inaudible]") == 2


def test_coughs_are_no_speech() -> None:
    """Short sounds, however many, are not taken for speech that was not understood."""
    call = calling()
    for _ in range(10):
        _mumble(call, 250)
        call.wait(1_800)
    assert call.all(StartReply) == []


def test_a_turn_and_its_times() -> None:
    """A turn keeps when the caller stopped, on the call's timeline, and what it waited for."""
    call = calling()
    call.wait(4_000)
    call.speech("I want to book a table.", duration_ms=1_000, final_ms=80)
    call.wait(2_000)
    (turn,) = call.facts("turn_ended")
    assert turn.content["caller_stopped_at_ms"] == 5_000
    assert turn.content["reason"] == "finished"
    waited_ms = turn.content["waited_ms"]
    assert isinstance(waited_ms, int)
    assert 300 <= waited_ms <= 700


def test_two_stretches_are_one_turn() -> None:
    """A pause shorter than the wait does not split what the caller says."""
    call = calling()
    call.speech("I want a table")
    call.wait(200)
    call.speech("for two.")
    call.wait(2_000)
    assert call.lines == ["HUMAN: I want a table for two."]
    assert len(call.all(StartReply)) == 1


def test_speech_without_words_over_the_greeting_is_not_answered() -> None:
    """What nobody understood while the agent could not be interrupted may be its own echo."""
    call = calling(greeting="Welcome to our little company.")
    call.begin()
    _mumble(call, 1_500)
    call.wait(2_000)
    call.finish_all()
    call.wait(2_000)
    assert call.all(StartReply) == []
    assert call.lines == ["BOT: Welcome to our little company."]
