"""A real call's record, in the lines of a rehearsal."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from cordboard.rehearsal.record import TROUBLE, RecordLines, unheard
from cordboard.rehearsal.script import parse_script


def _lines(*facts: tuple[str, int, Mapping[str, object]]) -> list[str]:
    shown = RecordLines()
    return [line.strip() for fact in facts for line in shown.lines(*fact)]


def test_a_turn() -> None:
    """Events, actions and words, with how long the caller waited for the answer."""
    assert _lines(
        ("flow_event", 5, {"event_id": "e1", "type": "user_speak", "text": "Hi"}),
        ("turn_ended", 5, {"text": "Hi", "caller_stopped_at_ms": 2, "turn_id": "t1"}),
        ("app_answered", 6, {"type": "user_speak", "after_ms": 1, "acts": True}),
        ("app_answered", 6, {"type": "assistant_speak", "after_ms": 1, "acts": False}),
        ("flow_action", 6, {"type": "speak"}),
        ("utterance", 6, {"utterance_id": "u1", "text": "Hello."}),
        ("playout_started", 40, {"utterance_id": "u1", "at_ms": 40}),
        ("digit", 50, {"digit": "1"}),
        ("words", 51, {"final": True}),
        ("ended", 60, {"reason": "agent_ended", "detail": ""}),
    ) == [
        '5 --> user_speak {"text": "Hi"}',
        '5 >>> says {"text": "Hi"}',
        '6 ... the app took {"ms": 1}',
        "6 <-- speak",
        '40 ... you hear {"text": "Hello.", "ms_after_caller": 38}',
        '50 >>> presses {"digit": "1"}',
        '60 ... over {"reason": "agent_ended"}',
    ]


def test_checks() -> None:
    """A check looks at what was heard between two acts of the caller: turns, keys, silences."""
    shown = RecordLines()
    for kind, content in (
        ("heard", {"text": "Good morning."}),
        ("turn_ended", {"text": "Hi"}),
        ("heard", {"text": "One."}),
        ("heard", {"text": "Two."}),
        ("digit", {"digit": "1"}),
        ("digit", {"digit": "2"}),
        ("heard", {"text": "Three."}),
        ("flow_event", {"type": "user_input_timeout"}),
        ("app_answered", {"type": "user_input_timeout", "after_ms": 5, "acts": True}),
        ("heard", {"text": "Still there?"}),
    ):
        list(shown.lines(kind, 0, content))
    script = "? MORNING\nhi\n? one. two\n? three\n/dtmf 12\n? three\n/timeout\n? there\nbye\n? x\n"
    assert unheard(parse_script(script), shown.passages) == ["three", "x"]


@pytest.mark.parametrize("kind", TROUBLE)
def test_trouble(kind: str) -> None:
    """What was not as it should be is marked and counted."""
    shown = RecordLines()
    (line,) = shown.lines(kind, 7, {"event_id": None, "failure": "timeout"})
    assert line.strip() == f'7 !!! {kind} {{"failure": "timeout"}}'
    assert shown.trouble_count == 1


def test_the_end_and_sound() -> None:
    """It knows when the call is over; what has no words is called what it is."""
    shown = RecordLines()
    list(shown.lines("bridge", 1, {"utterance_id": "u1", "phrase": "goodbye"}))
    list(shown.lines("utterance", 1, {"utterance_id": "u2", "text": ""}))
    heard = [next(shown.lines("playout_started", 2, {"utterance_id": id_})) for id_ in ("u1", "u2")]
    assert ["goodbye" in heard[0], "[sound]" in heard[1]] == [True, True]
    assert not shown.ended
    list(shown.lines("ended", 3, {"reason": "idle"}))
    assert shown.ended
