"""What stores of calls and recordings must offer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from cordboard.call.events import EndReason
from cordboard.call.plan import CallPlan
from cordboard.media.codec import Codec


class Recording(Protocol):
    """One call's recording, both sides, on one timeline."""

    def caller(self, payload: bytes) -> None:
        """Append 20 ms of the caller's sound."""
        ...

    def agent(self, payload: bytes) -> None:
        """Append 20 ms of what was sent to the caller."""
        ...

    async def close(self) -> bool:
        """Seal the file; True if it is readable."""
        ...


class RecordingSink(Protocol):
    """Where recordings go."""

    async def open(self, call_id: str, organisation_id: str, codec: Codec) -> Recording:
        """Begin a recording. Raises ``OSError`` when there is no room."""
        ...


class Direction(StrEnum):
    """Seen from us."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


@dataclass(frozen=True, slots=True)
class InboundPlan:
    """What a number that is called leads to.

    ``rest`` finishes a plan that somebody has to be asked for, within a deadline of its own.
    ``refusal`` says why no call is taken there now; None where calls are.
    """

    organisation_id: str
    number: str
    plan: CallPlan
    rest: Callable[[], Awaitable[InboundPlan]] | None = None
    refusal: str | None = None

    async def whole(self) -> InboundPlan:
        """Return the plan with nothing left to ask for; the far end may ring meanwhile."""
        return self if self.rest is None else await self.rest()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCall:
    """A call row as it is first written. ``dialog`` is the carrier's own form of what ends the leg
    after a crash; ``account_connection_id`` is the linked account that it came through.
    """

    call_id: str
    leg_id: str
    organisation_id: str
    direction: Direction
    from_number: str
    to_number: str
    carrier: str
    trunk_id: str | None
    carrier_handle: str
    dialog: Mapping[str, object]
    plan: CallPlan
    at: datetime
    account_connection_id: str | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """One entry of a call's timeline. ``at_ms`` counts from the answer, None before it."""

    sequence: int
    kind: str
    at: datetime
    at_ms: int | None
    content: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnding:
    """How a call ended, for its row."""

    reason: EndReason
    detail: str
    at: datetime
    transcript: str
    recording_available: bool


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call that was left open by an engine that died."""

    call_id: str
    leg_id: str
    organisation_id: str
    carrier: str
    dialog: Mapping[str, object] = field(default_factory=dict)


class CallStore(Protocol):
    """The engine's view of the database."""

    async def inbound_plan(
        self, trunk_id: str | None, number: str, from_number: str
    ) -> InboundPlan | None:
        """Turn a called number into a plan, or None when nobody answers there."""
        ...

    async def create_call(self, call: NewCall) -> None:
        """Write call and leg durably, before the carrier hears a 200 OK."""
        ...

    async def save_dialog(self, call_id: str, leg_id: str, dialog: Mapping[str, object]) -> None:
        """Replace what is needed to end the leg after a crash."""
        ...

    async def answered(self, call_id: str, at: datetime) -> None:
        """Mark the call as in progress."""
        ...

    def keep(self, call_id: str, fact: Fact) -> None:
        """Append to the timeline without waiting; written in order, in batches, from a bounded
        queue.
        """
        ...

    def keep_transcript(self, call_id: str, transcript: str) -> None:
        """Replace the transcript of a running call without waiting."""
        ...

    async def finish(self, call_id: str, ending: CallEnding) -> None:
        """Close the row, after all facts kept before; terminal once and for all."""
        ...

    async def open_calls(self, engine_id: str) -> Sequence[OpenCall]:
        """Return calls left open by dead engines (lease run out), now claimed by ``engine_id``."""
        ...
