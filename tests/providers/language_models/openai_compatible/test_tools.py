"""What a model is offered to do."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from cordboard.call.actions import ActionKind, ActionPlan, SpeakBefore
from cordboard.providers.external_action.config import ExternalActionConfig, model_function
from cordboard.providers.language_models.openai_compatible.tools import (
    tools_of,
    wanting_everything,
)

_SCHEMA = MappingProxyType(
    {
        "type": "object",
        "title": "A booking ",
        "properties": MappingProxyType(
            {"title": MappingProxyType({"type": "string"}), "tags": {"enum": ("a", "b")}}
        ),
        "required": ("title",),
    }
)


def _plan(speak: SpeakBefore, **more: Any) -> ActionPlan:
    given: dict[str, Any] = {
        "action_id": "a1",
        "kind": ActionKind.EXTERNAL,
        "function_name": "Book_a_table",
        "description": "  Books. ",
        "parameters": _SCHEMA,
        "speak_before": speak,
    }
    return ActionPlan(**{**given, **more})


def _function(plan: ActionPlan) -> dict[str, Any]:
    [tool] = tools_of([plan])
    assert tool["type"] == "function"
    function: dict[str, Any] = tool["function"]
    return function


def test_an_external_action_goes_out_as_written() -> None:
    """Description and parameters are the tenant's own, to the byte, as ``model_function`` has
    them.
    """
    for speak in (SpeakBefore.NEVER, SpeakBefore.ALWAYS):
        config = ExternalActionConfig(
            name="Book_a_table",
            description="  Books. ",
            url="",
            input_schema=_SCHEMA,
            speak_on_send=speak is SpeakBefore.ALWAYS,
            speak_on_receive=True,
            signature_secret="",
        )
        function, expected = _function(_plan(speak)), model_function(config)
        assert function["description"] == expected["description"]
        assert function["parameters"].keys() == expected["parameters"].keys()
        assert function["parameters"]["required"] == expected["parameters"]["required"]
        assert (
            function["parameters"]["properties"].keys()
            == expected["parameters"]["properties"].keys()
        )


def test_user_message_by_speak_before() -> None:
    """It is not there, optional or required."""
    never = _function(_plan(SpeakBefore.NEVER))["parameters"]
    sometimes = _function(_plan(SpeakBefore.SOMETIMES))["parameters"]
    always = _function(_plan(SpeakBefore.ALWAYS))["parameters"]
    assert "user_message" not in never["properties"]
    assert sometimes["properties"]["user_message"]["type"] == "string"
    assert sometimes["required"] == ["title"]
    assert always["required"] == ["title", "user_message"]


def test_the_plan_is_not_changed() -> None:
    """What is added is added to a copy."""
    plan = _plan(SpeakBefore.ALWAYS, parameters={"type": "object", "properties": {}})
    _function(plan)
    assert plan.parameters == {"type": "object", "properties": {}}


def test_an_action_without_parameters() -> None:
    """A schema is offered all the same: servers insist on one."""
    function = _function(_plan(SpeakBefore.NEVER, kind=ActionKind.END_CONVERSATION, parameters={}))
    assert function["parameters"] == {"type": "object", "properties": {}}


def test_phrases_are_not_offered() -> None:
    """An action that a phrase triggers is no function."""
    plan = _plan(SpeakBefore.NEVER, phrases=("goodbye",), parameters={"properties": {"a": {}}})
    assert tools_of([plan]) == []
    assert wanting_everything([plan]) == []


def test_without_required_all_is_wanted() -> None:
    """Where a schema requires nothing by name, the model is told to ask for everything."""
    without = {"type": "object", "properties": {"a": {}}}
    assert wanting_everything([_plan(SpeakBefore.NEVER, parameters=without)]) == ["Book_a_table"]
    assert wanting_everything([_plan(SpeakBefore.NEVER)]) == []
    assert wanting_everything([_plan(SpeakBefore.NEVER, parameters={})]) == []
