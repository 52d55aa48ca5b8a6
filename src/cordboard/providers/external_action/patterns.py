r"""Patterns that most likely lost their backslashes on the way here.

The protocol's own example prints ``^d{2}:d0[ap]m$`` where ``^\d{2}:\d0[ap]m$`` was meant. No
answer of a caller can match it, so such a pattern is warned of and not enforced.
"""

from __future__ import annotations

import re
from typing import Final

_QUANTIFIED: Final = re.compile(r"(?<![A-Za-z\\])[dwsDWS](?:\{[0-9]|[+*])")
_BARE: Final = re.compile(r"(?<![A-Za-z\\])[dwsDWS](?![A-Za-z])")
_CLASS: Final = re.compile(r"(\[[^\]]*\])")


def lost_backslashes(pattern: str) -> bool:
    """Tell whether ``pattern`` counts single letters that are classes with a backslash."""
    if "\\" in pattern:
        return False
    return any(_QUANTIFIED.search(part) for part in _outside_classes(pattern))


def restored_pattern(pattern: str) -> str:
    """Return the pattern that was most likely meant; any other one comes back unchanged."""
    if not lost_backslashes(pattern):
        return pattern
    parts = _CLASS.split(pattern)
    return "".join(
        part if index % 2 else _BARE.sub(lambda letter: "\\" + letter[0], part)
        for index, part in enumerate(parts)
    )


def _outside_classes(pattern: str) -> list[str]:
    return _CLASS.split(pattern)[::2]
