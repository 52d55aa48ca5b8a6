"""docs/ai-flow.md: its app runs and answers as shown, its tables are those of the models."""

from __future__ import annotations

import re
from pathlib import Path

from typer.testing import CliRunner

from cordboard.cli.app import app
from scripts.flow_fields import ACTIONS, BEHAVIOUR, EVENTS, PAGE, PARTS, behaviour, with_tables
from tests.docs.page import blocks, pages
from tests.examples.running import running

TEXT = pages()[PAGE]


def _masked(output: str) -> list[str]:
    """Return what was shown without what differs each time."""
    lines = re.sub(r'"(speech_started_at|ms)": \d+', r'"\1": 0', output).splitlines()
    assert all(re.match(r" *\d+ ", line) for line in lines), output
    return [line.lstrip(" 0123456789") for line in lines]


def test_five_minutes(tmp_path: Path) -> None:
    """The app of the page, at most ten lines, says in a call by text what the page shows."""
    (program,) = [block for block in blocks(TEXT, "python") if "app.run" in block]
    assert len([line for line in program.splitlines() if line.strip()]) <= 10
    shown, script = blocks(TEXT, "text")
    (command,) = re.findall(r"cordboard (flow try .*) --say words.txt$", TEXT, re.MULTILINE)
    words = tmp_path / "words.txt"
    words.write_text(script)
    path = tmp_path / "flow.py"
    path.write_text(
        "import sys\n"
        + program.replace("port=9000", "port=int(sys.argv[sys.argv.index('--port') + 1])")
    )
    with running(str(path)) as port:
        arguments = command.replace(":9000/", f":{port}/").split()
        result = CliRunner().invoke(app, [*arguments, "--say", str(words)])
    assert result.exit_code == 0, result.output
    assert _masked(result.output) == _masked(shown)


def test_the_tables_are_current() -> None:
    """The tables are what ``make docs`` writes from the models."""
    assert with_tables(TEXT) == TEXT, "run: make docs"


def test_every_field_is_described() -> None:
    """Each field of the models has a text of what we make of it, and no text is left over."""
    used = set()
    for model in (*EVENTS, *ACTIONS, *PARTS.values()):
        for field in model.model_fields:
            if field != "type":
                assert behaviour(model, field)
                own = f"{model.__name__}.{field}"
                used.add(own if own in BEHAVIOUR else field)
    assert used == set(BEHAVIOUR)


def test_every_event_and_action_has_its_heading() -> None:
    """Nothing of the protocol is missing on the page."""
    for model in (*EVENTS, *ACTIONS):
        assert f"### `{model.model_fields['type'].default}`" in TEXT
