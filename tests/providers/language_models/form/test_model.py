"""Whole conversations with the form model, in exact text."""

from __future__ import annotations

import pytest

from cordboard.call.actions import ActionKind, ActionPlan, SpeakBefore
from cordboard.call.commands import Message
from cordboard.call.expectation import ExpectationKind
from cordboard.providers.language_models.form.model import FormModel
from tests.providers.language_models.form.dialogue import END, Dialogue, external
from tests.providers.language_models.form.forms import (
    ALONE,
    DELIVERY_ACTION,
    MEETING,
    TABLE_ACTION,
)

COMPLETED = [
    (
        "meeting",
        ["I'd like to book a meeting", "Half an hour, please.", "Nine thirty.", "Yes."],
        {"length": "30m", "time": "09:30am"},
    ),
    (
        "meeting_lost",
        ["Hello", "thirty minutes", "nine thirty", "no, eleven thirty", "that's right"],
        {"length": "30m", "time": "11:30am"},
    ),
    (
        "meeting",
        ["an hour at half past two in the afternoon", "yes please"],
        {"length": "1hr", "time": "02:30pm"},
    ),
    (
        "table",
        [
            "I'd like a table for four tomorrow at seven thirty in the evening please",
            "Joe Smith",
            "no, eight p.m.",
            "yes",
        ],
        {"party_size": 4, "date": "2026-11-21", "time": "20:00", "name": "Joe Smith"},
    ),
    (
        "table",
        [
            "hello, I want to book a table",
            "we are six people",
            "next friday",
            "half past seven in the evening",
            "it's under the name of Anna",
            "actually outdoor seating please",
            "yes that's right",
        ],
        {
            "party_size": 6,
            "date": "2026-11-27",
            "time": "19:30",
            "seating": "outdoor",
            "name": "Anna",
        },
    ),
    (
        "table",
        [
            "book a table",
            "twenty",
            "twelve",
            "the third of december",
            "noon",
            "my name is maria garcia",
            "no",
            "make it eight people",
            "yes",
        ],
        {"party_size": 8, "date": "2026-12-03", "time": "12:00", "name": "Maria Garcia"},
    ),
    (
        "delivery",
        [
            "I need to change my delivery",
            "four one five two seven nine",
            "wednesday",
            "between ten and twelve",
            "yes",
            "joe at example dot com",
            "correct",
        ],
        {
            "orderNumber": "415279",
            "day": "wednesday",
            "window": "10-12",
            "leave_with_neighbour": True,
            "email": "joe@example.com",
        },
    ),
    (
        "delivery",
        [
            "yes",
            "my order number is 123456",
            "on friday please",
            "eight to ten",
            "no",
            "anna.b@example.org",
            "no, thursday",
            "that's right",
        ],
        {
            "orderNumber": "123456",
            "day": "thursday",
            "window": "8-10",
            "leave_with_neighbour": False,
            "email": "anna.b@example.org",
        },
    ),
    (
        "survey",
        ["sure", "yes", "not really", "eight", "yes"],
        {"satisfied": True, "would_recommend": False, "score": 8},
    ),
    (
        "survey",
        ["okay", "no I wasn't", "yes I would", "eleven", "ten", "that's correct"],
        {"satisfied": False, "would_recommend": True, "score": 10},
    ),
]


@pytest.mark.parametrize(("form", "lines", "wanted"), COMPLETED)
async def test_form_is_completed(form: str, lines: list[str], wanted: dict[str, object]) -> None:
    """A form never seen before is filled, confirmed and sent, and the call ends on goodbye."""
    dialogue = Dialogue(ALONE[form])
    await dialogue.say(*lines)
    assert len(dialogue.sent) == 1, dialogue.messages
    arguments = {key: value for key, value in dialogue.sent[0][1].items() if key != "user_message"}
    assert arguments == wanted
    await dialogue.say("no thanks, goodbye")
    assert dialogue.sent[1] == ("action_end_conversation", {"user_message": "Goodbye."})


