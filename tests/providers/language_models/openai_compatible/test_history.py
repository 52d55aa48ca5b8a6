"""The conversation as a chat model reads it."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cordboard.call.actions import ActionKind, ActionPlan
from cordboard.call.commands import Message
from cordboard.providers.language_models.openai_compatible.history import (
    chat_messages,
    estimated_tokens,
    system_prompt,
)
from tests.providers.language_models.openai_compatible.requests import reply_request

_ROOM = 10_000
_CALL = Message("action_call", "", "a1", "book", {"arguments": {"day": "Monday"}})
_RESULT = Message("action", "", "a1", "book", {"success": True, "result": {"id": 7}})


def _sent(*messages: Message, room: int = _ROOM) -> list[dict[str, Any]]:
    return chat_messages(reply_request(*messages), room)


def test_the_system_prompt() -> None:
    """It holds the agent's prompt first, then the language and the time; nothing twice."""
    prompt = system_prompt(reply_request())
    assert prompt.startswith("You sell tea.\n\n")
    assert "language en" in prompt
    assert prompt.endswith("It is Saturday, 21 November 2026, 09:30 UTC.")
    assert system_prompt(reply_request(prompt="  ")).startswith("You are talking")


def test_the_system_prompt_names_functions_that_want_everything() -> None:
    """A schema that requires nothing by name wants all of its values."""
    schema = {"type": "object", "properties": {"day": {"type": "string"}}}
    plan = ActionPlan(
        action_id="a", kind=ActionKind.EXTERNAL, function_name="book", parameters=schema
    )
    assert "all of its values: book." in system_prompt(reply_request(actions=(plan,)))


def test_roles() -> None:
    """The caller is the user without a label, the agent the assistant, cut where it was cut."""
    sent = _sent(Message("agent", "We sell green-"), Message("caller", "Black tea?"))
    assert [message["role"] for message in sent] == ["system", "assistant", "user"]
    assert sent[1]["content"] == "We sell green-"
    assert sent[2]["content"] == "Black tea?"


def test_neighbours_are_joined_and_empty_ones_left_out() -> None:
    """Roles alternate, whatever the transcript looks like."""
    sent = _sent(
        Message("agent", "Hello."),
        Message("agent", "-"),
        Message("agent", "How can I help?"),
        Message("caller", "I want"),
        Message("caller", " tea"),
    )
    assert [(message["role"], message["content"]) for message in sent[1:]] == [
        ("assistant", "Hello. How can I help?"),
        ("user", "I want  tea"),
    ]


def test_a_call_and_its_result() -> None:
    """They are a pair under one id, the result right after the call, where the result came."""
    sent = _sent(Message("caller", "Book"), _CALL, Message("agent", "One moment."), _RESULT)
    assert [message["role"] for message in sent[1:]] == ["user", "assistant", "tool"]
    asked, result = sent[2], sent[3]
    [call] = asked["tool_calls"]
    assert asked["content"] == "One moment."
    assert call["id"] == result["tool_call_id"] == "a1"
    assert json.loads(call["function"]["arguments"]) == {"day": "Monday"}
    assert json.loads(result["content"]) == {"success": True, "result": {"id": 7}}


def test_a_call_without_a_result_yet() -> None:
    """Every call has an answer, even if it says that there is none: the protocol wants it."""
    sent = _sent(Message("caller", "Book"), _CALL, Message("caller", "Hurry"))
    assert [message["role"] for message in sent[1:]] == ["user", "assistant", "tool", "user"]
    assert "no answer yet" in sent[3]["content"]


def test_a_result_without_its_call() -> None:
    """A result whose call is not there is left out: the protocol refuses it."""
    assert [message["role"] for message in _sent(Message("caller", "x"), _RESULT)][1:] == ["user"]


_ROLES = st.sampled_from(["caller", "agent", "action_call", "action"])
_MESSAGES = st.lists(
    st.builds(
        lambda role, text, number: Message(
            role,
            text if role in ("caller", "agent") else "",
            None if role in ("caller", "agent") else f"a{number}",
            "book",
            {"arguments": {}} if role == "action_call" else {"success": True},
        ),
        _ROLES,
        st.text(max_size=20),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=20,
)


@given(_MESSAGES, st.integers(0, 600))
def test_what_is_sent_is_always_legal(messages: list[Message], room: int) -> None:
    """Whatever the transcript and the room, each result follows its call and roles alternate."""
    sent = chat_messages(reply_request(*messages), room)
    assert sent[0]["role"] == "system"
    for before, message in pairwise(sent):
        if message["role"] == "tool":
            assert [call["id"] for call in before["tool_calls"]] == [message["tool_call_id"]]
        elif before["role"] == message["role"]:
            assert before["role"] == "assistant"
            assert "tool_calls" in before
        if before.get("tool_calls"):
            assert message["role"] == "tool"


def test_the_oldest_are_left_out() -> None:
    """What does not fit is dropped from the beginning; prompt and newest message always go."""
    old = [Message("caller" if number % 2 else "agent", f"{number} " * 30) for number in range(50)]
    newest = Message("caller", "What now?")
    sent = _sent(*old, newest, room=800)
    assert sent[0]["role"] == "system"
    assert sent[-1]["content"].endswith("What now?")
    assert 3 < len(sent) < 51
    assert sum(8 + estimated_tokens(message) for message in sent) <= 800
    assert [message["role"] for message in _sent(*old, newest, room=0)] == ["system", "user"]
