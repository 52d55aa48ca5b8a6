"""The wish not to be called again, told from turns of talk."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cordboard.call.commands import KeepFact
from cordboard.call.do_not_call import ASKED, NOT_ASKED, can_tell, is_asked
from cordboard.call.events import LegEnded, LegEndedBy
from tests.call.driver import Driver, plan


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Please take me off your list."),
        ("en-US", "I said, don\u2019t  call me again!"),
        ("de", "Bitte rufen Sie mich nicht mehr an."),
        ("es", "No me llame más, por favor."),
        ("fr", "Ne m'appelez plus jamais."),
    ],
)
def test_asked(language: str, said: str) -> None:
    """One turn that asks for it is enough, in every language that has phrases."""
    assert is_asked(language, ["Hm.", said]) is True
    assert is_asked(language, ["Hm.", "12"]) is False


def test_other_languages() -> None:
    """Without phrases of a language nobody can tell."""
    assert is_asked("ja", ["do not call"]) is None
    assert not can_tell("ja")


@pytest.mark.parametrize(
    ("wanted", "language", "said", "told"),
    [
        (True, "en", "Stop calling me", [ASKED]),
        (True, "en", "Two at eight", [NOT_ASKED]),
        (True, "ja", "Stop calling me", []),
        (False, "en", "Stop calling me", []),
    ],
)
def test_told_at_the_end(wanted: bool, language: str, said: str, told: list[str]) -> None:
    """A call that wants to know is told once, right before its end, and only by kind."""
    call = Driver(plan=replace(plan(language=language), detects_do_not_call=wanted)).answer()
    call.turn(said)
    call.receive(LegEnded("l1", LegEndedBy.FAR_END))
    call.wait(2_000)
    facts = call.all(KeepFact)
    assert [fact.kind for fact in facts if fact.kind in (ASKED, NOT_ASKED)] == told
    assert [fact.content for fact in facts if fact.kind in told] == [{}] * len(told)
