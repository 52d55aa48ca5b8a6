"""How a language model is offered an external action."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.call.actions import ActionKind, ActionPlan
from cordboard.providers.external_action.config import (
    ExternalActionConfig,
    function_name,
    model_function,
    split_user_message,
    user_message_property,
)

DESCRIPTION = "Book a meeting for a 30 minute\nor 1 hour call – “now”. "


def config(schema: dict[str, Any], *, speak_on_send: bool = False) -> ExternalActionConfig:
    """Return an action with the given schema."""
    return ExternalActionConfig(
        name="book a meeting!",
        description=DESCRIPTION,
        url="https://example.com/",
        input_schema=schema,
        speak_on_send=speak_on_send,
        speak_on_receive=True,
        signature_secret="c2VjcmV0",
    )


SCHEMAS: list[dict[str, Any]] = [
    {"type": "object"},
    {"type": "object", "title": "T", "properties": {"title": {"type": "string", "title": "x"}}},
    {"type": "object", "properties": {"b": {}, "a": {}}, "required": ["a"]},
    {"type": "object", "properties": {"a": {"enum": [1.0, "ü"]}}, "additionalProperties": False},
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_the_model_gets_what_the_tenant_wrote(schema: dict[str, Any]) -> None:
    """Description and parameters arrive unchanged, in their order."""
    function = model_function(config(schema))
    assert function["description"] == DESCRIPTION
    assert function["parameters"] == schema
    assert list(function["parameters"]) == list(schema)
    assert function["name"] == "book_a_meeting"


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_words_before_sending_are_one_more_parameter(schema: dict[str, Any]) -> None:
    """With ``speak_on_send`` a required string is added and nothing else changes."""
    before = copy.deepcopy(schema)
    parameters = model_function(config(schema, speak_on_send=True))["parameters"]
    assert parameters["properties"].pop("user_message")["type"] == "string"
    assert parameters["required"] == [*before.get("required", []), "user_message"]
    assert parameters["properties"] == before.get("properties", {})
    assert schema == before


def test_a_tenants_own_user_message_survives() -> None:
    """A property of that name stays the tenant's; ours takes another name, and both arrive."""
    schema = {"type": "object", "properties": {"user_message": {"type": "integer"}}}
    action = config(schema, speak_on_send=True)
    assert user_message_property(action) == "user_message_2"
    properties = model_function(action)["parameters"]["properties"]
    assert properties["user_message"] == {"type": "integer"}
    own, words = split_user_message(action, {"user_message": 5, "user_message_2": "One moment."})
    assert (own, words) == ({"user_message": 5}, "One moment.")


@pytest.mark.parametrize(
    ("speak_on_send", "given_arguments", "expected"),
    [
        (True, {"a": 1, "user_message": "Hello"}, ({"a": 1}, "Hello")),
        (True, {"a": 1}, ({"a": 1}, None)),
        (True, {"a": 1, "user_message": 7}, ({"a": 1}, None)),
        (True, {"a": 1, "user_message": " "}, ({"a": 1}, None)),
        (False, {"a": 1, "user_message": "x"}, ({"a": 1, "user_message": "x"}, None)),
    ],
)
def test_the_words_are_parted_from_the_arguments(
    speak_on_send: bool,
    given_arguments: dict[str, object],
    expected: tuple[dict[str, object], str | None],
) -> None:
    """What is to be said never goes to the receiver, and only strings are said."""
    action = config({"type": "object"}, speak_on_send=speak_on_send)
    assert split_user_message(action, given_arguments) == expected


@pytest.mark.parametrize(
    ("name", "fitted"),
    [
        ("book_meeting-2", "book_meeting-2"),
        ("Büro buchen", "Buro_buchen"),
        ("日本", "action"),
        ("", "action"),
        ("a" * 80, "a" * 64),
        ("  x.y/z  ", "x_y_z"),
    ],
)
def test_names_are_fitted(name: str, fitted: str) -> None:
    """A good name stays, another becomes the nearest that models take."""
    assert function_name(name, ()) == fitted


@given(st.lists(st.text(max_size=90) | st.sampled_from(["a", "a_2", "x" * 64]), max_size=20))
def test_names_are_unique_and_fit(names: list[str]) -> None:
    """However they are named, all functions of an agent can be told apart."""
    taken: list[str] = []
    for name in names:
        taken.append(function_name(name, taken))
    assert len(set(taken)) == len(taken)
    assert all(re.fullmatch("[A-Za-z0-9_-]{1,64}", name) for name in taken)


def test_a_plan_is_read() -> None:
    """The configuration in a frozen plan becomes the action's, with its secret opened apart."""
    plan = ActionPlan(
        action_id="1",
        kind=ActionKind.EXTERNAL,
        function_name="book",
        config={
            "name": "Book",
            "description": "d",
            "url": "https://example.com/",
            "input_schema": {"type": "object"},
            "speak_on_send": True,
            "speak_on_receive": False,
            "signature_format": "compact",
            "signature_secret": "sealed",
        },
    )
    action = ExternalActionConfig.from_plan(plan, "opened")
    assert action == ExternalActionConfig(
        name="Book",
        description="d",
        url="https://example.com/",
        input_schema={"type": "object"},
        speak_on_send=True,
        speak_on_receive=False,
        signature_secret="opened",
        signature_format="compact",
    )
    assert "opened" not in repr(action)
