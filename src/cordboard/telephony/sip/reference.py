"""A transfer that the far end makes by itself: REFER, and what it reports of it (RFC 3515)."""

from __future__ import annotations

import asyncio

from cordboard.call.events import LegEndedBy
from cordboard.ports import DialFailed
from cordboard.sip.events import RequestAnswered, TransferProgressed
from cordboard.telephony.sip.outcomes import reason_of

REFERRED_S = 60.0
"""So long the far end may take to say what came of it; then the conversation goes on."""


class NotReferred(Exception):
    """The far end does not transfer by itself; the text says how it put that."""


class Reference:
    """One REFER of ours, from its answer to the last NOTIFY."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[RequestAnswered] = asyncio.Future()
        self._last: asyncio.Future[TransferProgressed] = asyncio.Future()

    def sip_event(self, event: RequestAnswered | TransferProgressed) -> None:
        """Take what the user agent reports of it."""
        if isinstance(event, TransferProgressed):
            if event.is_final and not self._last.done():
                self._last.set_result(event)
        elif event.method == "REFER" and not self._answer.done():
            self._answer.set_result(event)

    def gone(self) -> None:
        """The call is over: nothing more will be heard."""
        for waited in (self._answer, self._last):
            waited.cancel()

    async def outcome(self) -> None:
        """Return when the target has answered. Raises ``NotReferred`` and ``DialFailed``."""
        try:
            async with asyncio.timeout(REFERRED_S):
                # A NOTIFY that overtakes the answer to the REFER is kept until that has come.
                await asyncio.wait({self._answer})
                answer = None if self._answer.cancelled() else self._answer.result()
                if answer is not None and answer.status >= 300:
                    raise NotReferred(f"{answer.status} {answer.reason}")
                await asyncio.wait({self._last})
        except TimeoutError:
            raise DialFailed("no news of the transfer", *reason_of(408)) from None
        if self._last.cancelled():
            raise DialFailed("the caller has hung up", LegEndedBy.FAR_END, None)
        last = self._last.result()
        if last.status >= 300 or last.status < 200:
            raise DialFailed(f"{last.status} {last.reason}".strip(), *reason_of(last.status))
