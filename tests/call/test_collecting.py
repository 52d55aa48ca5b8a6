"""What an agent collects: addresses that are none are asked for again, others are kept as given."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.call.actions import ActionKind, ActionPlan
from cordboard.call.collecting import FORMATTED, RAW, instructions, recorded
from cordboard.call.commands import RunAction, StartReply
from tests.call.driver import calling

PLAN = ActionPlan(
    action_id="",
    kind=ActionKind.RECORD_EMAIL,
    function_name="record_billing",
    config={"name": "billing"},
    speak_on_receive=True,
)


@pytest.mark.parametrize(
    "address",
    ["ann@example.com", "a.b+c@mail.example.co.uk", "jürgen@müller.example", "o'neil@x-y.travel"],
)
def test_addresses(address: str) -> None:
    """An address is recorded under the field's name, with what was said."""
    outcome = recorded("billing", {RAW: "ann at example", FORMATTED: f" {address} "})
    assert (outcome.success, outcome.outcome_class) == (True, "success")
    assert outcome.result == {"descriptor": "billing", RAW: "ann at example", FORMATTED: address}


@pytest.mark.parametrize(
    "value",
    [
        *("", "ann", "ann at example.com", "ann@example", "@example.com", "ann@"),
        *("a@b@example.com", ".ann@example.com", "ann.@example.com", "a..b@example.com"),
        *("ann@-x.com", "ann@x.c", f"{'a' * 65}@example.com", f"ann@{'a.' * 130}com"),
        *(None, 7, ["ann@example.com"]),
    ],
)
def test_what_is_no_address(value: object) -> None:
    """What is none is refused as a value that did not fit, so that the model asks again."""
    outcome = recorded("billing", {RAW: "x", FORMATTED: value})
    assert (outcome.success, outcome.outcome_class) == (False, "invalid_arguments")
    assert "again" in str(outcome.result["info"])


@given(st.dictionaries(st.text(max_size=5), st.none() | st.text() | st.integers()), st.text())
def test_whatever_a_model_gives(arguments: dict[str, object], value: str) -> None:
    """No value breaks it, and nothing is recorded without one @ between two parts."""
    outcome = recorded("n", {**arguments, FORMATTED: value})
    if outcome.success:
        assert re.fullmatch(r"[^@\s]+@[^@\s]+", str(outcome.result[FORMATTED]))


def test_instructions() -> None:
    """The prompt names each purpose with its function; nothing is added for none."""
    assert instructions([]) == ""
    text = instructions([("Billing address", "record_billing"), ("Newsletter", "record_news")])
    assert "- Billing address: record it with record_billing." in text
    assert "record_news" in text


@pytest.mark.parametrize("address", ["ann@example.com", "ann at example"])
def test_on_a_call(address: str) -> None:
    """The value is taken at once, what came of it stands in the transcript, and the model goes on:
    with thanks, or by asking again.
    """
    call = calling(actions=(PLAN,))
    call.turn("It is ann at example dot com.")
    call.reply(action=("record_billing", f'{{"raw_value": "x", "formatted_value": "{address}"}}'))
    (run,) = call.all(RunAction)
    outcome = recorded("billing", run.call.arguments)
    assert outcome.success == ("@" in address)
    before = len(call.all(StartReply))
    call.outcome(outcome, run.call.action_call_id)
    assert len(call.all(StartReply)) == before + 1
    (told,) = [message for message in call.messages if message.role == "action"]
    assert ("ann@example.com" in str(told.content)) == outcome.success
