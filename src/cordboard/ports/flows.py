"""What a way to users' apps, and a way to send text messages, must offer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from cordboard.call.events import Event
from cordboard.ports.records import NewCall


class AppLine(Protocol):
    """One call's way to its app."""

    def tell(
        self, event_id: str, kind: str, content: Mapping[str, object], *, answerable: bool
    ) -> None:
        """Send an event, in order. ``AppAnswered`` or ``AppFailed`` tells what came of one that is
        answerable.
        """
        ...

    def close(self) -> None:
        """Take back nothing: what has been told is still delivered, then all is freed."""
        ...


class FlowApps(Protocol):
    """Where flows' apps are reached."""

    def open(self, call: NewCall, post: Callable[[Event], None]) -> AppLine:
        """Begin with a call whose plan has a flow, while it rings; ``post`` takes what the app
        wants.
        """
        ...


class TextSender(Protocol):
    """A way to send text messages."""

    async def send(self, call: NewCall, number: str, text: str) -> str | None:
        """Hand a message on; return a class of failure, or None where it was taken. Raises only
        cancellation.
        """
        ...
