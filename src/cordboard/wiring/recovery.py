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
from cordboard.telephony.sip.route import lost_invitation

log = logging.getLogger(__name__)

RELEASE_WAIT_S = 3.0


class Releaser:
    """Ends legs of calls that an engine left behind when it died."""

    def __init__(self, endpoint: SipEndpoint) -> None:
        self._endpoint = endpoint

    async def release(self, call: OpenCall) -> None:
        """Send the BYE and wait a moment for its answer; a dialog that cannot be read is logged."""
        released = _Released()
        try:
            self._let_go(call, released)
        except BadField as problem:
            log.warning("sip.dialog_unreadable", extra={"call": call.call_id, "why": str(problem)})
            return
        self._endpoint.pump()
        try:
            async with asyncio.timeout(RELEASE_WAIT_S):
                await released.done.wait()
        except TimeoutError:
            log.info("sip.bye_unanswered", extra={"call": call.call_id})

    def _let_go(self, call: OpenCall, released: _Released) -> None:
        """Send BYE in a dialog, CANCEL for a call that was being placed. Raises ``BadField``."""
        calls, now_ms = self._endpoint.agent.calls, self._endpoint.now_ms
        lost = lost_invitation(call.dialog)
        if lost is None:
            handle = calls.adopt(dict(call.dialog))  # type: ignore[arg-type]
            self._endpoint.listen(handle, released)
            calls.hang_up(handle, now_ms, "server restarted")
            return
        invitation, has_credentials = lost
        for challenged in (False, True) if has_credentials else (False,):
            handle = calls.cancel_lost(invitation, now_ms, challenged=challenged)
            self._endpoint.listen(handle, released)


class _Released:
    def __init__(self) -> None:
        self.done = asyncio.Event()

    def sip_event(self, event: SipEvent) -> None:
        if isinstance(event, CallReleased):
            self.done.set()
