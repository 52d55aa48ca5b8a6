"""What a SIP call is once it is up, whoever placed it: sound, digits, changes, its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from cordboard.call.events import LegEndedBy
from cordboard.media.codec import Codec
from cordboard.ports import LegSink
from cordboard.sip.dialog import DialogRecord
from cordboard.sip.events import (
    CallEnded,
    DialogChanged,
    DigitPressed,
    EndedBy,
    ReinviteConfirmed,
    ReinviteReceived,
    RequestAnswered,
    SipEvent,
    TransferProgressed,
)
from cordboard.telephony.sip.endpoint import SipEndpoint
from cordboard.telephony.sip.leg_media import LegMedia
from cordboard.telephony.sip.media_choice import MediaRefused
from cordboard.telephony.sip.reference import NotReferred, Reference


class ConnectedLeg:
    """The half of a leg that does not depend on who called whom.

    ``handle`` is the call's name at the user agent, empty until there is one.
    """

    def __init__(
        self,
        endpoint: SipEndpoint,
        media: LegMedia,
        changed: Callable[[DialogRecord], None],
        handle: str = "",
    ) -> None:
        self._endpoint = endpoint
        self._media = media
        self._changed = changed
        self._handle = handle
        self._sink: LegSink | None = None
        self._ended: tuple[LegEndedBy, str] | None = None
        self._reference: Reference | None = None

    @property
    def codec(self) -> Codec:
        """The encoding of both directions."""
        return self._media.choice.codec

    @property
    def dialog(self) -> Mapping[str, object]:
        """What ends the dialog after a crash."""
        return self._endpoint.agent.calls.dialog(self._handle) or {}

    def close(self) -> None:
        """Free the port without a word to the far end."""
        self._media.stream.close()

    def start(self, sink: LegSink) -> None:
        """Name the sink."""
        self._sink = sink
        if self._ended is not None:
            sink.ended(*self._ended)

    async def end(self) -> None:
        """Hang up, whatever the state; frees the port. The last sound sent is let arrive first."""
        try:
            if self._ended is None:
                await asyncio.sleep(self._media.stream.tail_ms / 1_000)
        finally:
            self._hang_up()

    def _hang_up(self) -> None:
        self._media.stream.close()
        self._endpoint.agent.calls.hang_up(self._handle, self._endpoint.now_ms)
        self._endpoint.pump()

    def play(self, payload: bytes) -> None:
        """Queue sound."""
        if self._media.stream.sender is not None:
            self._media.stream.sender.queue.play(payload)

    def mark(self, mark: str) -> None:
        """Ask to be told when all queued so far has been played."""
        if self._media.stream.sender is not None:
            self._media.stream.sender.queue.mark(mark)

    def clear(self) -> int:
        """Drop queued sound; return how many milliseconds were not sent."""
        sender = self._media.stream.sender
        return 0 if sender is None else sender.queue.clear()

    def send_digits(self, request_id: str, digits: str) -> None:
        """Send digits after the queued sound."""
        sender = self._media.stream.sender
        failure = "no media" if sender is None else sender.send_digits(request_id, digits)
        if failure is not None and self._sink is not None:
            self._sink.digits_sent(request_id, failure)

    def sip_event(self, event: SipEvent) -> None:
        """Take an event of the user agent."""
        match event:
            case CallEnded():
                self._end(event)
            case ReinviteReceived(sdp_offer=offer):
                self._reinvited(offer)
            case ReinviteConfirmed(sdp_answer=answer):
                if answer is not None:
                    self._change(answer)
            case DigitPressed(digit=digit):
                if self._media.stream.receiver is not None:
                    self._media.stream.receiver.info_digit(digit, self._endpoint.now_ms)
            case DialogChanged(dialog=dialog):
                self._changed(dialog)
            case RequestAnswered() | TransferProgressed() if self._reference is not None:
                self._reference.sip_event(event)
            case _:
                pass

    async def refer(self, target: str) -> None:
        """Ask the far end to call ``target``, a SIP URI, in our place; returns once it has.

        Raises ``NotReferred`` where it does not do that, and ``DialFailed`` where nobody answered.
        """
        requests, now_ms = self._endpoint.agent.requests, self._endpoint.now_ms
        self._reference = Reference()
        if self._ended is not None or not requests.refer(self._handle, target, now_ms):
            raise NotReferred("the call is not in a state to be transferred")
        self._endpoint.pump()
        await self._reference.outcome()

    def _end(self, event: CallEnded) -> None:
        self._media.stream.close()
        if self._reference is not None:
            self._reference.gone()
        by = {EndedBy.LOCAL: LegEndedBy.LOCAL, EndedBy.REMOTE: LegEndedBy.FAR_END}.get(
            event.by, LegEndedBy.FAILURE
        )
        cause = event.reason or event.by.value
        if event.by is EndedBy.REMOTE and event.status == 487:
            cause = "cancelled"
        self._ended = (by, cause)
        if self._sink is not None:
            self._sink.ended(by, cause)

    def _reinvited(self, offer: bytes | None) -> None:
        requests, now_ms = self._endpoint.agent.requests, self._endpoint.now_ms
        try:
            body = self._media.local_description() if offer is None else self._answer_change(offer)
        except MediaRefused:
            requests.reject_reinvite(self._handle, 488, now_ms)
        else:
            requests.answer_reinvite(self._handle, body, now_ms)

    def _answer_change(self, offer: bytes) -> bytes:
        before = self.codec
        self._media.take_offer(offer)
        self._tell_change(before)
        return self._media.local_description()

    def _change(self, answer: bytes) -> None:
        before = self.codec
        try:
            self._media.take_answer(answer)
        except MediaRefused:
            return
        self._tell_change(before)

    def _tell_change(self, before: Codec) -> None:
        if self._sink is None:
            return
        if self.codec != before:
            self._sink.codec_changed()
        self._sink.held(not self._media.stream.sending)
