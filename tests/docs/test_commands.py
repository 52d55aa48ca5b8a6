"""The commands that the documentation shows exist, and offer what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from cordboard.settings import SETTINGS
from tests.docs.page import blocks, pages
from tests.tidy.source import ROOT


def _help(*command: str) -> str:
    """Return what ``cordboard ... --help`` prints, wide enough that nothing is cut."""
    result = subprocess.run(
        [sys.executable, "-m", "cordboard", *command, "--help"],
        env={**os.environ, "COLUMNS": "300", "TERM": "dumb", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, f"cordboard {' '.join(command)}: {result.stderr[-500:]}"
    return result.stdout


def _shown() -> set[str]:
    """Return the first word of every ``cordboard`` command in the pages."""
    found: set[str] = set()
    for text in pages().values():
        code = "\n".join([*blocks(text, "sh"), *re.findall(r"`([^`\n]+)`", text)])
        found |= set(re.findall(r"^(?:\.venv/bin/)?cordboard ([a-z]+)\b", code, re.MULTILINE))
    return found


def test_shown_commands_exist() -> None:
    """Every ``cordboard`` command of a page answers to ``--help``."""
    assert {"serve", "doctor", "numbers", "trunks"} <= _shown()
    for command in sorted(_shown()):
        assert command in _help(command)


def test_serve_takes_every_setting() -> None:
    """Each setting is an option of ``cordboard serve``, with its help."""
    printed = _help("serve")
    for setting in SETTINGS:
        assert re.search(rf"{setting.option}\b", printed), setting.option


def test_the_package_has_its_entry_point() -> None:
    """``cordboard`` on the command line is ``python -m cordboard``."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'cordboard = "cordboard.__main__:main"' in text
