"""What the agent has been asked to say and how far it has come."""

from __future__ import annotations

import pytest

from cordboard.call.playback import Pause, Playback, Utterance


def _playback(*utterances: tuple[str, bool, str]) -> Playback:
    playback = Playback()
    for utterance_id, interruptible, kind in utterances:
        playback.queue(Utterance(utterance_id, "text", interruptible, kind))
    return playback


@pytest.mark.parametrize(
    ("interruptible", "kind", "playing", "wanted"),
    [
        (True, "reply", False, True),
        (True, "reply", True, True),
        (False, "initial_message", False, False),
        (False, "initial_message", True, False),
        (False, "before_action", False, True),
        (False, "before_action", True, False),
    ],
)
def test_interruptible(interruptible: bool, kind: str, playing: bool, wanted: bool) -> None:
    """The greeting never yields; an action's message yields until its first sound."""
    playback = _playback(("u1", interruptible, kind))
    if playing:
        playback.started("u1")
    assert playback.is_interruptible is wanted


def test_order_and_ends() -> None:
    """Utterances end one by one, each once, and strangers are nobody's."""
    playback = _playback(("u1", True, "reply"), ("u2", True, "reply"))
    assert playback.last_id() == "u2"
    assert playback.started("u9") is None
    assert playback.ended("u1") is not None
    assert playback.ended("u1") is None
    empty = [playback.is_empty]
    assert playback.ended("u2") is not None
    assert [*empty, playback.is_empty] == [False, True]
    assert playback.last_id() is None


def test_two_reasons_to_pause() -> None:
    """Sound goes on when the last reason is gone; repeats change nothing."""
    playback = _playback(("u1", True, "reply"))
    playback.started("u1")
    sounding = [playback.is_sounding]
    assert playback.pause(Pause.OVERLAP)
    assert not playback.pause(Pause.HOLD)
    sounding.append(playback.is_sounding)
    assert not playback.resume(Pause.OVERLAP)
    assert playback.resume(Pause.HOLD)
    assert not playback.resume(Pause.HOLD)
    assert [*sounding, playback.is_sounding] == [True, False, True]


def test_dropping() -> None:
    """What is dropped is known as such until its end is reported; what comes later is not."""
    playback = _playback(("u1", True, "reply"))
    playback.pause(Pause.OVERLAP)
    assert playback.drop()
    assert not playback.paused
    assert not playback.drop()
    playback.queue(Utterance("u2", "text", True, "reply"))
    dropping = [playback.is_dropping]
    playback.ended("u1")
    assert [*dropping, playback.is_dropping] == [True, False]
    assert not playback.is_empty


def test_nothing_to_drop() -> None:
    """An empty queue is dropped only to end an overlap's pause; a hold outlives the drop."""
    playback = Playback()
    assert not playback.drop()
    playback.pause(Pause.OVERLAP)
    playback.pause(Pause.HOLD)
    assert playback.drop()
    assert playback.paused
