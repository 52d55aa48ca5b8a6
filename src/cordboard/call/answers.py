"""Whether words are a whole answer to what was expected."""

from __future__ import annotations

import re

from cordboard.call.backchannel import plain
from cordboard.call.expectation import Expectation, ExpectationKind

_YES_NO = frozenset(
    (
        "yes", "yeah", "yep", "no", "nope", "correct", "thats right", "that is right", "right",
        "sure", "yes please",
        "no thanks", "no thank you", "that is correct", "thats correct", "please do",
        "not really", "ja", "nein", "genau", "stimmt",
    )
)  # fmt: skip
_FILLERS = frozenset(
    (
        "um", "uh", "er", "well", "so", "please", "the", "a", "an", "for", "at", "it", "is", "its",
        "lets", "say", "hmm", "oh", "ok", "okay", "äh", "ähm", "bitte",
    )
)  # fmt: skip

_PATIENT = frozenset(
    {
        ExpectationKind.DIGITS,
        ExpectationKind.SPELLED,
        ExpectationKind.EMAIL,
        ExpectationKind.ADDRESS,
    }
)


def _core(text: str) -> str:
    return " ".join(word for word in plain(text).split() if word not in _FILLERS)


def is_whole_answer(text: str, expectation: Expectation) -> bool:
    """Tell whether ``text`` answers the question completely, so that nothing more need be waited
    for.
    """
    core = _core(text)
    if not core and not plain(text):
        return False
    known = {_core(phrase) for phrase in (*expectation.choices, *expectation.also)}
    if core and core in known:
        return True
    if expectation.kind is ExpectationKind.YES_NO:
        return plain(text) in _YES_NO or core in _YES_NO
    count = expectation.digit_count
    return count is not None and len(re.sub(r"\D", "", text)) >= count


def needs_patience(expectation: Expectation) -> bool:
    """Tell whether people pause within an answer of this kind: digits, spelling, addresses."""
    return expectation.kind in _PATIENT
