"""Who answers the call: the agent, or a user's own flow. Both sit at the same desk."""

from __future__ import annotations

from typing import Protocol

from cordboard.call.desk import Desk
from cordboard.call.events import EndReason, Event
from cordboard.call.turns import CallerTurn


class Ear(Protocol):
    """What an operator that follows the caller closely hears before a turn is over."""

    def started(self, desk: Desk, now_ms: int) -> None:
        """The caller began to make sound."""
        ...

    def noise(self, desk: Desk, now_ms: int) -> None:
        """The caller's sound ended and has brought no words yet."""
        ...

    def pressed(self, digit: str, desk: Desk, now_ms: int) -> None:
        """The caller pressed a key."""
        ...


class Operator(Protocol):
    """Decides what is said and done; the machine decides when it may be."""

    def offered(self, desk: Desk) -> None:
        """Prepare, while the call is not answered yet."""
        ...

    def answered(self, desk: Desk, now_ms: int) -> None:
        """Begin: the far end hears us."""
        ...

    def turn_ended(self, turn: CallerTurn, desk: Desk, now_ms: int) -> None:
        """Answer the caller's turn; its words are in the transcript already."""
        ...

    def barged_in(self, desk: Desk, now_ms: int) -> None:
        """Give up what was about to be said or done; the caller has the floor."""
        ...

    def resumed(self, desk: Desk, now_ms: int) -> None:
        """The agent may go on where it was paused: the caller left it the floor, or is off hold."""
        ...

    def handle(self, event: Event, desk: Desk, now_ms: int) -> None:
        """Take an event of a reply, an action, or playout."""
        ...

    def deadline(self, reason: str, desk: Desk, now_ms: int) -> None:
        """Take a deadline that this operator set."""
        ...

    def hung_up(self, desk: Desk) -> None:
        """The leg is gone: stop making replies; what has been sent stays to be recorded."""
        ...

    @property
    def is_busy(self) -> bool:
        """Whether it has the turn: a reply or an action is under way."""
        ...

    @property
    def is_deaf(self) -> bool:
        """Whether the caller's words must wait until what is under way is over."""
        ...

    @property
    def ear(self) -> Ear | None:
        """What hears the caller at every moment, where the operator wants to; None to learn of
        whole turns alone, of keys as of words, and of nothing over words that cannot be cut off.
        """
        ...

    @property
    def has_unfinished_actions(self) -> bool:
        """Whether an action that has left still owes its outcome."""
        ...

    @property
    def end_reason(self) -> EndReason | None:
        """Why the call is to end as soon as everything queued has been heard; None while it goes
        on.
        """
        ...

    @property
    def end_detail(self) -> str:
        """What made ``end_reason`` necessary, for the record: a class of provider, or nothing."""
        ...
