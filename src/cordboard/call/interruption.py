"""Policy: whether words over the agent's voice take the floor, only acknowledge, or are noise."""

from __future__ import annotations

from enum import StrEnum

from cordboard.call.answers import is_whole_answer
from cordboard.call.backchannel import is_backchannel, plain, word_count
from cordboard.call.barge_in import BargeInRule, BargeInStrategy
from cordboard.call.expectation import Expectation, ExpectationKind

NOISE_WAIT_MS = 500
"""How long after voice activity ended words may still come before it counts as noise."""

WORDLESS_MS = {"high": 700, "low": 1_800}
"""Voice activity of this length takes the floor even if the transcriber has no words for it."""

LOW_WORD_COUNT = 3
"""With low sensitivity, so many words or fewer leave the floor to the agent."""


class Verdict(StrEnum):
    """What an overlap is."""

    UNDECIDED = "undecided"
    BARGE_IN = "barge_in"
    BACKCHANNEL = "backchannel"
    NOISE = "noise"


def judge(
    text: str, sensitivity: str, expectation: Expectation, language: str, *, final: bool
) -> Verdict:
    """Judge the words heard so far over the agent's voice; ``final`` when no more will come.

    A whole answer to the question being asked takes the floor whatever the sensitivity: people
    answer early.
    """
    words = word_count(text)
    if words == 0:
        return Verdict.NOISE if final else Verdict.UNDECIDED
    if sensitivity == "high":
        return Verdict.BARGE_IN
    if (
        expectation.kind is not ExpectationKind.ANYTHING
        and final
        and is_whole_answer(text, expectation)
    ):
        return Verdict.BARGE_IN
    if words > LOW_WORD_COUNT and not is_backchannel(text, language):
        return Verdict.BARGE_IN
    return Verdict.BACKCHANNEL if final else Verdict.UNDECIDED


def judge_by_rule(text: str, rule: BargeInRule, *, final: bool) -> Verdict:
    """Judge the words heard so far over an utterance that has a rule of its own."""
    if text and (
        rule.strategy is BargeInStrategy.IMMEDIATE or len(text) >= rule.minimum_characters
    ):
        return Verdict.BARGE_IN
    if not final:
        return Verdict.UNDECIDED
    return Verdict.BACKCHANNEL if text else Verdict.NOISE


def is_worth_answering(text: str, expectation: Expectation, language: str) -> bool:
    """Tell whether words that left the floor to the agent want an answer once it has finished."""
    if not plain(text):
        return False
    if expectation.kind is not ExpectationKind.ANYTHING and is_whole_answer(text, expectation):
        return True
    return not is_backchannel(text, language)
