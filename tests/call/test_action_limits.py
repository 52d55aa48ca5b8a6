"""What one call may have done, and how much of a result a model is shown (R22)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.call.action_limits import (
    RESULT_BYTES_MAX,
    TRANSFERS_TRIED_MAX,
    ActionLimits,
    bounded,
)
from cordboard.call.actions import ActionKind, ActionOutcome, ActionPlan
from cordboard.call.commands import EndLeg
from tests.call.driver import END, Driver, calling

DONE = ActionOutcome(True, {"ok": 1}, None, "success", 200)
BUSY = ActionOutcome(False, {"info": "busy"}, None, "busy", None)
NOTE = ActionPlan(action_id="1", kind=ActionKind.EXTERNAL, function_name="note")
TRANSFER = ActionPlan(
    action_id="2",
    kind=ActionKind.TRANSFER_CALL,
    function_name="transfer",
    config={"phone_number": "11234567890"},
)


def ask(call: Driver, name: str, outcome: ActionOutcome | None = DONE) -> None:
    """The caller says something, the model asks for an action, and that comes to its outcome."""
    before = len(call.actions_run)
    call.turn("Do it once more.")
    call.reply(action=(name, "{}"))
    if outcome is not None and len(call.actions_run) > before:
        call.outcome(outcome, f"a{len(call.facts('action_started'))}")
    call.finish_all()


def test_the_eleventh_action_is_not_begun() -> None:
    """Ten actions leave; the next is on record as refused, and the agent says sorry."""
    call = calling(actions=(NOTE, END))
    for _ in range(12):
        ask(call, "note")
    assert len(call.actions_run) == 10
    classes = [fact.content["outcome_class"] for fact in call.facts("action_finished")]
    assert classes == ["success"] * 10 + ["refused"] * 2
    assert call.spoken.count("sorry_trouble") == 2


def test_the_call_can_still_be_ended() -> None:
    """Where no action is left the agent may hang up all the same."""
    call = calling(actions=(NOTE, END))
    for _ in range(11):
        ask(call, "note")
    ask(call, "end", None)
    assert call.all(EndLeg)


@pytest.mark.parametrize("made_at", [1, 2, None])
def test_one_transfer(made_at: int | None) -> None:
    """A transfer that came to nothing may be tried again, twice; one that was made is the last."""
    call = calling(actions=(TRANSFER,))
    for number in range(1, 6):
        ask(call, "transfer", DONE if number == made_at else BUSY)
    assert len(call.actions_run) == (made_at or TRANSFERS_TRIED_MAX)


def test_what_was_withdrawn_is_not_counted() -> None:
    """Only what begins uses up the allowance."""
    limits = ActionLimits()
    assert all(limits.may_ask(10) for _ in range(5))
    assert not limits.may_ask(10)
    limits.new_turn()
    assert limits.may_ask(10)
    assert all(limits.may_begin(ActionKind.DTMF, 3) for _ in range(3))
    assert not limits.may_begin(ActionKind.EXTERNAL, 3)
    assert limits.may_begin(ActionKind.END_CONVERSATION, 3)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), JSON), st.text(min_size=1), st.integers(0, 30_000))
def test_results_are_bounded(result: dict[str, object], piece: str, times: int) -> None:
    """A result of more than 8 KiB is cut; a smaller one is passed on as it is."""
    given_result = {**result, "more": piece * times}
    outcome = ActionOutcome(True, given_result, "Done.", "success", 200)
    kept = bounded(outcome)
    size = len(json.dumps(kept.result, ensure_ascii=False).encode(errors="replace"))
    assert size <= RESULT_BYTES_MAX
    whole = len(json.dumps(given_result, ensure_ascii=False).encode(errors="replace"))
    assert (kept is outcome) is (whole <= RESULT_BYTES_MAX)
    assert (kept.success, kept.agent_message, kept.status_code) == (True, "Done.", 200)


def test_a_model_sees_the_cut_result() -> None:
    """What is too long reaches neither the conversation nor the record whole."""
    call = calling(actions=(NOTE,))
    ask(call, "note", ActionOutcome(True, {"rows": ['"' * 60] * 1_000}, None, "success", 200))
    call.turn("And?")
    (told,) = [message.content for message in call.messages if message.role == "action"]
    assert told is not None
    assert len(json.dumps(told)) < RESULT_BYTES_MAX + 200
    assert len(call.call.transcript) < RESULT_BYTES_MAX + 1_000
