"""What the runner needs of the one who decides."""

from __future__ import annotations

from typing import Protocol

from cordboard.call.commands import Command, Deadline
from cordboard.call.events import Event


class Brain(Protocol):
    """``call.machine.Call``, as the runner sees it."""

    @property
    def ended(self) -> bool:
        """Whether the call is closed."""
        ...

    @property
    def transcript(self) -> str:
        """The conversation so far, as it is stored."""
        ...

    def next_deadline(self) -> Deadline | None:
        """Return when to call ``handle_deadline`` if nothing happens before."""
        ...

    def receive(self, event: Event, now_ms: int) -> list[Command]:
        """Take one event; return the commands that follow from it."""
        ...

    def handle_deadline(self, now_ms: int) -> list[Command]:
        """Take every deadline that has come; return the commands that follow."""
        ...
