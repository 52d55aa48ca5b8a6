"""The commands that the documentation shows exist, and take the options it shows."""

from __future__ import annotations

import functools
import re
import shlex

import pytest
from typer.testing import CliRunner

from cordboard.cli.app import app
from cordboard.settings import SETTINGS
from tests.docs.page import blocks, pages
from tests.tidy.source import ROOT


@functools.cache
def _help(*command: str) -> str:
    """Return what ``cordboard ... --help`` prints, wide enough that nothing is cut."""
    wide = {"COLUMNS": "300", "TERM": "dumb", "NO_COLOR": "1"}
    result = CliRunner().invoke(app, [*command, "--help"], env=wide)
    assert result.exit_code == 0, f"cordboard {' '.join(command)}: {result.output[-500:]}"
    return result.output


def _shown() -> list[tuple[str, ...]]:
    """Return every ``cordboard`` command of the pages as its words."""
    found: set[tuple[str, ...]] = set()
    for text in pages().values():
        code = "\n".join([*blocks(text, "sh"), *re.findall(r"`([^`\n]+)`", text)])
        lines = re.findall(r"^(?:\.venv/bin/)?cordboard ([a-z].*)$", code, re.MULTILINE)
        found |= {tuple(shlex.split(line, comments=True)) for line in lines}
    return sorted(found)


@pytest.mark.parametrize("words", _shown(), ids=" ".join)
def test_shown_commands_exist(words: tuple[str, ...]) -> None:
    """Every ``cordboard`` command of a page answers to ``--help`` and has the options shown."""
    command = [words[0]]
    groups = re.findall(r"^\W*([a-z]+) ", _help(words[0]).partition("Commands")[2], re.MULTILINE)
    command += [word for word in words[1:2] if word in groups]
    printed = _help(*command)
    for word in words:
        if word.startswith("--"):
            assert re.search(rf"{word.partition('=')[0]}\b", printed), f"{word} is no option"


def test_the_main_commands_are_shown() -> None:
    """The pages show how to serve, look, and bind a number to a trunk."""
    assert {"serve", "doctor", "numbers", "trunks", "calls"} <= {words[0] for words in _shown()}


def test_serve_takes_every_setting() -> None:
    """Each setting is an option of ``cordboard serve``, with its help."""
    printed = _help("serve")
    for setting in SETTINGS:
        assert re.search(rf"{setting.option}\b", printed), setting.option


def test_the_package_has_its_entry_point() -> None:
    """``cordboard`` on the command line is ``python -m cordboard``."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'cordboard = "cordboard.__main__:main"' in text
