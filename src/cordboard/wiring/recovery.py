"""After a crash: the far ends of calls that were left open hear a BYE, their recordings are
repaired.
"""

from __future__ import annotations

import asyncio
import logging

from cordboard.ports import OpenCall
from cordboard.sip.events import CallReleased, SipEvent
from cordboard.sip.fields import BadField
from cordboard.telephony.sip.endpoint import SipEndpoint

log = logging.getLogger(__name__)

RELEASE_WAIT_S = 3.0


class Releaser:
    """Ends legs of calls that an engine left behind when it died."""

    def __init__(self, endpoint: SipEndpoint) -> None:
        self._endpoint = endpoint

    async def release(self, call: OpenCall) -> None:
        """Send the BYE and wait a moment for its answer; a dialog that cannot be read is logged."""
        agent = self._endpoint.agent
        try:
            handle = agent.calls.adopt(dict(call.dialog))  # type: ignore[arg-type]
        except BadField as problem:
            log.warning("sip.dialog_unreadable", extra={"call": call.call_id, "why": str(problem)})
            return
        released = _Released()
        self._endpoint.listen(handle, released)
        agent.calls.hang_up(handle, self._endpoint.now_ms, "server restarted")
        self._endpoint.pump()
        try:
            async with asyncio.timeout(RELEASE_WAIT_S):
                await released.done.wait()
        except TimeoutError:
            log.info("sip.bye_unanswered", extra={"call": call.call_id})


class _Released:
    def __init__(self) -> None:
        self.done = asyncio.Event()

    def sip_event(self, event: SipEvent) -> None:
        if isinstance(event, CallReleased):
            self.done.set()
