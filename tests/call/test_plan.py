"""The frozen plan."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.call.actions import ActionKind, ActionPlan, SpeakBefore
from cordboard.call.plan import CallPlan, LanguageModelPlan, TranscriberPlan, TurnPlan, VoicePlan

TEXT = st.text(max_size=8)
JSON = st.dictionaries(
    TEXT, st.recursive(st.none() | st.booleans() | st.integers() | TEXT, st.lists, max_leaves=4)
)
ACTIONS = st.builds(
    ActionPlan,
    action_id=TEXT,
    kind=st.sampled_from(ActionKind),
    function_name=TEXT,
    parameters=JSON,
    config=JSON,
    phrases=st.lists(TEXT, max_size=2).map(tuple),
    speak_before=st.sampled_from(SpeakBefore),
    speak_on_receive=st.booleans(),
)
PLANS = st.builds(
    CallPlan,
    organisation_id=TEXT,
    agent_id=st.none() | TEXT,
    language=TEXT,
    prompt=TEXT,
    initial_message=st.none() | TEXT,
    actions=st.lists(ACTIONS, max_size=2).map(tuple),
    voice=st.builds(VoicePlan, voice=TEXT, settings=JSON),
    language_model=st.builds(LanguageModelPlan, temperature=st.floats(0, 1), settings=JSON),
    transcriber=st.builds(TranscriberPlan, keywords=st.dictionaries(TEXT, st.floats(0, 9))),
    turn=st.builds(TurnPlan, conversation_speed=st.floats(0.5, 2), idle_ms=st.none() | st.just(9)),
    record=st.booleans(),
    content_free=st.booleans(),
)


@given(PLANS)
def test_round_trip(plan: CallPlan) -> None:
    """A plan written as JSON text reads back equal."""
    assert CallPlan.from_json(json.loads(json.dumps(plan.to_json()))) == plan


@pytest.mark.parametrize(
    "change",
    [{"surprise": 1}, {"voice": {"surprise": 1}}, {"actions": [{"kind": "no such"}]}, {"turn": 3}],
)
def test_anything_else_is_refused(change: dict[str, object]) -> None:
    """Reading raises one of its three documented errors."""
    value = CallPlan(organisation_id="o").to_json() | change
    with pytest.raises((KeyError, TypeError, ValueError)):
        CallPlan.from_json(value)
