"""A call that we place to a far end in memory: it rings, and answers or does not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from cordboard.call.events import EndReason, LegEndedBy
from cordboard.ports import DialFailed, LegFailed
from cordboard.telephony.loopback import LoopbackLeg


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What the one who is called does.

    It is silent for ``connect_ms``, rings for ``ring_ms`` (with sound where ``early_sound``), and
    answers, unless there is a ``refusal``.
    """

    connect_ms: int = 100
    ring_ms: int = 2_000
    early_sound: bool = False
    refusal: EndReason | None = None


class OutgoingLoopbackLeg(LoopbackLeg):
    """``ports.OutgoingLeg``; set ``behaviour`` before it is dialled. ``dials`` counts."""

    behaviour = Behaviour()
    dials = 0

    async def dial(self, ringing: Callable[[bool], None]) -> None:
        """Call the far end. Raises ``DialFailed``."""
        self.dials += 1
        behaviour = self.behaviour
        await self._pass(behaviour.connect_ms)
        if behaviour.ring_ms:
            ringing(behaviour.early_sound)
            await self._pass(behaviour.ring_ms)
        if behaviour.refusal is not None:
            self.far_end.ended_by = LegEndedBy.FAR_END
            raise DialFailed(behaviour.refusal.value, LegEndedBy.FAR_END, behaviour.refusal)
        try:
            await self.answer()
        except LegFailed as failure:
            cause = EndReason.CARRIER_FAILED
            raise DialFailed(str(failure), LegEndedBy.FAILURE, cause) from failure

    async def _pass(self, wait_ms: int) -> None:
        """Let time pass, unless the call is given up. Raises ``DialFailed``."""
        waited_ms = 0
        while waited_ms < wait_ms and self.far_end.ended_by is None:
            await asyncio.sleep(0.02)
            waited_ms += 20
        if self.far_end.ended_by is not None:
            raise DialFailed("cancelled", self.far_end.ended_by, None)
