"""The states of a leg, as a table."""

from __future__ import annotations

from enum import StrEnum


class LegState(StrEnum):
    """How far a leg has come."""

    NEW = "new"
    OFFERED = "offered"
    DIALLING = "dialling"
    RINGING = "ringing"
    ANSWERED = "answered"
    HELD = "held"
    ENDING = "ending"
    ENDED = "ended"


class LegStep(StrEnum):
    """What moves a leg from one state to another."""

    OFFER = "offer"
    DIAL = "dial"
    RING = "ring"
    ANSWER = "answer"
    HOLD = "hold"
    RESUME = "resume"
    RELEASE = "release"
    END = "end"


TRANSITIONS: dict[tuple[LegState, LegStep], LegState] = {
    (LegState.NEW, LegStep.OFFER): LegState.OFFERED,
    (LegState.NEW, LegStep.RELEASE): LegState.ENDED,
    (LegState.NEW, LegStep.END): LegState.ENDED,
    (LegState.NEW, LegStep.DIAL): LegState.DIALLING,
    (LegState.DIALLING, LegStep.RING): LegState.RINGING,
    (LegState.DIALLING, LegStep.ANSWER): LegState.ANSWERED,
    (LegState.DIALLING, LegStep.RELEASE): LegState.ENDING,
    (LegState.DIALLING, LegStep.END): LegState.ENDED,
    (LegState.RINGING, LegStep.ANSWER): LegState.ANSWERED,
    (LegState.RINGING, LegStep.RELEASE): LegState.ENDING,
    (LegState.RINGING, LegStep.END): LegState.ENDED,
    (LegState.OFFERED, LegStep.ANSWER): LegState.ANSWERED,
    (LegState.OFFERED, LegStep.RELEASE): LegState.ENDING,
    (LegState.OFFERED, LegStep.END): LegState.ENDED,
    (LegState.ANSWERED, LegStep.HOLD): LegState.HELD,
    (LegState.ANSWERED, LegStep.RELEASE): LegState.ENDING,
    (LegState.ANSWERED, LegStep.END): LegState.ENDED,
    (LegState.HELD, LegStep.RESUME): LegState.ANSWERED,
    (LegState.HELD, LegStep.RELEASE): LegState.ENDING,
    (LegState.HELD, LegStep.END): LegState.ENDED,
    (LegState.ENDING, LegStep.END): LegState.ENDED,
}

# A peer may repeat itself, and its words cross ours on the wire: these change nothing.
IGNORED: frozenset[tuple[LegState, LegStep]] = frozenset(
    {
        (LegState.DIALLING, LegStep.HOLD),
        (LegState.DIALLING, LegStep.RESUME),
        (LegState.RINGING, LegStep.RING),
        (LegState.RINGING, LegStep.HOLD),
        (LegState.RINGING, LegStep.RESUME),
        (LegState.ANSWERED, LegStep.RING),
        (LegState.HELD, LegStep.RING),
        (LegState.ANSWERED, LegStep.ANSWER),
        (LegState.ANSWERED, LegStep.RESUME),
        (LegState.HELD, LegStep.ANSWER),
        (LegState.HELD, LegStep.HOLD),
        (LegState.OFFERED, LegStep.HOLD),
        (LegState.OFFERED, LegStep.RESUME),
        *((LegState.ENDING, step) for step in LegStep if step is not LegStep.END),
        *((LegState.ENDED, step) for step in LegStep),
    }
)


class InvalidState(Exception):
    """We, not a peer, asked for a step that the table does not have."""


class Lifecycle:
    """The state of one leg."""

    def __init__(self) -> None:
        self.state = LegState.NEW

    def step(self, step: LegStep) -> bool:
        """Take a step; False where the table ignores it. Raises ``InvalidState`` where it has no
        entry.
        """
        after = TRANSITIONS.get((self.state, step))
        if after is not None:
            self.state = after
            return True
        if (self.state, step) in IGNORED:
            return False
        raise InvalidState(f"{step} in state {self.state}")

    @property
    def has_sound(self) -> bool:
        """Whether sound flows both ways."""
        return self.state is LegState.ANSWERED

    @property
    def is_up(self) -> bool:
        """Whether the call has been answered and goes on, on hold or not."""
        return self.state in (LegState.ANSWERED, LegState.HELD)

    @property
    def is_over(self) -> bool:
        """Whether the leg is ending or gone."""
        return self.state in (LegState.ENDING, LegState.ENDED)
