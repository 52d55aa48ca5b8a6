"""Frames from the network: one for every 20 ms, none of the caller's words lost."""

from __future__ import annotations

import random

from cordboard.engine.timeline import Timeline
from cordboard.media import g711
from cordboard.media.codec import PCMU
from cordboard.media.tones import sine
from cordboard.telephony.twilio.intake import (
    AHEAD_MS,
    CONCEAL_AFTER_MS,
    FILLED_AFTER_MS,
    Intake,
)
from tests.telephony.twilio.door import HandClock

SPEECH = g711.pcm_to_mulaw(sine(300, 20, 8000))
SILENCE = PCMU.silence_frame


def test_frames_pass_through() -> None:
    """A frame is delivered in the very call that brought it."""
    got: list[bytes] = []
    intake = Intake(got.append, 0)
    for step in range(1, 51):
        intake.take(SPEECH, step * 20)
        intake.tick(step * 20)
        assert len(got) == step


def test_odd_sizes_are_cut_into_frames() -> None:
    """Whatever the pieces, the sink gets frames."""
    got: list[bytes] = []
    intake = Intake(got.append, 0)
    sound = random.Random(1).randbytes(1_600)
    for start in range(0, 1_600, 100):
        intake.take(sound[start : start + 100], 200)
    assert b"".join(got) == sound
    assert {len(frame) for frame in got} == {160}


def test_silence_stands_in_for_what_is_missing() -> None:
    """After 200 ms, one frame a tick, so that time goes on for the engine."""
    got: list[bytes] = []
    intake = Intake(got.append, 0)
    for step in range(1, 101):
        intake.tick(step * 20)
    assert len(got) == 100 - CONCEAL_AFTER_MS // 20
    assert set(got) == {SILENCE}


def test_late_words_are_all_delivered_and_the_time_is_won_back_in_pauses() -> None:
    """A stall of a second delays words, loses none, and leaves no lasting lag."""
    got: list[bytes] = []
    intake = Intake(got.append, 0)
    now_ms = 0
    for _ in range(50):
        now_ms += 20
        intake.tick(now_ms)
    for _ in range(50):
        intake.take(SPEECH, now_ms)
    assert got.count(SPEECH) == 50
    for _ in range(100):
        now_ms += 20
        intake.take(SILENCE, now_ms)
        intake.tick(now_ms)
    assert got.count(SPEECH) == 50
    # What the engine fills by itself at the beginning of the stall is not in ``got``.
    filled_ms = CONCEAL_AFTER_MS
    assert abs(len(got) * 20 + filled_ms - now_ms) <= AHEAD_MS + 20


def test_short_stalls_are_not_concealed_and_do_not_add_up() -> None:
    """Words that come in bunches pass unchanged; after a hundred stalls the time still fits."""
    got: list[bytes] = []
    clock = HandClock(0)
    timeline = Timeline(clock)
    timeline.start()

    def deliver(frame: bytes) -> None:
        got.append(frame)
        timeline.advance(timeline.missing_frames() + 1)

    intake = Intake(deliver, 0)
    clock.add(intake.tick)
    for _ in range(100):
        clock.move(160)
        for _ in range(8):
            intake.take(SPEECH, clock.at_ms)
        for _ in range(12):
            clock.move(20)
            intake.take(SILENCE, clock.at_ms)
    assert got.count(SPEECH) == 800
    assert abs(timeline.position_ms - clock.at_ms) <= AHEAD_MS + FILLED_AFTER_MS


def test_a_socket_that_follows() -> None:
    """A broken rest of the old one does not get into the new one's frames."""
    got: list[bytes] = []
    intake = Intake(got.append, 0)
    intake.take(b"x" * 100, 0)
    intake.resumed(20)
    intake.take(SPEECH, 40)
    assert got == [SPEECH]
    assert intake.silent_ms(140) == 100
