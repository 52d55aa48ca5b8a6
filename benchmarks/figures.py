"""Figures and the tables they stand in."""

from __future__ import annotations


def share_of(values: list[float], share: float) -> float:
    """Return the value below which ``share`` of the sorted values lie; NaN without any."""
    if not values:
        return float("nan")
    return values[min(len(values) - 1, int(len(values) * share))]


def headed(head: str) -> str:
    """Return a table's head with the rule below it."""
    return f"{head}\n|{'---|' * (head.count('|') - 1)}"
