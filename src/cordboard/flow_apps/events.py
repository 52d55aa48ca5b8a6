"""Events of a call in the flow protocol's form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cordboard.call.flow.plan import FlowPlan
from cordboard.flowapp import FlowSession
from cordboard.flowapp.events import EVENT
from cordboard.ports import Direction, NewCall

SOCKET_ONLY: Final = frozenset({"user_speech_started"})
"""Events that are told to apps with a WebSocket, and never posted."""


_EXTENSION_DIGITS_MAX: Final = 6


class EventWriter:
    """Writes the events of one call."""

    def __init__(self, call: NewCall, plan: FlowPlan) -> None:
        outbound = call.direction is Direction.OUTBOUND
        written = _digits if plan.digits_only else _international
        numbers = [written(number) for number in (call.from_number, call.to_number)]
        # The protocol's own examples: of an outbound call it is the recipient's number too.
        self._session = FlowSession(
            id=call.call_id,
            account_id=call.organisation_id,
            phone_number=numbers[1],
            direction="outbound" if outbound else "inbound",
            from_phone_number=numbers[0],
            to_phone_number=numbers[1],
        )

    def write(self, kind: str, content: Mapping[str, object]) -> bytes:
        """Return an event as JSON; fields that its kind does not have are left out."""
        values: dict[str, Any] = {"type": kind, "session": self._session, **content}
        event = EVENT.validate_python(values)
        return event.model_dump_json(exclude_none=True).encode()


def _digits(number: str) -> str:
    return number.removeprefix("+")


def _international(number: str) -> str:
    """Return a stored number with its plus; extensions and names stay as they are."""
    if number.isascii() and number.isdigit() and len(number) > _EXTENSION_DIGITS_MAX:
        return f"+{number}"
    return number
