"""The softphone's script: every step it knows, and a named line for every other."""

from __future__ import annotations

import pytest

from cordboard.softphone.script import MOST_CHARACTERS, MOST_STEPS, BadScript, Verb, parse_script


def test_steps() -> None:
    """Steps come in order; empty lines and comments are none."""
    script = parse_script("# first\n\nhear How can I help?\n say thirty \nwait 500\nhangup\n")
    assert [step.verb for step in script.steps] == [Verb.HEAR, Verb.SAY, Verb.WAIT, Verb.HANGUP]
    assert script.steps[1].text == "thirty"
    assert script.steps[2].ms == 500


def test_expected() -> None:
    """What is awaited and what may be heard is expected; what the caller says is not."""
    script = parse_script("also One moment.\nhear Hello\nsay hi\n")
    assert script.expected == ("One moment.", "Hello")


@pytest.mark.parametrize(
    "line", ["dance", "wait soon", "x" * (MOST_CHARACTERS + 1)], ids=["verb", "time", "long"]
)
def test_bad_line(line: str) -> None:
    """The error names the line's number."""
    with pytest.raises(BadScript, match="line 2"):
        parse_script(f"hangup\n{line}\n")


def test_too_many_steps() -> None:
    """The number of steps is bounded."""
    with pytest.raises(BadScript):
        parse_script("hangup\n" * (MOST_STEPS + 1))
