"""The operator's desk."""

from __future__ import annotations

import pytest

from cordboard.call.commands import (
    Expect,
    KeepFact,
    PauseSpeaking,
    PlayStored,
    ResumeSpeaking,
    Speak,
    StopSpeaking,
    StoredPhrase,
)
from cordboard.call.desk import Desk, anything
from cordboard.call.expectation import Expectation, ExpectationKind
from cordboard.call.playback import Pause
from tests.call.driver import plan


def _commands(desk: Desk) -> list[object]:
    return [command for command in desk.take_commands() if not isinstance(command, KeepFact)]


def test_identifiers() -> None:
    """Identifiers count up by their kind; stored phrases and words share theirs."""
    desk = Desk(plan(language="de"))
    assert desk.say("Hallo.") == "u1"
    assert desk.say_stored(StoredPhrase.GOODBYE) == "u2"
    assert desk.start_reply() == "r1"
    commands = _commands(desk)
    assert commands[:2] == [
        Speak("u1", "Hallo.", "de"),
        PlayStored("u2", StoredPhrase.GOODBYE, "de"),
    ]
    assert desk.take_commands() == []


@pytest.mark.parametrize(
    ("content_free", "kept"), [(False, {"n": 1, "text": "sesame"}), (True, {"n": 1})]
)
def test_private_values(content_free: bool, kept: dict[str, object]) -> None:
    """Private values of a fact are left out of content-free calls."""
    desk = Desk(plan(content_free=content_free))
    desk.note("words", {"n": 1}, text="sesame")
    assert desk.take_commands() == [KeepFact("words", kept)]


def test_sound_commands_come_once() -> None:
    """Pausing, resuming and stopping are asked for only where they change something."""
    desk = Desk(plan())
    desk.stop_speaking()
    desk.resume_speaking(Pause.HOLD)
    assert _commands(desk) == []
    desk.say("Hello.")
    desk.take_commands()
    desk.pause_speaking(Pause.HOLD)
    desk.pause_speaking(Pause.OVERLAP)
    desk.resume_speaking(Pause.HOLD)
    desk.resume_speaking(Pause.OVERLAP)
    desk.stop_speaking()
    desk.stop_speaking()
    assert _commands(desk) == [PauseSpeaking(), ResumeSpeaking(), StopSpeaking()]


def test_expectations_are_told_once() -> None:
    """At first anything may come, in the plan's language; only a change is told."""
    desk = Desk(plan(language="de"))
    assert desk.expectation == Expectation(language="de")
    desk.expect(anything(desk.plan))
    dates = Expectation(ExpectationKind.DATE, language="de")
    desk.expect(dates)
    desk.expect(dates)
    assert _commands(desk) == [Expect(dates)]
