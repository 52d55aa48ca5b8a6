"""What a carrier must offer: legs, and the clock they tick on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from cordboard.call.events import EndReason, LegEndedBy
from cordboard.media.codec import Codec
from cordboard.ports.records import NewCall


class LegSink(Protocol):
    """Where a leg delivers what comes from the far end. All calls are on the event loop and must
    return quickly.
    """

    def audio_received(self, payload: bytes) -> None:
        """Take one 20 ms frame in the leg's encoding, in order, gaps concealed; called once per
        media tick.
        """
        ...

    def mark_reached(self, mark: str) -> None:
        """Learn that everything sent before this mark has been played to the far end."""
        ...

    def digit_pressed(self, digit: str) -> None:
        """Learn of one key press, whichever way it came."""
        ...

    def digits_sent(self, request_id: str, failure: str | None) -> None:
        """Learn that digits have been sent, or why not."""
        ...

    def held(self, on: bool) -> None:
        """Learn that the far end put us on hold, or took us off."""
        ...

    def codec_changed(self) -> None:
        """Learn that ``Leg.codec`` is another one from now on."""
        ...

    def ended(self, by: LegEndedBy, cause: str) -> None:
        """Learn that the leg is gone. Called exactly once, also after our own ``end``."""
        ...


class Leg(Protocol):
    """One signalling-and-media connection with one far end.

    Sound is paced by the leg (or its carrier): ``play`` queues, ``mark`` reports when what was
    queued before it has been played, ``clear`` drops what has not been played yet.
    """

    @property
    def leg_id(self) -> str:
        """The identifier of this leg within the process."""
        ...

    @property
    def codec(self) -> Codec:
        """The encoding of both directions; settled before ``answer`` returns."""
        ...

    def start(self, sink: LegSink) -> None:
        """Name the sink. Called once, before anything else."""
        ...

    async def answer(self) -> None:
        """Answer the far end; returns when sound may flow. Raises ``LegFailed``."""
        ...

    async def refuse(self, status: int) -> None:
        """Refuse a leg that was offered."""
        ...

    async def end(self) -> None:
        """Release the far end at once, in whatever state; returns when the request has left."""
        ...

    def play(self, payload: bytes) -> None:
        """Queue sound in ``codec``'s encoding; any length, cut into frames by the leg."""
        ...

    def mark(self, mark: str) -> None:
        """Ask for ``LegSink.mark_reached`` once all sound queued so far has been played."""
        ...

    def clear(self) -> int:
        """Drop queued sound and pending marks; return how many milliseconds were not heard."""
        ...

    def send_digits(self, request_id: str, digits: str) -> None:
        """Send digits after the queued sound; ``LegSink.digits_sent`` tells the result."""
        ...


@runtime_checkable
class OutgoingLeg(Leg, Protocol):
    """A leg that we place; ``answer`` and ``refuse`` are not for it."""

    async def dial(self, ringing: Callable[[bool], None]) -> None:
        """Call the far end; returns when it has answered and sound may flow.

        ``ringing`` is told that it rings, and whether it plays something meanwhile. The leg itself
        sees to it that ringing ends. Raises ``DialFailed``.
        """
        ...


@dataclass(frozen=True, slots=True)
class HandedOver:
    """The far end has taken the caller to the target by itself.

    ``lets_go`` tells that our leg with it is to be ended now; else it ends by itself.
    """

    lets_go: bool


def _unheard(problem: str) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferWish:
    """To whom a caller is to be handed over, and how it looks there.

    Digits of ``number`` after ``,`` or ``w`` are sent once it has answered. ``caller_name`` and
    ``caller_number`` are shown to it as far as the carrier lets us; empty and None show our own
    number. ``rings_s`` None rings as long as usual. ``noted`` is told in words what of the wish is
    not met.
    """

    number: str
    caller_name: str = ""
    caller_number: str | None = None
    rings_s: int | None = None
    noted: Callable[[str], None] = _unheard


class TransferDesk(Protocol):
    """Where a call gets a leg to whom the caller is handed over."""

    async def leg(self, call: NewCall, leg: Leg, wish: TransferWish) -> OutgoingLeg | HandedOver:
        """Return a leg to the target, ready to be dialled and without a sink; or, once it is so,
        that the caller has been taken there without us. The dial policy has been asked.

        Raises ``DialFailed``.
        """
        ...


class LegFailed(Exception):
    """The far end could not be reached or went away while we answered; the text is the cause for
    the record.
    """


class DialFailed(LegFailed):
    """Nobody answered a call that we placed; ``reason`` None where we gave it up ourselves."""

    def __init__(self, cause: str, by: LegEndedBy, reason: EndReason | None) -> None:
        super().__init__(cause)
        self.by = by
        self.reason = reason


class MediaTicker(Protocol):
    """The one 20 ms clock of the process, to which legs register."""

    def add(self, tick: Callable[[int], None]) -> Callable[[], None]:
        """Have ``tick(now_ms)`` called once every 20 ms; returns the function that ends it."""
        ...
