"""A SIP call that we place, as a leg: INVITE, ringing, early sound, and how it comes to nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cordboard.call.events import EndReason, LegEndedBy
from cordboard.ports import DialFailed
from cordboard.sip.dialog import DialogRecord
from cordboard.sip.events import (
    CallAnswered,
    CallEnded,
    CallProgressed,
    DialogChanged,
    EndedBy,
    SipEvent,
)
from cordboard.sip.fields import BadField
from cordboard.sip.uac import RINGING_LIMIT, SILENCE
from cordboard.telephony.sip.connected import ConnectedLeg
from cordboard.telephony.sip.endpoint import SipEndpoint
from cordboard.telephony.sip.hops import SILENCE_MS, DialForbidden, DialLater, Hop, Hops
from cordboard.telephony.sip.leg_media import LegMedia
from cordboard.telephony.sip.media_choice import MediaRefused
from cordboard.telephony.sip.outcomes import reason_of
from cordboard.telephony.sip.route import Route
from cordboard.telephony.sip.stream import RtpHost

DIGIT_PAUSES_S: Mapping[str, float] = {",": 1.0, "w": 0.5, "W": 1.0}
ACK_HELD_S = 1.0
"""So long an answer may wait for the store before it is acknowledged all the same."""

DIGIT_S = 0.2
"""So long a digit takes with the silence behind it."""

LATER_MAX_MS = 300_000
RECORD_WAIT_S = 2.0


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
        save: Callable[[Mapping[str, object]], Awaitable[None]],
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
        self._call.ringing = ringing
        answered = False
        try:
            await self._place()
            answered = True
        except DialFailed:
            self.close()
            raise
        finally:
            if not answered:
                self._route.over(0)
        await self._acknowledge()
        await self._dial_on()

    async def _place(self) -> None:
        """Try one place after another until somebody answers."""
        hop, attempt = self._route.first, 0
        hops = Hops(hop, self._route.follow, self._route.dead)
        while True:
            await self._try(hop, attempt)
            call = self._call
            if call.failure is None:
                return
            following = None
            if call.ended is not None and not call.given_up:
                following = await hops.after(hop, call.ended, silent=self._is_silent())
            if following is None or self._endpoint.now_ms >= call.until_ms:
                raise _last_word(call.failure, call.ended, hops)
            hop, attempt = following, attempt + 1
            self._call = call.afresh()
            self._media.moved(hop.destination)

    async def _try(self, hop: Hop, attempt: int) -> None:
        """Send one INVITE and wait for its outcome."""
        number = await self._permitted(hop)
        if attempt:
            await self._put_on_record(self._route.record(number, hop, attempt))
            number = await self._permitted(hop)
        # Nothing may come between this decision and the wire.
        call, now_ms = self._call, self._endpoint.now_ms
        invitation = self._route.invitation(number, self._offer, hop, attempt)
        call.until_ms = call.until_ms or now_ms + invitation.ring_limit_ms
        limited = replace(invitation, ring_limit_ms=max(1, call.until_ms - now_ms))
        try:
            self._handle = self._endpoint.agent.calls.invite(limited, now_ms)
        except BadField as bad:
            raise DialFailed(str(bad), LegEndedBy.LOCAL, EndReason.DIAL_REFUSED) from bad
        self._endpoint.listen(self._handle, self)
        self._endpoint.pump()
        if hop.others:
            await self._wait_for_a_sign()
        await call.settled.wait()

    async def _wait_for_a_sign(self) -> None:
        """Let an address go that says nothing, since there is another one."""
        calls, call = self._endpoint.agent.calls, self._call
        try:
            async with asyncio.timeout(SILENCE_MS / 1_000):
                await call.settled.wait()
        except TimeoutError:
            call.abandoned = calls.abandon(self._handle, self._endpoint.now_ms)
            self._endpoint.pump()

    async def _permitted(self, hop: Hop) -> str:
        """Return what to dial, as soon as it may be dialled; in the same step where it may now."""
        waited_ms = 0
        while True:
            if self._call.given_up:
                raise DialFailed("cancelled", LegEndedBy.LOCAL, None)
            try:
                return hop.permit()
            except DialLater as later:
                if waited_ms >= LATER_MAX_MS:
                    raise DialFailed(
                        "too many calls wait for their turn",
                        *(LegEndedBy.LOCAL, EndReason.DIAL_REFUSED),
                    ) from later
                waited_ms += later.wait_ms
                await asyncio.sleep(later.wait_ms / 1_000)
            except DialForbidden as refusal:
                raise DialFailed(
                    str(refusal), LegEndedBy.LOCAL, EndReason.DIAL_REFUSED
                ) from refusal

    async def _put_on_record(self, record: Mapping[str, object]) -> None:
        """Have the next INVITE on record before it is sent, so that a crash can take it back."""
        try:
            async with asyncio.timeout(RECORD_WAIT_S):
                await self._save(record)
        except TimeoutError as away:
            raise DialFailed(
                "the next attempt could not be put on record",
                *(LegEndedBy.LOCAL, EndReason.CARRIER_FAILED),
            ) from away

    def _is_silent(self) -> bool:
        """Tell whether the last INVITE got no answer of any kind."""
        call, ended = self._call, self._call.ended
        if call.abandoned or ended is None:
            return call.abandoned
        return ended.by is EndedBy.TIMEOUT and not call.rang and ended.reason != RINGING_LIMIT

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
        if event.handle != self._handle:
            return  # of an INVITE that was let go
        match event:
            case CallProgressed(status=status, sdp=sdp):
                self._progressed(status, sdp)
            case DialogChanged(dialog=dialog) if not self._call.settled.is_set():
                self._call.dialog = dialog
            case CallAnswered(sdp_answer=answer):
                self._answered(answer)
            case CallEnded() if not self._call.settled.is_set():
                self._call.ended = event
                self._fail(_failure(event, rang=self._call.rang))
            case CallEnded() if self._call.failure is not None:
                pass  # told by ``dial``, with its own reason
            case CallEnded():
                self._route.over(self._endpoint.now_ms - self._call.answered_ms)
                super().sip_event(event)
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
        self._call.answered_ms = self._endpoint.now_ms
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
    ended: CallEnded | None = None
    abandoned: bool = False
    until_ms: int = 0
    answered_ms: int = 0

    def afresh(self) -> _Outgoing:
        """Return the beginning of the next attempt."""
        return _Outgoing(ringing=self.ringing, given_up=self.given_up, until_ms=self.until_ms)


def _last_word(failure: DialFailed, ended: CallEnded | None, hops: Hops) -> DialFailed:
    """Return why the call failed, with what became of its redirections."""
    if not hops.refusals or ended is None or not 300 <= ended.status <= 399:
        return failure
    why = f"{failure}: {hops.refusals[-1]}"
    reason = EndReason.DIAL_REFUSED if hops.forbidden else failure.reason
    return DialFailed(why, failure.by, reason)


def _failure(event: CallEnded, *, rang: bool) -> DialFailed:
    """Tell from how an INVITE ended why nobody answered it."""
    if event.by is EndedBy.LOCAL and event.reason == SILENCE:
        return DialFailed(SILENCE, LegEndedBy.FAILURE, EndReason.UNREACHABLE)
    if event.by is EndedBy.LOCAL:
        return DialFailed("cancelled", LegEndedBy.LOCAL, None)
    cause = f"{event.status} {event.reason}".strip()
    if event.by is not EndedBy.REMOTE:
        # No provisional answer either: nobody was there to ring.
        reason = EndReason.NO_ANSWER if rang else EndReason.UNREACHABLE
        return DialFailed(cause, LegEndedBy.FAILURE, reason)
    return DialFailed(cause, *reason_of(event.status))
