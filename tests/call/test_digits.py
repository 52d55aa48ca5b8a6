"""Keys the caller presses."""

from __future__ import annotations

import pytest

from cordboard.call.commands import StartReply
from cordboard.call.digits import DIGITS_MAX, DIGITS_WAIT_MS, DigitRow
from cordboard.call.events import DigitPressed, LegEnded, LegEndedBy, ReplyExpected
from cordboard.call.expectation import ANYTHING, Expectation, ExpectationKind
from tests.call.driver import Driver, calling


def _press(call: Driver, keys: str) -> None:
    for key in keys:
        call.receive(DigitPressed(key))
        call.wait(300)


@pytest.mark.parametrize(
    ("keys", "form", "row"),
    [
        ("12#", None, "12"),
        ("1234", "4", "1234"),
        ("12#", "4", "12"),
        ("1" * DIGITS_MAX, None, "1" * DIGITS_MAX),
    ],
)
def test_what_completes_a_row(keys: str, form: str | None, row: str) -> None:
    """A ``#`` ends the row at once, so does the count that is expected, so does the longest row."""
    digits = DigitRow()
    expectation = Expectation(ExpectationKind.DIGITS, format=form)
    complete = [digits.press(key, expectation) for key in keys]
    assert complete == [False] * (len(keys) - 1) + [True]
    assert digits.take() == row
    assert digits.text == ""


def test_a_lone_hash_is_a_key() -> None:
    """A ``#`` without digits before it is what was pressed."""
    digits = DigitRow()
    assert not digits.press("#", ANYTHING)
    assert digits.take() == "#"


def test_keys_merge_into_one_turn() -> None:
    """Keys pressed within two seconds of each other are one turn, handed on after the silence."""
    call = calling()
    _press(call, "427")
    assert call.all(StartReply) == []
    call.wait(DIGITS_WAIT_MS)
    assert call.lines == ["HUMAN: 427"]
    assert len(call.all(StartReply)) == 1
    assert call.facts("turn_ended")[0].content["digits"] is True


def test_expected_count_ends_the_turn_at_once() -> None:
    """Where the model expects so many digits, the last of them ends the turn."""
    call = calling()
    reply_id = call.turn("hello there")
    expected = Expectation(ExpectationKind.DIGITS, format="2")
    call.receive(ReplyExpected(reply_id, expected))
    call.reply("Your code?")
    call.finish_all()
    call.receive(DigitPressed("4"), DigitPressed("2"))
    assert call.lines[-1] == "HUMAN: 42"
    assert len(call.all(StartReply)) == 2


def test_keys_barge_in_and_the_answer_knows_only_what_was_heard() -> None:
    """A key takes the floor; a reply to it waits until it is known what was heard."""
    call = calling()
    call.turn("hello there")
    call.reply("Press one for sales or two for service.")
    call.heard[call.begin()] = len("Press one")
    call.answer_stops = False
    call.receive(DigitPressed("1"), DigitPressed("#"))
    assert len(call.all(StartReply)) == 1
    call.stop()
    assert len(call.all(StartReply)) == 2
    assert [message.text for message in call.messages] == ["hello there", "Press one-", "1"]


def test_keys_over_the_greeting_wait() -> None:
    """Keys pressed over the initial message are kept and answered after it."""
    call = calling(greeting="Welcome to our little company.")
    call.begin()
    _press(call, "3#")
    assert call.all(StartReply) == []
    call.finish_all()
    assert [message.text for message in call.messages][-1] == "3"


def test_keys_before_hanging_up_are_kept() -> None:
    """A row that was not complete when the caller hung up is in the transcript."""
    call = calling()
    _press(call, "55")
    call.receive(LegEnded("l1", LegEndedBy.FAR_END))
    assert call.lines == ["HUMAN: 55"]
