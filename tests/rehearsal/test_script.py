"""What is typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.rehearsal.script import (
    BadLine,
    Check,
    HangUp,
    Press,
    Say,
    StaySilent,
    Step,
    TargetAnswers,
    Wait,
    parse_line,
    parse_script,
)


@pytest.mark.parametrize(
    ("typed", "step"),
    [
        ("  Good  morning ", Say("Good morning")),
        ("? good Morning", Check("good Morning")),
        ("/dtmf 12 #", Press("12#")),
        ("/timeout", StaySilent()),
        ("/answer", TargetAnswers(True)),
        ("/busy", TargetAnswers(False)),
        ("/hangup", HangUp()),
        ("/wait 1.5", Wait(1.5)),
        ("# a remark", None),
        ("", None),
    ],
)
def test_lines(typed: str, step: Step | None) -> None:
    """Words, checks and commands."""
    assert parse_line(typed) == step


@pytest.mark.parametrize(
    "typed", ["?", "/dtmf", "/dtmf x", "/wait", "/wait 61", "/wait -1", "/hangup now", "/x", "/"]
)
def test_bad_lines(typed: str) -> None:
    """What cannot be followed is refused, in a script with the number of its line."""
    with pytest.raises(BadLine, match=r"^line 2: "):
        parse_script(f"hello\n{typed}\n")


@given(st.text(max_size=200))
def test_nothing_else_escapes(text: str) -> None:
    """Any text is a script, or ``BadLine``."""
    try:
        steps = parse_script(text)
    except BadLine:
        return
    assert len(steps) <= len(text.splitlines())
