"""Whether words over the agent's voice take the floor."""

from __future__ import annotations

import pytest

from cordboard.call.expectation import ANYTHING, Expectation, ExpectationKind
from cordboard.call.interruption import Verdict, is_worth_answering, judge

YES_NO = Expectation(ExpectationKind.YES_NO)
CHOICE = Expectation(ExpectationKind.CHOICE, choices=("half past nine", "ten"))


@pytest.mark.parametrize(
    ("text", "expectation", "low_partial", "low_final", "high"),
    [
        ("", ANYTHING, Verdict.UNDECIDED, Verdict.NOISE, None),
        ("...", ANYTHING, Verdict.UNDECIDED, Verdict.NOISE, None),
        ("wait", ANYTHING, Verdict.UNDECIDED, Verdict.BACKCHANNEL, Verdict.BARGE_IN),
        ("one two three", ANYTHING, Verdict.UNDECIDED, Verdict.BACKCHANNEL, Verdict.BARGE_IN),
        ("no that is wrong", ANYTHING, Verdict.BARGE_IN, Verdict.BARGE_IN, Verdict.BARGE_IN),
        ("mm-hmm", ANYTHING, Verdict.UNDECIDED, Verdict.BACKCHANNEL, Verdict.BARGE_IN),
        ("yeah yeah okay right", ANYTHING, Verdict.UNDECIDED, Verdict.BACKCHANNEL, None),
        ("yes", YES_NO, Verdict.UNDECIDED, Verdict.BARGE_IN, Verdict.BARGE_IN),
        ("yes", ANYTHING, Verdict.UNDECIDED, Verdict.BACKCHANNEL, Verdict.BARGE_IN),
        ("ten", CHOICE, Verdict.UNDECIDED, Verdict.BARGE_IN, Verdict.BARGE_IN),
        ("eleven", CHOICE, Verdict.UNDECIDED, Verdict.BACKCHANNEL, Verdict.BARGE_IN),
    ],
)
def test_verdicts(
    text: str,
    expectation: Expectation,
    low_partial: Verdict,
    low_final: Verdict,
    high: Verdict | None,
) -> None:
    """Low: four words that are no backchannel, or a whole answer once it is final. High: any
    word.
    """
    assert judge(text, "low", expectation, "en", final=False) is low_partial
    assert judge(text, "low", expectation, "en", final=True) is low_final
    if high is not None:
        assert judge(text, "high", expectation, "en", final=False) is high


@pytest.mark.parametrize(
    ("text", "expectation", "worth"),
    [
        ("", ANYTHING, False),
        ("mhm okay", ANYTHING, False),
        ("stop please", ANYTHING, True),
        ("yes", YES_NO, True),
        ("yes", ANYTHING, False),
    ],
)
def test_worth_answering(text: str, expectation: Expectation, worth: bool) -> None:
    """Acknowledgement wants no answer, unless it is the answer that was asked for."""
    assert is_worth_answering(text, expectation, "en") is worth
