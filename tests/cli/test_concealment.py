"""What others see of a process: no secret of its command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from cordboard.cli.concealment import SECRET_OPTIONS, values

WORDS = st.lists(
    st.sampled_from(["--key", "--key=abc", "--key=", "--other", "--other=--key", "x", "", "a=b"]),
    max_size=6,
)


def _overwritten(line: bytes) -> bytes:
    hidden = bytearray(line)
    for first, last in values(line, ["--key"]):
        hidden[first:last] = b"*" * (last - first)
    return bytes(hidden)


@given(WORDS)
def test_values_alone_are_overwritten(words: list[str]) -> None:
    """Both forms are found, nothing else is touched, and the line keeps its length."""
    line = b"".join(word.encode() + b"\0" for word in words)
    wanted: list[str] = []
    for place, word in enumerate(words):
        is_value = place > 0 and words[place - 1] == "--key" and wanted[-1] == "--key"
        kept = "*" * len(word) if is_value else word
        wanted.append("--key=***" if kept == "--key=abc" else kept)
    assert _overwritten(line) == b"".join(word.encode() + b"\0" for word in wanted)


def test_every_command_is_covered() -> None:
    """Settings that are secret, and what commands take besides."""
    assert {"--bootstrap-key", "--master-key", "--database-url", "--password"} <= SECRET_OPTIONS


def test_the_system_shows_none(tmp_path: Path) -> None:
    """A command that runs no longer shows what it was given, to nobody."""
    program = (
        "import sys; from pathlib import Path; from cordboard.cli.concealment import *\n"
        "hide_arguments(SECRET_OPTIONS)\n"
        "print(Path('/proc/self/cmdline').read_text(), sys.argv[2:])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "x", "--token", "canary", "--bootstrap-key=canary"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    seen, given = done.stdout.rsplit("[", 1)
    assert "canary" not in seen
    assert given.count("canary") == 2
