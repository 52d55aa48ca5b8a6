"""The machine under the benchmarks: what it is, which core is whose, and who goes first."""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.probe import calibration

SERVER_CORE, LOAD_CORE = 0, 1


def machine() -> str:
    """Return processor, Python and time, for the line above a table."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
    return f"{model}; Python {platform.python_version()}; {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"


def calibrated_ms() -> int:
    """Return the CPU milliseconds that a fixed loop takes on the server's core now."""
    command = [sys.executable, *calibration(SERVER_CORE)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def go_first() -> None:
    """Raise this process and what it starts above other work; like ``nice``, by either rule.

    Where the kernel groups processes by session, only the group's own nice value counts.
    """
    with contextlib.suppress(PermissionError):  # it leads a session already
        os.setsid()
    os.nice(-20)
    lift_group()


def lift_group() -> None:
    """Raise the group of this session, which a session that it starts does not inherit."""
    group = Path("/proc/self/autogroup")
    if group.exists():
        group.write_text("-20")
