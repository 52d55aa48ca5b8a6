"""The processes of a run: what they print as JSON lines, and what they are told."""

from __future__ import annotations

import json
import subprocess
from typing import IO, Any

Json = dict[str, Any]


def read_line(process: subprocess.Popen[str]) -> Json:
    """Return what a process prints next; raises ``RuntimeError`` where it has ended."""
    line = _pipe(process.stdout).readline()
    if not line:
        raise RuntimeError(f"{process.args!r} ended early")
    content: Json = json.loads(line)
    return content


def write_line(process: subprocess.Popen[str], text: str) -> None:
    """Tell a process a line."""
    pipe = _pipe(process.stdin)
    pipe.write(f"{text}\n")
    pipe.flush()


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe
