"""What goes over the wire and when the next step is due."""

from __future__ import annotations

from dataclasses import dataclass

Address = tuple[str, int]
"""Host (an IP literal, unless a caller of ``invite`` says otherwise) and port."""

MAX_DATAGRAM_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class OutgoingDatagram:
    """One datagram to send."""

    payload: bytes
    destination: Address


@dataclass(frozen=True, slots=True)
class Deadline:
    """The next moment at which ``handle_deadline`` has something to do, and what for."""

    at_ms: int
    reason: str
