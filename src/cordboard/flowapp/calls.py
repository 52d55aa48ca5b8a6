"""The calls that an app has, each with its state."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from cordboard.flowapp.answers import Answer, Wire, wire_actions
from cordboard.flowapp.events import FlowSession

S = TypeVar("S")
Send = Callable[[Sequence[Wire]], Awaitable[None]]

CALLS_MAX = 10_000
"""So many calls are remembered. One more lets go of the one that was heard of longest ago: its end
was lost, as when a server dies.
"""


class CannotSend(Exception):
    """There is no WebSocket to send an action on: the call came by webhook, is over, or its socket
    is gone.
    """


class FlowCall(Generic[S]):
    """One call, from its ``session_start`` to its ``session_end``.

    ``state`` is the app's own, made anew for each call. ``came_back`` tells that a transfer has
    failed and the caller is with the app again.
    """

    def __init__(self, session: FlowSession, state: S) -> None:
        self.session = session
        self.state = state
        self.came_back = False
        self.has_begun = False
        self.turn = asyncio.Lock()
        self.socket: Send | None = None

    @property
    def id(self) -> str:
        """The session's id, the same on all events of this call."""
        return self.session.id

    async def send(self, answer: Answer) -> None:
        """Have something done now, without an event that asks: an action, a text to speak, or
        several.

        Raises ``CannotSend`` where the call has no WebSocket, ``TypeError`` for what is no action.
        """
        if self.socket is None:
            raise CannotSend(f"call {self.id} has no WebSocket")
        await self.socket(wire_actions(answer, self.id))


class FlowCalls(Generic[S]):
    """Calls by their session's id."""

    def __init__(self, new_state: Callable[[], S], most: int = CALLS_MAX) -> None:
        self._new_state = new_state
        self._most = most
        self._calls: OrderedDict[str, FlowCall[S]] = OrderedDict()

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._calls)

    def of(self, session: FlowSession) -> FlowCall[S]:
        """Return the call of an event, made where it is new."""
        call = self._calls.get(session.id)
        if call is None:
            call = self._calls[session.id] = FlowCall(session, self._new_state())
            if len(self._calls) > self._most:
                self._calls.popitem(last=False)
        self._calls.move_to_end(session.id)
        call.session = session
        return call

    def get(self, session_id: str) -> FlowCall[S] | None:
        """Return a call that is not over."""
        return self._calls.get(session_id)

    def forget(self, session_id: str) -> None:
        """Let go of a call that is over."""
        call = self._calls.pop(session_id, None)
        if call is not None:
            call.socket = None
