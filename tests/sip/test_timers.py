"""The queue of deadlines."""

from __future__ import annotations

import random

from cordboard.sip.timers import TimerQueue


def test_earliest_first_with_its_reason() -> None:
    """Deadlines come in order; setting again moves, cancelling removes."""
    queue = TimerQueue()
    queue.set(("a", "x"), 30)
    queue.set(("b", "y"), 20)
    queue.set(("a", "x"), 10)
    queue.cancel(("b", "y"))
    queue.cancel(("b", "never set"))
    deadline = queue.next_deadline()
    assert deadline is not None
    assert (deadline.at_ms, deadline.reason) == (10, "x")
    assert list(queue.due(9)) == []
    assert list(queue.due(100)) == [("a", "x")]
    assert queue.next_deadline() is None


def test_a_timer_set_while_handling_is_taken_if_due() -> None:
    """Handling one deadline may set or cancel others."""
    queue = TimerQueue()
    queue.set(("a", "1"), 1)
    queue.set(("b", "2"), 2)
    seen = []
    for key in queue.due(5):
        seen.append(key)
        if key == ("a", "1"):
            queue.cancel(("b", "2"))
            queue.set(("c", "3"), 5)
    assert seen == [("a", "1"), ("c", "3")]


def test_moving_a_timer_for_ever_keeps_the_queue_small() -> None:
    """Stale entries are thrown out."""
    queue = TimerQueue()
    chance = random.Random(1)
    for _ in range(10_000):
        queue.set(("a", "x"), chance.randrange(1_000_000))
    assert len(queue) == 1
    assert len(queue._heap) < 200
