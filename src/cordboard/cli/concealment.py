"""What the operating system may show of a process: no secrets on its command line, no core dumps.

Everybody on a machine can read the command line of every process. What was given as an option is
overwritten there once it has been read; for the moment before, a variable is the safer way.
"""

from __future__ import annotations

import ctypes
import resource
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from cordboard.settings import SETTINGS

SECRET_OPTIONS: Final = frozenset(
    {"--key", "--password", "--token", *(each.option for each in SETTINGS if each.secret)}
)
"""The options of all commands whose values are nobody's business."""

_STAT: Final = Path("/proc/self/stat")
_FIRST, _LAST = 45, 46  # arg_start and arg_end of proc(5), counted from behind the name


def forbid_core_dumps() -> None:
    """Have the system write no image of this process' memory when it dies."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def hide_arguments(options: Iterable[str]) -> None:
    """Overwrite the values of these options on the command line as others see it (Linux alone)."""
    try:
        fields = _STAT.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        start, end = int(fields[_FIRST]), int(fields[_LAST])
    except (OSError, IndexError, ValueError):
        return  # another system
    if not 0 < start < end:
        return
    for first, last in values(ctypes.string_at(start, end - start), options):
        ctypes.memset(start + first, ord("*"), last - first)


def values(line: bytes, options: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Yield where the values of options begin and end in a command line as the system keeps it.

    Its words end with a zero byte; ``--name=value`` and ``--name value`` are both understood.
    """
    wanted = {option.encode() for option in options}
    at, is_value = 0, False
    for word in line.split(b"\0"):
        name, equals, value = word.partition(b"=")
        if is_value:
            yield at, at + len(word)
        elif equals and name in wanted:
            yield at + len(word) - len(value), at + len(word)
        is_value = not is_value and not equals and name in wanted
        at += len(word) + 1
