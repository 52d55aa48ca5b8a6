"""Who holds the right to speak."""

from __future__ import annotations

import pytest

from cordboard.call.floor import TRANSITIONS, Floor, FloorStep, step

CALLER = {Floor.CALLER, Floor.BOTH}
AGENT = {Floor.AGENT, Floor.BOTH}


@pytest.mark.parametrize("floor", Floor)
@pytest.mark.parametrize("taken", FloorStep)
def test_every_pair_moves_one_side_only(floor: Floor, taken: FloorStep) -> None:
    """A step sets its own side to speaking or silent and leaves the other side as it was."""
    after = step(floor, taken)
    caller, agent = floor in CALLER, floor in AGENT
    if taken in (FloorStep.CALLER_STARTS, FloorStep.CALLER_STOPS):
        caller = taken is FloorStep.CALLER_STARTS
    else:
        agent = taken is FloorStep.AGENT_STARTS
    assert ((after in CALLER), (after in AGENT)) == (caller, agent)


def test_the_table_is_complete() -> None:
    """Every pair of floor and step has an entry."""
    assert set(TRANSITIONS) == {(floor, taken) for floor in Floor for taken in FloorStep}
