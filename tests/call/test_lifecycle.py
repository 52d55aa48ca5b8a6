"""The states of a leg."""

from __future__ import annotations

import pytest

from cordboard.call.lifecycle import (
    IGNORED,
    TRANSITIONS,
    InvalidState,
    LegState,
    LegStep,
    Lifecycle,
)

PAIRS = [(state, step) for state in LegState for step in LegStep]


@pytest.mark.parametrize(("state", "step"), PAIRS)
def test_every_pair_is_decided(state: LegState, step: LegStep) -> None:
    """Every pair is a transition, ignored, or a mistake of ours: exactly one of the three."""
    lifecycle = Lifecycle()
    lifecycle.state = state
    if (state, step) in TRANSITIONS:
        assert (state, step) not in IGNORED
        assert lifecycle.step(step)
        assert lifecycle.state is TRANSITIONS[state, step]
    elif (state, step) in IGNORED:
        assert not lifecycle.step(step)
        assert lifecycle.state is state
    else:
        with pytest.raises(InvalidState):
            lifecycle.step(step)
        assert lifecycle.state is state


_BEGUN = (
    *(LegState.OFFERED, LegState.DIALLING, LegState.RINGING),
    *(LegState.ANSWERED, LegState.HELD),
)


def test_what_only_we_can_get_wrong() -> None:
    """Only a beginning of a leg that exists, ringing of one that we do not call, and steps of a
    leg that never began are our mistakes.
    """
    wrong = {pair for pair in PAIRS if pair not in TRANSITIONS and pair not in IGNORED}
    assert wrong == {
        (LegState.NEW, LegStep.ANSWER),
        (LegState.NEW, LegStep.HOLD),
        (LegState.NEW, LegStep.RESUME),
        (LegState.NEW, LegStep.RING),
        (LegState.OFFERED, LegStep.RING),
        *((state, step) for state in _BEGUN for step in (LegStep.OFFER, LegStep.DIAL)),
    }


@pytest.mark.parametrize("state", LegState)
def test_every_state_can_end(state: LegState) -> None:
    """Whatever the state, the end of the leg leads to its last state, and so does a release."""
    lifecycle = Lifecycle()
    lifecycle.state = state
    lifecycle.step(LegStep.RELEASE)
    lifecycle.step(LegStep.END)
    assert lifecycle.state is LegState.ENDED
    assert lifecycle.is_over


@pytest.mark.parametrize(
    ("state", "has_sound", "is_up", "is_over"),
    [
        (LegState.NEW, False, False, False),
        (LegState.OFFERED, False, False, False),
        (LegState.DIALLING, False, False, False),
        (LegState.RINGING, False, False, False),
        (LegState.ANSWERED, True, True, False),
        (LegState.HELD, False, True, False),
        (LegState.ENDING, False, False, True),
        (LegState.ENDED, False, False, True),
    ],
)
def test_what_a_state_means(state: LegState, has_sound: bool, is_up: bool, is_over: bool) -> None:
    """Sound flows only in an answered call; one on hold is still up."""
    lifecycle = Lifecycle()
    lifecycle.state = state
    assert (lifecycle.has_sound, lifecycle.is_up, lifecycle.is_over) == (has_sound, is_up, is_over)
