"""Text as time that passes."""

from __future__ import annotations

from cordboard.call.commands import PlaySound, PlayStored, Speak, StoredPhrase
from cordboard.call.events import (
    Event,
    PlayoutFinished,
    PlayoutPaused,
    PlayoutStarted,
    PlayoutStopped,
    SpeechMade,
)
from cordboard.call.sound import Sound
from cordboard.rehearsal.playout import Playout

TEXT = "one two three four five"


def _all_until(playout: Playout, now_ms: int) -> list[Event]:
    events: list[Event] = []
    while step := playout.pass_until(now_ms):
        events += step
    return events


def test_one_after_another() -> None:
    """Each begins when the one before has ended; a word takes 400 ms, sound what it takes."""
    playout = Playout()
    playout.answered_ms = 1_000
    playout.queue(Speak("u1", TEXT, "en"), 1_500)
    playout.queue(PlaySound("u2", Sound(bytes(1_600), 8_000)), 1_600)
    assert playout.next_ms() == 1_500
    assert _all_until(playout, 9_000) == [
        PlayoutStarted("u1", 500),
        SpeechMade("u1", 2_000),
        PlayoutFinished("u1", 2_500),
        PlayoutStarted("u2", 2_500),
        SpeechMade("u2", 100),
        PlayoutFinished("u2", 2_600),
    ]
    assert playout.is_empty
    assert playout.next_ms() is None
    assert playout.heard == [TEXT, "[100 ms of sound]"]


def test_stored_phrases_go_first() -> None:
    """A stored phrase is played before what does not sound yet."""
    playout = Playout()
    for number in (1, 2):
        playout.queue(Speak(f"u{number}", TEXT, "en"), 0)
    playout.pass_until(0)
    playout.queue(PlayStored("s", StoredPhrase.ONE_MOMENT, "en"), 0)
    begun = [
        event.utterance_id
        for event in _all_until(playout, 60_000)
        if isinstance(event, PlayoutStarted)
    ]
    assert begun == ["s", "u2"]


def test_pause_and_stop() -> None:
    """What was paused goes on where it was; what is dropped tells which words were heard."""
    playout = Playout()
    playout.queue(Speak("u1", TEXT, "en"), 0)
    playout.queue(Speak("u2", TEXT, "en"), 0)
    playout.pass_until(0)
    assert playout.pause(850) == [PlayoutPaused("u1", len("one two"))]
    assert playout.pause(900) == []
    assert playout.next_ms() is None
    playout.resume(5_000)
    assert playout.next_ms() == 5_000 + 1_150
    assert playout.stop(5_400) == [
        PlayoutStopped("u1", len("one two three")),
        PlayoutStopped("u2", 0),
    ]
    assert playout.is_empty
