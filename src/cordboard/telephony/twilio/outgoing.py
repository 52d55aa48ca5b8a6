"""A call that we place: by the REST API, then rung by Twilio, then a stream like any other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cordboard.call.events import EndReason, LegEndedBy
from cordboard.ports import DialFailed, LegFailed
from cordboard.telephony.twilio.api import CallRequest, TwilioApi
from cordboard.telephony.twilio.leg import OUTCOMES, LegParts, TwilioLeg
from cordboard.telephony.twilio.placing import place

RING_LIMIT_S: Final = 60
SLACK_S: Final = 20
"""Between the end of Twilio's own ringing limit and the news of it."""

_REASONS: Final = {
    OUTCOMES["busy"]: EndReason.BUSY,
    OUTCOMES["no-answer"]: EndReason.NO_ANSWER,
    OUTCOMES["failed"]: EndReason.UNREACHABLE,
    OUTCOMES["canceled"]: EndReason.CARRIER_FAILED,
    OUTCOMES["completed"]: EndReason.NO_ANSWER,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """How a leg is placed. ``permit`` is asked right before the request leaves, and raises
    ``DialFailed``; ``placed`` is told Twilio's identifier of the call, to be kept.
    """

    api: TwilioApi
    request: Callable[[], CallRequest]
    since: datetime
    permit: Callable[[], Awaitable[None]]
    placed: Callable[[str], Awaitable[None]]


class OutgoingTwilioLeg(TwilioLeg):
    """A ``ports.OutgoingLeg``."""

    def __init__(self, leg_id: str, parts: LegParts, placing: Placing) -> None:
        super().__init__(leg_id, "", parts)
        self._placing = placing
        self._ringing: Callable[[bool], None] | None = None

    async def dial(self, ringing: Callable[[bool], None]) -> None:
        """Place the call and wait until it is picked up. Raises ``DialFailed``."""
        self.progress.decide(0)
        self._ringing = ringing
        placing = self._placing
        await placing.permit()
        request = placing.request()
        try:
            await place(placing.api, self, request, placing.since)
        except LegFailed as failure:
            raise DialFailed(str(failure), LegEndedBy.FAILURE, EndReason.CARRIER_FAILED) from None
        await placing.placed(self.progress.call_sid)
        try:
            async with asyncio.timeout((request.timeout_s or RING_LIMIT_S) + SLACK_S):
                await self.progress.started.wait()
        except TimeoutError:
            await self.end()
            raise DialFailed("no answer", LegEndedBy.LOCAL, EndReason.NO_ANSWER) from None
        if self.progress.ended is not None:
            by, cause = self.progress.ended
            raise DialFailed(cause, by, _REASONS.get(cause))

    def _tell_end(self, by: LegEndedBy, cause: str) -> None:
        # Before it is picked up, the end is told with its reason, by what ``dial`` raises.
        if self.progress.started_ms is not None:
            super()._tell_end(by, cause)

    def call_status(self, status: str) -> None:
        """Take ``CallStatus``; ringing is told on, once."""
        if status == "ringing" and self._ringing is not None:
            ringing, self._ringing = self._ringing, None
            ringing(False)
        super().call_status(status)
