"""The queue of actions, what a model gives as arguments, and phrase triggers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.call.action_queue import (
    ActionQueue,
    BadArguments,
    PendingAction,
    RunsWhen,
    read_arguments,
    runs_when,
    triggered,
)
from cordboard.call.actions import ActionCall, ActionKind, ActionPlan, SpeakBefore


def _plan(
    kind: ActionKind = ActionKind.EXTERNAL,
    speak_before: SpeakBefore = SpeakBefore.NEVER,
    phrases: tuple[str, ...] = (),
    name: str = "f",
) -> ActionPlan:
    return ActionPlan(
        action_id="1", kind=kind, function_name=name, speak_before=speak_before, phrases=phrases
    )


@pytest.mark.parametrize(
    ("given_json", "problem"),
    [
        ("{", "not JSON"),
        ("[1]", "not a JSON object"),
        ("null", "not a JSON object"),
        ("[" * 60_000, "not JSON"),
        ('{"half a character": "\\ud800"}', "not JSON"),
        ('{"no number": NaN}', "not JSON"),
        ('{"too large": 1e999}', "not JSON"),
        ('"' + "x" * 70_000 + '"', "too long"),
    ],
)
def test_bad_arguments(given_json: str, problem: str) -> None:
    """What is not a JSON object of reasonable size is refused, and the problem has a name."""
    with pytest.raises(BadArguments, match=problem):
        read_arguments(_plan(), given_json)


@given(st.text(max_size=50))
def test_arguments_raise_only_their_error(text: str) -> None:
    """Whatever a model writes, it is read or refused with ``BadArguments``."""
    try:
        arguments, message = read_arguments(_plan(speak_before=SpeakBefore.ALWAYS), text)
    except BadArguments:
        return
    assert isinstance(arguments, dict)
    assert message is None or message


def test_user_message_is_taken_out() -> None:
    """``user_message`` is spoken, not sent; an action without a message keeps a value of that
    name.
    """
    text = '{"user_message": " One second. ", "a": 1}'
    assert read_arguments(_plan(speak_before=SpeakBefore.ALWAYS), text) == ({"a": 1}, "One second.")
    kept, message = read_arguments(_plan(), text)
    assert (kept["user_message"], message) == (" One second. ", None)
    assert read_arguments(_plan(), "") == ({}, None)


def test_a_tenants_own_user_message_is_sent() -> None:
    """Where the schema has ``user_message`` itself, what is spoken comes under the next name."""
    plan = replace(
        _plan(speak_before=SpeakBefore.ALWAYS),
        parameters={"type": "object", "properties": {"user_message": {"type": "string"}}},
    )
    text = '{"user_message": "theirs", "user_message_2": "One second."}'
    assert read_arguments(plan, text) == ({"user_message": "theirs"}, "One second.")


@pytest.mark.parametrize(("buttons", "good"), [("12*#", True), ("", False), ("1a", False)])
def test_dtmf_takes_keys_only(buttons: str, good: bool) -> None:
    """Only a row of keys is pressed."""
    text = f'{{"buttons": "{buttons}"}}'
    if good:
        assert read_arguments(_plan(ActionKind.DTMF), text)[0] == {"buttons": buttons}
    else:
        with pytest.raises(BadArguments):
            read_arguments(_plan(ActionKind.DTMF), text)


@pytest.mark.parametrize(
    ("phrase", "said", "wanted"),
    [
        ("Good-bye, then!", "well good bye   then my friend", True),
        ("goodbye", "Good-bye now.", True),
        ("that's all", "OK. That\u2019s ALL", True),
        ("have a nice day", "have a\nnice  day", True),
        ("goodbye", "good evening", False),
        ("", "anything", False),
        ("?!", "what?!", False),
    ],
)
def test_phrases(phrase: str, said: str, wanted: bool) -> None:
    """Case, punctuation and white space count on neither side; an empty phrase matches nothing."""
    assert (triggered([_plan(phrases=(phrase,))], said) is not None) is wanted


def test_first_phrase_wins() -> None:
    """Of several actions the first that matches runs, and only it."""
    first = _plan(phrases=("no match", "goodbye"), name="first")
    second = _plan(phrases=("bye",), name="second")
    found = triggered([first, second], "Goodbye!")
    assert found is first


def test_one_at_a_time_in_order() -> None:
    """The first action runs before the next is ready; a waiting first one holds up the rest."""
    queue = ActionQueue()
    for number, utterance_id in (("a1", "u1"), ("a2", None)):
        call = ActionCall(number, "f", {})
        queue.add(PendingAction(call, _plan(), RunsWhen.MESSAGE_STARTS, utterance_id))
    assert queue.ready() is None
    queue.utterance_started("u1")
    first = queue.ready()
    assert first is not None
    first.running = True
    assert queue.ready() is None
    assert queue.is_running
    assert [each.call.action_call_id for each in queue.take_withdrawable()] == ["a2"]
    assert queue.remove("a1") is first
    assert queue.remove("a1") is None
    assert queue.is_empty


def test_what_a_message_holds_up() -> None:
    """An external action leaves with its message's first sound, every other one after its last."""
    for kind in ActionKind:
        starts = runs_when(_plan(kind)) is RunsWhen.MESSAGE_STARTS
        assert starts is (kind is ActionKind.EXTERNAL)
