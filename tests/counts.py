"""How many cases a test runs: few in ``make test``, the issue's figure in ``make torture``."""

from __future__ import annotations

import os


def torture() -> bool:
    """Tell whether the large counts were asked for (``CORDBOARD_TORTURE=1``)."""
    return os.environ.get("CORDBOARD_TORTURE", "") not in ("", "0")


def count(small: int, large: int) -> int:
    """Return ``large`` under ``make torture`` and ``small`` otherwise."""
    return large if torture() else small
