"""A SIP call that we place, as a leg: INVITE, ringing, early sound, and how it comes to nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cordboard.call.events import EndReason, LegEndedBy
from cordboard.ports import DialFailed
from cordboard.sip.datagram import Address
from cordboard.sip.dialog import DialogRecord
from cordboard.sip.digest import Credentials
from cordboard.sip.events import (
    CallAnswered,
    CallEnded,
    CallProgressed,
    DialogChanged,
    EndedBy,
    SipEvent,
)
from cordboard.sip.fields import BadField
from cordboard.sip.uac import Invitation, InvitationNames
from cordboard.telephony.sip.connected import ConnectedLeg
from cordboard.telephony.sip.endpoint import SipEndpoint
from cordboard.telephony.sip.leg_media import LegMedia
from cordboard.telephony.sip.media_choice import MediaRefused
from cordboard.telephony.sip.stream import RtpHost

DIGIT_PAUSES_S: Mapping[str, float] = {",": 1.0, "w": 0.5, "W": 1.0}
ACK_HELD_S = 1.0
"""So long an answer may wait for the store before it is acknowledged all the same."""

DIGIT_S = 0.2
"""So long a digit takes with the silence behind it."""

RING_LIMIT_MAX_MS = 600_000

_REASONS = {
    **dict.fromkeys((486, 600), EndReason.BUSY),
    **dict.fromkeys((408, 480, 487), EndReason.NO_ANSWER),
    **dict.fromkeys((403, 433, 603, 607, 608), EndReason.REJECTED),
    **dict.fromkeys((401, 407), EndReason.CARRIER_FAILED),
}


class DialForbidden(Exception):
    """The dial policy says no at the last moment; the text is for the record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where a call goes and as whom.

    ``permit`` is asked right before each INVITE is made and returns the user part to dial, or
    raises ``DialForbidden``. ``host`` is what Request-URI and To name, ``digits`` are sent after
    the answer, with ``,`` and ``w`` as pauses.
    """

    destination: Address
    host: str
    sender: str
    sender_host: str
    permit: Callable[[], str]
    names: InvitationNames
    credentials: Credentials | None = None
    ring_limit_ms: int = 60_000
    digits: str = ""

    def invitation(self, number: str, sdp: bytes = b"") -> Invitation:
        """Return the INVITE to ``number``."""
        return Invitation(
            target=f"sip:{number}@{self.host}",
            sender=f"sip:{self.sender}@{self.sender_host}",
            destination=self.destination,
            sdp=sdp,
            credentials=self.credentials,
            ring_limit_ms=min(self.ring_limit_ms, RING_LIMIT_MAX_MS),
            names=self.names,
            holds_ack=True,
        )

    def record(self, number: str) -> dict[str, object]:
        """Return what gives the call up after a crash; ``lost_invitation`` reads it."""
        invitation = self.invitation(number)
        return {
            "invitation": {
                "target": invitation.target,
                "sender": invitation.sender,
                "host": self.destination[0],
                "port": self.destination[1],
                "call_id": self.names.call_id,
                "local_tag": self.names.local_tag,
                "branch": self.names.branch,
                "has_credentials": self.credentials is not None,
            }
        }


def lost_invitation(record: Mapping[str, object]) -> tuple[Invitation, bool] | None:
    """Read ``Route.record``: the invitation, and whether it may have been sent with credentials.

    None where the record is a dialog's. Raises ``BadField`` where it is neither.
    """
    kept = record.get("invitation")
    if kept is None:
        return None
    try:
        assert isinstance(kept, Mapping)
        texts = {name: str(kept[name]) for name in ("call_id", "local_tag", "branch")}
        return (
            Invitation(
                target=str(kept["target"]),
                sender=str(kept["sender"]),
                destination=(str(kept["host"]), int(str(kept["port"]))),
                sdp=b"",
                names=InvitationNames(**texts),
            ),
            bool(kept["has_credentials"]),
        )
    except (AssertionError, KeyError, ValueError) as error:
        raise BadField(f"invitation record: {error}") from error


class OutgoingSipLeg(ConnectedLeg):
    """``ports.OutgoingLeg`` over SIP. ``prepare`` opens the port; then ``dial`` may be called."""

    def __init__(
        self,
        leg_id: str,
        endpoint: SipEndpoint,
        host: RtpHost,
        preference: Sequence[str],
        route: Route,
        changed: Callable[[DialogRecord], None],
        save: Callable[[DialogRecord], Awaitable[None]],
    ) -> None:
        super().__init__(endpoint, LegMedia(host, tuple(preference), route.destination), changed)
        self._save = save
        self._leg_id = leg_id
        self._route = route
        self._offer = b""
        self._call = _Outgoing()

    @property
    def leg_id(self) -> str:
        """The leg's own name, chosen before it had a handle at the user agent."""
        return self._leg_id

    async def prepare(self) -> None:
        """Open the port. Raises ``NoPortLeft``."""
        self._offer = await self._media.offer()

    async def answer(self) -> None:
        """Not for a call that we place."""
        raise AssertionError("a call that we place is dialled")

    async def refuse(self, status: int) -> None:
        """Give the call up: there is nothing to be refused."""
        await self.end()

    async def dial(self, ringing: Callable[[bool], None]) -> None:
        """Place the call. Raises ``DialFailed``."""
        call = self._call
        call.ringing = ringing
        if call.given_up:
            raise DialFailed("cancelled", LegEndedBy.LOCAL, None)
        try:
            number = self._route.permit()
            # Nothing may come between this decision and the wire.
            invitation = self._route.invitation(number, self._offer)
            self._handle = self._endpoint.agent.calls.invite(invitation, self._endpoint.now_ms)
        except (DialForbidden, BadField) as refusal:
            self.close()
            raise DialFailed(str(refusal), LegEndedBy.LOCAL, EndReason.DIAL_REFUSED) from refusal
        self._endpoint.listen(self._handle, self)
        self._endpoint.pump()
        await call.settled.wait()
        if call.failure is not None:
            raise call.failure
        await self._acknowledge()
        await self._dial_on()

    async def end(self) -> None:
        """Give up or hang up, whatever the state; frees the port."""
        self._call.given_up = True
        if self._handle:
            await super().end()
            return
        self.close()
        self._call.settled.set()

    def sip_event(self, event: SipEvent) -> None:
        """Take an event of the user agent."""
        match event:
            case CallProgressed(status=status, sdp=sdp):
                self._progressed(status, sdp)
            case DialogChanged(dialog=dialog) if not self._call.settled.is_set():
                self._call.dialog = dialog
            case CallAnswered(sdp_answer=answer):
                self._answered(answer)
            case CallEnded() if not self._call.settled.is_set():
                self.close()
                self._fail(_failure(event, rang=self._call.rang))
            case _:
                super().sip_event(event)

    def _progressed(self, status: int, early: bytes | None) -> None:
        """Take a provisional answer; its sound is received, and is no answer."""
        if early is not None and not self._call.settled.is_set():
            try:
                self._media.take_answer(early)
            except MediaRefused:
                early = None
            else:
                self._call.early = True
                if self._sink is not None:
                    self._media.stream.start(self._sink)
        self._call.rang = True
        if status >= 180:
            self._call.ringing(early is not None or self._call.early)

    def _answered(self, answer: bytes | None) -> None:
        if self._call.settled.is_set():
            return
        try:
            if answer is not None:
                self._media.take_answer(answer)
            elif not self._call.early:
                raise MediaRefused("no session description")
        except MediaRefused as refused:
            self._fail(DialFailed(f"media: {refused}", LegEndedBy.LOCAL, EndReason.CARRIER_FAILED))
            self._media.stream.close()
            self._endpoint.agent.calls.hang_up(self._handle, self._endpoint.now_ms)
            return
        if self._sink is not None:
            self._media.stream.start(self._sink)
        self._call.settled.set()

    def _fail(self, failure: DialFailed) -> None:
        self._call.failure = failure
        self._call.settled.set()

    async def _acknowledge(self) -> None:
        """Have the dialog stored, then acknowledge the answer, the store's failure aside.

        Whoever restarts us in between still gets the answer's repetitions, and hangs up on them.
        """
        try:
            if self._call.dialog is not None:
                async with asyncio.timeout(ACK_HELD_S):
                    await self._save(self._call.dialog)
        except TimeoutError:
            pass
        finally:
            self._endpoint.agent.calls.acknowledge(self._handle)
            self._endpoint.pump()

    async def _dial_on(self) -> None:
        """Send the digits that reach an extension, with their pauses, before anything is said."""
        for sign in self._route.digits:
            if self._ended is not None or self._call.given_up:
                return
            pause_s = DIGIT_PAUSES_S.get(sign)
            if pause_s is None:
                self.send_digits("extension", sign)
            await asyncio.sleep(pause_s or DIGIT_S)


@dataclass(slots=True)
class _Outgoing:
    """How far a call that we place has come."""

    settled: asyncio.Event = field(default_factory=asyncio.Event)
    ringing: Callable[[bool], None] = lambda early: None
    failure: DialFailed | None = None
    given_up: bool = False
    rang: bool = False
    early: bool = False
    dialog: DialogRecord | None = None


def _failure(event: CallEnded, *, rang: bool) -> DialFailed:
    """Tell from how an INVITE ended why nobody answered it."""
    if event.by is EndedBy.LOCAL:
        return DialFailed("cancelled", LegEndedBy.LOCAL, None)
    cause = f"{event.status} {event.reason}".strip()
    if event.by is not EndedBy.REMOTE:
        # No provisional answer either: nobody was there to ring.
        reason = EndReason.NO_ANSWER if rang else EndReason.UNREACHABLE
        return DialFailed(cause, LegEndedBy.FAILURE, reason)
    reason = _REASONS.get(event.status, EndReason.UNREACHABLE)
    if 500 <= event.status <= 599:
        reason = EndReason.CARRIER_FAILED
    return DialFailed(cause, LegEndedBy.FAR_END, reason)
