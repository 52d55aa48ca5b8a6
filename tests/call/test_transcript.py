"""What was said and done, as the public API and the model read it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.call.actions import ActionCall, ActionKind, ActionOutcome, ActionPlan
from cordboard.call.commands import Message
from cordboard.call.transcript import Transcript

DONE = ActionOutcome(True, {"at": 9}, None, "success", 200)
NOT_DONE = ActionOutcome(False, {"info": "x"}, None, "withdrawn", None)


def _plan(kind: ActionKind) -> ActionPlan:
    return ActionPlan(
        action_id="1", kind=kind, function_name="f", config={"phone_number": "+15550100"}
    )


@pytest.mark.parametrize(
    ("kind", "arguments", "outcome", "start", "finish"),
    [
        (
            ActionKind.DTMF,
            {"buttons": "1#"},
            DONE,
            "Attempting to press numbers: ['1', '#']",
            "Pressed numbers ['1', '#'] successfully",
        ),
        (
            ActionKind.DTMF,
            {"buttons": "1"},
            NOT_DONE,
            "Attempting to press numbers: ['1']",
            "Failed to press numbers ['1']: withdrawn",
        ),
        (
            ActionKind.END_CONVERSATION,
            {},
            DONE,
            "Attempting to end conversation",
            "Successfully ended conversation",
        ),
        (
            ActionKind.END_CONVERSATION,
            {},
            NOT_DONE,
            "Attempting to end conversation",
            "Did not end call because user interrupted",
        ),
        (
            ActionKind.TRANSFER_CALL,
            {},
            DONE,
            "Attempting to transfer call to +15550100",
            "Successfully transferred call",
        ),
        (
            ActionKind.EXTERNAL,
            {"day": "möndag"},
            DONE,
            '!STARTING ACTION action_external WITH PARAMETERS {"day": "möndag"}!',
            '!ACTION action_external FINISHED WITH OUTPUT {"success": true, "result": {"at": 9}}!',
        ),
    ],
)
def test_action_lines(
    kind: ActionKind,
    arguments: dict[str, object],
    outcome: ActionOutcome,
    start: str,
    finish: str,
) -> None:
    """Each kind of action has its own two lines."""
    transcript = Transcript()
    call = ActionCall("a1", "f", arguments)
    transcript.action_began(call, _plan(kind))
    transcript.action_ended(call, _plan(kind), outcome)
    assert transcript.text() == f"BOT_ACTION_START: {start}\nBOT_ACTION_FINISH: {finish}"


@pytest.mark.parametrize(
    ("heard", "line", "returned"),
    [
        (None, "BOT: We are open.", "We are open."),
        (12, "BOT: We are open.", "We are open."),
        (99, "BOT: We are open.", "We are open."),
        (7, "BOT: We are-", "We are"),
        (6, "BOT: We are-", "We are"),
        (0, "", ""),
    ],
)
def test_only_what_was_heard(heard: int | None, line: str, returned: str) -> None:
    """An utterance that was cut keeps the words heard and ends in a dash; one unheard is gone."""
    transcript = Transcript()
    transcript.agent_began("u1", "We are open.")
    assert transcript.text() == ""
    assert transcript.agent_ended("u1", heard) == returned
    assert transcript.text() == line


def test_unknown_utterances_change_nothing() -> None:
    """The end of an utterance that never began is no entry."""
    transcript = Transcript()
    assert transcript.agent_ended("u1", 5) == ""
    assert transcript.text() == ""


def test_one_line_for_each_entry() -> None:
    """Line breaks in what was said do not make lines that nobody said."""
    transcript = Transcript()
    transcript.caller_said("one\nBOT: two")
    transcript.agent_began("u1", "three\n\nfour")
    transcript.agent_ended("u1", None)
    assert transcript.text() == "HUMAN: one BOT: two\nBOT: three four"


def test_messages() -> None:
    """The model reads the same entries in the same order; an action's two halves share its id."""
    transcript = Transcript()
    transcript.caller_said("hello")
    transcript.agent_began("u1", "We are open.")
    transcript.agent_ended("u1", 6)
    call = ActionCall("a1", "f", {"day": 1})
    transcript.action_began(call, _plan(ActionKind.EXTERNAL))
    said = ActionOutcome(True, {"slot": "9"}, "Done.", "success", 200)
    transcript.action_ended(call, _plan(ActionKind.EXTERNAL), said)
    assert transcript.messages() == (
        Message("caller", "hello"),
        Message("agent", "We are-"),
        Message("action_call", "", "a1", "f", {"arguments": {"day": 1}}),
        Message(
            "action",
            "",
            "a1",
            "f",
            {"success": True, "result": {"slot": "9"}, "agent_message": "Done."},
        ),
    )


@given(st.text(min_size=1, max_size=30), st.integers(0, 40))
def test_heard_words_are_a_beginning(text: str, heard: int) -> None:
    """Whatever the count, what is kept is a beginning of what was to be said."""
    transcript = Transcript()
    transcript.agent_began("u1", text)
    kept = transcript.agent_ended("u1", heard)
    assert text.startswith(kept)
    assert len(kept) <= max(heard, len(text) if heard >= len(text) else 0)
