"""When a stored phrase fills the silence."""

from __future__ import annotations

from cordboard.call.bridging import (
    BRIDGE_AFTER_MS,
    BRIDGE_AGAIN_MS,
    BRIDGE_PAUSED_MS,
    Bridging,
)
from cordboard.call.commands import Deadline, PlayStored
from cordboard.call.desk import Desk
from cordboard.call.playback import Pause
from tests.call.driver import plan


def _due_ms(desk: Desk) -> int:
    deadline = desk.deadlines.next()
    assert isinstance(deadline, Deadline)
    return deadline.at_ms


def test_from_the_end_of_the_turn() -> None:
    """The wait counts from when the caller stopped, but is never over before it began."""
    desk = Desk(plan())
    Bridging().owes(1_000, 1_700, desk)
    assert _due_ms(desk) == 1_000 + BRIDGE_AFTER_MS
    late = Desk(plan())
    Bridging().owes(1_000, 9_000, late)
    assert _due_ms(late) == 9_200


def test_no_more_often_than_every_eight_seconds() -> None:
    """After a phrase the next one is eight seconds away, however often sound begins and ends."""
    desk, bridging = Desk(plan()), Bridging()
    bridging.due(desk, 5_000)
    bridging.sounds(desk)
    bridging.owes(6_000, 6_000, desk)
    assert _due_ms(desk) == 5_000 + BRIDGE_AGAIN_MS
    bridging.restart(desk)
    bridging.owes(6_000, 6_000, desk)
    assert _due_ms(desk) == 6_000 + BRIDGE_AFTER_MS


def test_not_while_paused() -> None:
    """A paused agent owes no sound yet: it looks again soon."""
    desk, bridging = Desk(plan()), Bridging()
    desk.pause_speaking(Pause.OVERLAP)
    bridging.due(desk, 5_000)
    assert _due_ms(desk) == 5_000 + BRIDGE_PAUSED_MS
    assert not any(isinstance(command, PlayStored) for command in desk.take_commands())
