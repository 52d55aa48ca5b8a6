"""Deadlines by name."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cordboard.call.commands import Deadline
from cordboard.call.deadlines import Deadlines


def test_one_deadline_for_each_reason() -> None:
    """Setting moves a deadline; setting if unset does not; clearing forgets it."""
    deadlines = Deadlines()
    deadlines.set("idle", 5)
    deadlines.set("idle", 9)
    deadlines.set_if_unset("idle", 1)
    assert deadlines.next() == Deadline(9, "idle")
    deadlines.clear("idle", "never set")
    assert deadlines.next() is None
    assert not deadlines.is_set("idle")


@given(st.dictionaries(st.text(min_size=1, max_size=3), st.integers(0, 50)), st.integers(0, 50))
def test_taken_in_order_and_never_early(at_ms: dict[str, int], now_ms: int) -> None:
    """What is due is taken earliest first, equal ones by name, and nothing before its time."""
    deadlines = Deadlines()
    for reason, each_ms in at_ms.items():
        deadlines.set(reason, each_ms)
    taken = []
    while (due := deadlines.take_due(now_ms)) is not None:
        taken.append((at_ms[due], due))
    assert taken == sorted((at, reason) for reason, at in at_ms.items() if at <= now_ms)
