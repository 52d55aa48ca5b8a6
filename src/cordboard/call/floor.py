"""Who holds the right to speak, as a table."""

from __future__ import annotations

from enum import StrEnum


class Floor(StrEnum):
    """Who is speaking now."""

    NOBODY = "nobody"
    CALLER = "caller"
    AGENT = "agent"
    BOTH = "both"


class FloorStep(StrEnum):
    """What moves the floor."""

    CALLER_STARTS = "caller_starts"
    CALLER_STOPS = "caller_stops"
    AGENT_STARTS = "agent_starts"
    AGENT_STOPS = "agent_stops"


TRANSITIONS: dict[tuple[Floor, FloorStep], Floor] = {
    (Floor.NOBODY, FloorStep.CALLER_STARTS): Floor.CALLER,
    (Floor.NOBODY, FloorStep.CALLER_STOPS): Floor.NOBODY,
    (Floor.NOBODY, FloorStep.AGENT_STARTS): Floor.AGENT,
    (Floor.NOBODY, FloorStep.AGENT_STOPS): Floor.NOBODY,
    (Floor.CALLER, FloorStep.CALLER_STARTS): Floor.CALLER,
    (Floor.CALLER, FloorStep.CALLER_STOPS): Floor.NOBODY,
    (Floor.CALLER, FloorStep.AGENT_STARTS): Floor.BOTH,
    (Floor.CALLER, FloorStep.AGENT_STOPS): Floor.CALLER,
    (Floor.AGENT, FloorStep.CALLER_STARTS): Floor.BOTH,
    (Floor.AGENT, FloorStep.CALLER_STOPS): Floor.AGENT,
    (Floor.AGENT, FloorStep.AGENT_STARTS): Floor.AGENT,
    (Floor.AGENT, FloorStep.AGENT_STOPS): Floor.NOBODY,
    (Floor.BOTH, FloorStep.CALLER_STARTS): Floor.BOTH,
    (Floor.BOTH, FloorStep.CALLER_STOPS): Floor.AGENT,
    (Floor.BOTH, FloorStep.AGENT_STARTS): Floor.BOTH,
    (Floor.BOTH, FloorStep.AGENT_STOPS): Floor.CALLER,
}


def step(floor: Floor, taken: FloorStep) -> Floor:
    """Return who speaks after this step; every pair is in the table."""
    return TRANSITIONS[floor, taken]
