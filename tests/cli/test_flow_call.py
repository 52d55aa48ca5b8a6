"""``cordboard flow try --call``: what the softphone does, and what is no call."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cordboard.cli.app import app
from cordboard.cli.flow_call import NoCall, softphone_script
from cordboard.rehearsal.script import parse_script
from cordboard.softphone.script import Step, Verb


def test_the_softphone_waits_for_its_turn() -> None:
    """After each thing that is said, and in silence, the app has its turn; what is checked is no
    step.
    """
    script = softphone_script(parse_script("? hello\none\n/dtmf 1#\n/timeout\n/wait 1.5\n? bye"))
    assert script.steps == (
        Step(Verb.TURN),
        Step(Verb.SAY, "one"),
        Step(Verb.TURN),
        Step(Verb.PRESS, "1#"),
        Step(Verb.TURN),
        Step(Verb.TURN),
        Step(Verb.WAIT, ms=1_500),
        Step(Verb.HANGUP),
    )


@pytest.mark.parametrize("line", ["/answer", "/busy"])
def test_nobody_can_be_rung(line: str) -> None:
    """A transfer needs somebody to ring."""
    with pytest.raises(NoCall):
        softphone_script(parse_script(line))


@pytest.mark.parametrize(
    ("script", "token"), [(None, "a"), ("/answer\n", "a"), ("hi\n", "no token")]
)
def test_what_cannot_be_called(tmp_path: Path, script: str | None, token: str) -> None:
    """Without a script, with one that rings others, or with a token that no flow can have, there
    is no call: exit code 2.
    """
    arguments = ["flow", "try", "http://127.0.0.1:1/", "--call", "--token", token]
    if script is not None:
        (tmp_path / "script.txt").write_text(script)
        arguments += ["--say", str(tmp_path / "script.txt")]
    assert CliRunner().invoke(app, arguments).exit_code == 2
