"""The caller's silence counts only while it is one."""

from __future__ import annotations

from cordboard.call.events import PlayoutFailed, SpeechStarted, SpeechStopped, WordsHeard
from tests.call.flow.driver import flowing, say


def test_voice_over_the_end() -> None:
    """A caller who cuts the speech off and talks on for long is not taken for silent."""
    call = flowing()
    call.app(say("Which day?", input_timeout_ms=5_000))
    call.begin()
    call.receive(SpeechStarted(call.at_ms), WordsHeard("well then", final=False))
    call.wait(9_000)
    assert "user_input_timeout" not in call.told
    call.receive(SpeechStopped(call.at_ms), WordsHeard("well then", final=True))
    call.wait(2_000)
    assert call.told[-1] == "user_speak"


def test_after_an_apology() -> None:
    """Where a speech could not be made, silence counts from the end of the apology for it."""
    call = flowing()
    call.app(say("No voice for this.", input_timeout_ms=5_000))
    call.receive(PlayoutFailed("u1", 0, "timeout"))
    call.queue.pop(0)
    call.finish_all()
    call.wait(5_000)
    assert call.told[-1] == "user_input_timeout"


def test_noise_does_not_arm() -> None:
    """While an app thinks that may be silent, a cough does not start the caller's silence."""
    call = flowing(answers_each=False)
    call.pushes(say("Which day?", input_timeout_ms=3_000))
    call.finish_all()
    call.speech("Monday")
    call.wait(1_500)
    assert call.told[-1] == "user_speak"
    call.receive(SpeechStarted(call.at_ms))
    call.wait(200)
    call.receive(SpeechStopped(call.at_ms))
    call.wait(9_000)
    assert "user_input_timeout" not in call.told


def test_words_taken_back() -> None:
    """Words that the transcriber takes back leave a silence that counts."""
    call = flowing()
    call.app(say("Which day?", input_timeout_ms=5_000))
    call.finish_all()
    call.receive(SpeechStarted(call.at_ms), WordsHeard("m", final=False))
    call.wait(300)
    call.receive(SpeechStopped(call.at_ms), WordsHeard("", final=True))
    call.wait(5_000)
    assert call.told[-1] == "user_input_timeout"
