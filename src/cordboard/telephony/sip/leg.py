"""An inbound SIP call as a leg: signalling by the endpoint's user agent, sound by an RTP stream."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from cordboard.ports import LegFailed
from cordboard.sip.dialog import DialogRecord
from cordboard.sip.events import CallConfirmed, CallEnded, CallOffered, SipEvent
from cordboard.telephony.sip.connected import ConnectedLeg
from cordboard.telephony.sip.endpoint import SipEndpoint
from cordboard.telephony.sip.leg_media import LegMedia
from cordboard.telephony.sip.media_choice import MediaRefused
from cordboard.telephony.sip.stream import RtpHost

ACK_WAIT_MS = 33_000
"""A little over 64 x T1 (RFC 3261 17.1.1.2): the user agent itself gives up before."""


class SipLeg(ConnectedLeg):
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
        media = LegMedia(host, tuple(preference), offer.source)
        super().__init__(endpoint, media, changed, offer.handle)
        self._offer = offer
        self._confirmed: asyncio.Event = asyncio.Event()
        endpoint.listen(offer.handle, self)

    @property
    def leg_id(self) -> str:
        """The call's handle at the user agent."""
        return self._handle

    async def prepare(self) -> None:
        """Settle codec and port.

        Raises ``MediaRefused`` (488), ``NoPortLeft`` (503) and ``LegFailed`` (the far end is gone).
        """
        await self._media.prepare(self._offer.sdp_offer)
        if self._ended is not None:
            self.close()
            raise LegFailed("cancelled")

    def ring(self) -> None:
        """Let the far end hear that it rings."""
        self._endpoint.agent.calls.ring(self.leg_id, self._endpoint.now_ms)
        self._endpoint.pump()

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

    def sip_event(self, event: SipEvent) -> None:
        """Take an event of the user agent."""
        if isinstance(event, CallConfirmed):
            self._confirm(event.sdp_answer)
            return
        super().sip_event(event)
        if isinstance(event, CallEnded):
            self._confirmed.set()

    def _confirm(self, answer: bytes | None) -> None:
        if answer is not None:
            try:
                self._media.take_answer(answer)
            except MediaRefused:
                self._endpoint.agent.calls.hang_up(self.leg_id, self._endpoint.now_ms)
                self._endpoint.pump()
                return
        self._confirmed.set()
