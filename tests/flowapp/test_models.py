"""The models that apps and the server share."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from cordboard.flowapp import (
    Hangup,
    Speak,
    Transfer,
    Tts,
    UserSpeak,
    Vad,
    action_json,
    parse_event,
)

SESSION = {"id": "s1", "from_phone_number": "+4930"}


def test_event_read() -> None:
    """An event is read by its type, and fields of a later protocol are left out."""
    event = parse_event(
        json.dumps({"type": "user_speak", "text": "Hi", "session": SESSION, "later": 1})
    )
    assert isinstance(event, UserSpeak)
    assert (event.text, event.barged_in, event.session.id) == ("Hi", False, "s1")


@pytest.mark.parametrize(
    "document", ["{", "[]", '{"type":"user_speak"}', '{"type":"x","session":{"id":"1"}}']
)
def test_no_event(document: str) -> None:
    """Anything else is one kind of error."""
    with pytest.raises(ValidationError):
        parse_event(document)


def test_action_written() -> None:
    """An action goes out without what it does not say, and with the call's id."""
    assert action_json(Hangup(), "s1") == {"type": "hangup", "session_id": "s1"}
    assert action_json(Speak(text="Hi", session_id="s2"), "s1")["session_id"] == "s2"


def test_voice_object() -> None:
    """An older form of a voice is an object with its name or id."""
    assert Tts.model_validate({"voice": {"name": "Rachel"}}).voice == "Rachel"
    assert Tts.model_validate({"voice": {"id": "21m0"}}).voice == "21m0"


def test_ranges_kept() -> None:
    """What the protocol bounds cannot be built outside of it."""
    for wrong in (lambda: Vad(end_of_turn_silence_ms=149), lambda: Speak(text=[])):  # type: ignore[arg-type]
        with pytest.raises(ValidationError):
            wrong()
    with pytest.raises(ValidationError):
        Transfer(target_phone_number="1", timeout=121)