@pytest.mark.parametrize("form", ["meeting", "meeting_lost"])
async def test_value_that_does_not_fit_is_refused_aloud(form: str) -> None:
    """A time that the pattern does not allow is named, refused and asked for again."""
    dialogue = Dialogue(ALONE[form])
    answer = await dialogue.say("half an hour", "ten thirty five")
    assert "10:35 am does not fit" in answer
    assert dialogue.expected.kind is ExpectationKind.TIME
    assert "10:30 am" in await dialogue.say("ten thirty")


async def test_caller_is_read_back_before_anything_is_sent() -> None:
    """Nothing is sent before the caller said that it is right."""
    dialogue = Dialogue(ALONE["meeting"])
    answer = await dialogue.say("thirty minutes at nine thirty")
    assert answer == "So thirty minutes at 9:30 am. Is that right?"
    assert dialogue.expected.kind is ExpectationKind.YES_NO
    assert not dialogue.sent
    await dialogue.say("what?")
    assert not dialogue.sent


async def test_yes_to_a_question_nobody_heard_confirms_nothing() -> None:
    """Two sentences of the caller in a row: the second cannot answer what was not heard."""
    dialogue = Dialogue(ALONE["meeting"])
    dialogue.messages.append(Message("caller", "thirty minutes at nine thirty"))
    await dialogue.say("yes")
    assert not dialogue.sent


async def test_user_message_goes_with_actions_that_speak_first() -> None:
    """An action that speaks before it runs gets its required message."""
    action = external("book_meeting", "Books a meeting", MEETING, SpeakBefore.ALWAYS)
    dialogue = Dialogue((action, END))
    await dialogue.say("thirty minutes at nine thirty", "yes")
    assert dialogue.sent[0][1]["user_message"]


async def test_result_without_words_is_worded() -> None:
    """After a success without agent_message the model tells the result and offers more help."""
    dialogue = Dialogue(ALONE["meeting"], agent_message=None)
    answer = await dialogue.say("thirty minutes at nine thirty", "yes")
    assert answer == "That is done. Reference: r7. Is there anything else I can help you with?"


async def test_failure_is_worded_neutrally_and_may_be_tried_again() -> None:
    """After a failure the caller may have it sent again, or leave it."""
    dialogue = Dialogue(ALONE["meeting"], success=False)
    answer = await dialogue.say("thirty minutes at nine thirty", "yes")
    assert answer == "Sorry, that did not work. Shall I try again?"
    await dialogue.say("yes please")
    assert len(dialogue.sent) == 2
    assert "anything else" in await dialogue.say("no")
    await dialogue.say("no")
    assert dialogue.sent[-1][0] == "action_end_conversation"


async def test_action_is_picked_by_what_the_caller_says() -> None:
    """With several actions the words of name and description decide; else the caller is asked."""
    keys = ActionPlan(action_id="k", kind=ActionKind.DTMF, function_name="action_dtmf")
    dialogue = Dialogue((TABLE_ACTION, DELIVERY_ACTION, END, keys))
    assert "book table or change delivery" in await dialogue.say("hello")
    assert "order number" in await dialogue.say("it's about my parcel")
    await dialogue.say("press one two pound")
    assert dialogue.sent == [("action_dtmf", {"buttons": "12#"})]


async def test_goodbye_ends_without_sending() -> None:
    """A caller who takes leave in the middle of a form is let go."""
    dialogue = Dialogue(ALONE["table"])
    await dialogue.say("a table for two", "goodbye")
    assert [name for name, _ in dialogue.sent] == ["action_end_conversation"]


def test_first_expectation_names_values_of_the_form() -> None:
    """Before anything was said a transcriber learns what may come."""
    expectation = FormModel().expectation(ALONE["meeting"])
    assert expectation is not None
    assert {"thirty minutes", "half an hour", "one hour", "10:30 am"} <= set(expectation.choices)
    assert FormModel().expectation((END,)) is None
