"""One SIP call as a leg: signalling by the endpoint's user agent, sound by an RTP stream."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from cordboard.call.events import LegEndedBy
from cordboard.media.codec import Codec
from cordboard.ports import LegFailed, LegSink
from cordboard.sip import sdp
from cordboard.sip.datagram import Address
from cordboard.sip.dialog import DialogRecord
from cordboard.sip.events import (
    CallConfirmed,
    CallEnded,
    CallOffered,
    DialogChanged,
    DigitPressed,
    EndedBy,
    ReinviteConfirmed,
    ReinviteReceived,
    SipEvent,
)
from cordboard.sip.offer_answer import LocalMedia, make_answer, make_offer
from cordboard.telephony.sip.endpoint import SipEndpoint
from cordboard.telephony.sip.media_choice import (
    MediaChoice,
    MediaRefused,
    choose,
    offered_codecs,
)
from cordboard.telephony.sip.stream import RtpHost, RtpStream

ACK_WAIT_MS = 33_000
"""A little over 64 x T1 (RFC 3261 17.1.1.2): the user agent itself gives up before."""


class SipLeg:
    """An inbound call. Make it with ``offered``; codec and port are settled before the call is
    answered.
    """

    def __init__(
        self,
        endpoint: SipEndpoint,
        offer: CallOffered,
        host: RtpHost,
        preference: Sequence[str],
        changed: Callable[[DialogRecord], None],
    ) -> None:
        self._endpoint = endpoint
        self._offer = offer
        self._media = _MediaState(host, tuple(preference), offer.source)
        self._changed = changed
        self._sink: LegSink | None = None
        self._confirmed: asyncio.Event = asyncio.Event()
        self._ended: tuple[LegEndedBy, str] | None = None
        endpoint.listen(offer.handle, self)

    @property
    def leg_id(self) -> str:
        """The call's handle at the user agent."""
        return self._offer.handle

    @property
    def codec(self) -> Codec:
        """The encoding of both directions."""
        return self._media.choice.codec

    @property
    def dialog(self) -> Mapping[str, object]:
        """What ends the dialog after a crash."""
        return self._endpoint.agent.calls.dialog(self.leg_id) or {}

    async def prepare(self) -> None:
        """Settle codec and port.

        Raises ``MediaRefused`` (488), ``NoPortLeft`` (503) and ``LegFailed`` (the far end is gone).
        """
        await self._media.prepare(self._offer.sdp_offer)
        if self._ended is not None:
            self.close()
            raise LegFailed("cancelled")

    def close(self) -> None:
        """Free the port without a word to the far end."""
        self._media.stream.close()

    def ring(self) -> None:
        """Let the far end hear that it rings."""
        self._endpoint.agent.calls.ring(self.leg_id, self._endpoint.now_ms)
        self._endpoint.pump()

    def start(self, sink: LegSink) -> None:
        """Name the sink."""
        self._sink = sink
        if self._ended is not None:
            sink.ended(*self._ended)

    async def answer(self) -> None:
        """Send 200 OK and wait for the ACK. Raises ``LegFailed``."""
        body = self._media.local_description()
        if not self._endpoint.agent.calls.answer(self.leg_id, body, self._endpoint.now_ms):
            raise LegFailed("gone before the answer")
        self._endpoint.pump()
        try:
            async with asyncio.timeout(ACK_WAIT_MS / 1_000):
                await self._confirmed.wait()
        except TimeoutError:
            raise LegFailed("no ACK") from None
        if self._ended is not None or self._sink is None:
            raise LegFailed("gone while it was answered")
        self._media.stream.start(self._sink)

    async def refuse(self, status: int) -> None:
        """Refuse the call with a final status."""
        self._endpoint.agent.calls.reject(self.leg_id, status, self._endpoint.now_ms)
        self._endpoint.pump()
        self._media.stream.close()

    async def end(self) -> None:
        """Hang up, whatever the state; frees the port. The last sound sent is let arrive first."""
        try:
            if self._ended is None:
                await asyncio.sleep(self._media.stream.tail_ms / 1_000)
        finally:
            self._hang_up()

    def _hang_up(self) -> None:
        self._media.stream.close()
        self._endpoint.agent.calls.hang_up(self.leg_id, self._endpoint.now_ms)
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
            case CallConfirmed(sdp_answer=answer):
                self._confirm(answer)
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
            case _:
                pass

    def _confirm(self, answer: bytes | None) -> None:
        if answer is not None:
            try:
                self._media.take_answer(answer)
            except MediaRefused:
                self._endpoint.agent.calls.hang_up(self.leg_id, self._endpoint.now_ms)
                self._endpoint.pump()
                return
        self._confirmed.set()

    def _end(self, event: CallEnded) -> None:
        self._media.stream.close()
        by = {EndedBy.LOCAL: LegEndedBy.LOCAL, EndedBy.REMOTE: LegEndedBy.FAR_END}.get(
            event.by, LegEndedBy.FAILURE
        )
        cause = event.reason or event.by.value
        if event.by is EndedBy.REMOTE and event.status == 487:
            cause = "cancelled"
        self._ended = (by, cause)
        self._confirmed.set()
        if self._sink is not None:
            self._sink.ended(by, cause)

    def _reinvited(self, offer: bytes | None) -> None:
        requests, now_ms = self._endpoint.agent.requests, self._endpoint.now_ms
        try:
            body = self._media.local_description() if offer is None else self._answer_change(offer)
        except MediaRefused:
            requests.reject_reinvite(self.leg_id, 488, now_ms)
        else:
            requests.answer_reinvite(self.leg_id, body, now_ms)

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


class _MediaState:
    """What both sides said about the media of one call."""

    def __init__(self, host: RtpHost, preference: tuple[str, ...], source: Address) -> None:
        self.stream = RtpStream(host)
        self._host = host
        self._preference = preference
        self._source = source
        self._offer: sdp.SessionDescription | None = None
        self._choice: MediaChoice | None = None
        self._session_id = int.from_bytes(host.randomness.random_bytes(4), "big")
        self._version = 0

    @property
    def choice(self) -> MediaChoice:
        """What was settled last."""
        assert self._choice is not None, "prepare first"
        return self._choice

    async def prepare(self, offer: bytes | None) -> None:
        """Settle codec and port; without an offer the codec is ours first, until the answer."""
        if offer is not None:
            self._offer, self._choice = choose(offer, self._preference, self._source)
            await self.stream.open()
            self.stream.settle(self.choice, self._source[0])
        else:
            local = LocalMedia("127.0.0.1", await self.stream.open(), self._session_id)
            body = make_offer(offered_codecs(self._preference), local).encode()
            _, self._choice = choose(body, self._preference, ("127.0.0.1", 0))

    def take_offer(self, offer: bytes) -> None:
        """Take a changed offer. Raises ``MediaRefused``."""
        self._offer, self._choice = choose(offer, self._preference, self._source)
        self.stream.settle(self.choice, self._source[0])

    def take_answer(self, answer: bytes) -> None:
        """Take the answer to an offer of ours. Raises ``MediaRefused``."""
        _, self._choice = choose(answer, self._preference, self._source)
        self.stream.settle(self.choice, self._source[0])

    def local_description(self) -> bytes:
        """Return our answer to the last offer, or our own offer where none came."""
        self._version += 1
        local = LocalMedia(self._host.advertised, self.stream.port, self._session_id, self._version)
        if self._offer is None:
            return make_offer(offered_codecs(self._preference), local).encode()
        return make_answer(self._offer, self.choice.audio, local).encode()
