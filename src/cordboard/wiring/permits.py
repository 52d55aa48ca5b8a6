"""Whether a call may go to the wire now: the dial policy and its limits, asked last of all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from cordboard.dial_policy import (
    CONCURRENT,
    DialGauge,
    DialLimits,
    DialRequest,
    DialRules,
    Refused,
    TrunkDialing,
    decide,
)
from cordboard.ports import Clock
from cordboard.storage.database import Database
from cordboard.storage.dial_history import dial_history
from cordboard.telephony.sip.hops import DialForbidden, DialLater

FULL_WAIT_MS = 250
SHORT_DIGITS_MAX = 6
MILLISECOND = timedelta(milliseconds=1)


@dataclass(slots=True)
class Permits:
    """The one place where dials are judged and counted, for each organisation by itself.

    Extensions, and everything on a trunk that may dial anything, are judged but not counted: the
    limits are there for what costs money on the public network.
    """

    database: Database
    clock: Clock
    rules: DialRules
    limits: DialLimits
    _gauges: dict[str, DialGauge] = field(default_factory=dict)
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ready(self, organisation_id: str) -> None:
        """Read what the organisation has dialled lately, once; before any permit of its calls."""
        async with self._reading:
            if organisation_id in self._gauges:
                return
            now, now_ms = self.clock.wall(), self.clock.now_ms()
            async with self.database.read() as session:
                history = await dial_history(session, organisation_id, now)
            gauge = DialGauge(self.limits)
            gauge.remember(
                [
                    (now_ms - (now - at) // MILLISECOND, self._canonical(number))
                    for at, number in history.attempts
                ],
                [
                    (now_ms - (now - at) // MILLISECOND, length // MILLISECOND)
                    for at, length in history.talks
                ],
            )
            self._gauges[organisation_id] = gauge

    def for_call(
        self, organisation_id: str, trunk: TrunkDialing, spell: Callable[[str], str]
    ) -> CallPermit:
        """Return the permit of one call; ``spell`` writes a number as its trunk wants it."""
        return CallPermit(self, self._gauges[organisation_id], trunk, spell)

    def judge(self, number: str, trunk: TrunkDialing) -> str:
        """Return the canonical form of a number that may be dialled. Raises ``DialForbidden``."""
        decision = decide(DialRequest(number=number, trunk=trunk), self.rules)
        if isinstance(decision, Refused):
            setting = f" ({decision.setting})" if decision.setting else ""
            raise DialForbidden(f"{decision.message}{setting}")
        return decision.number

    def _canonical(self, number: str) -> str:
        try:
            return self.judge(international(number), TrunkDialing(allow_any=True))
        except DialForbidden:
            return number


@dataclass(slots=True)
class CallPermit:
    """What one call may dial; a number counts once, however often it is asked about."""

    permits: Permits
    gauge: DialGauge
    trunk: TrunkDialing
    spell: Callable[[str], str]
    _counted: set[str] = field(default_factory=set)
    _over: bool = False

    def judge(self, number: str) -> str:
        """Return a number's canonical form, without counting. Raises ``DialForbidden``."""
        return self.permits.judge(number, self.trunk)

    def dial(self, number: str) -> str:
        """Count a dial and return the user part. Raises ``DialForbidden`` and ``DialLater``."""
        canonical = self.judge(number)
        if canonical not in self._counted and self._is_counted(canonical):
            self._count(canonical)
        return self.spell(canonical)

    def over(self, talk_ms: int) -> None:
        """Take note that the call is over, after so much conversation; once."""
        if self._counted and not self._over:
            self.gauge.ended(self.permits.clock.now_ms(), talk_ms)
        self._over = True

    def _is_counted(self, canonical: str) -> bool:
        return canonical.startswith("+") and not self.trunk.allow_any

    def _count(self, canonical: str) -> None:
        now_ms = self.permits.clock.now_ms()
        # Asked before the rest, since waiting helps.
        if wait_ms := self.gauge.wait_ms(now_ms):
            raise DialLater(wait_ms)
        refusal = self.gauge.admit(canonical, now_ms, further=bool(self._counted))
        if refusal is None:
            self._counted.add(canonical)
        elif refusal.code == CONCURRENT:
            raise DialLater(FULL_WAIT_MS)
        else:
            raise DialForbidden(refusal.message)


def international(number: str) -> str:
    """Return a stored number with its plus; short ones and names are extensions."""
    if number.isdigit() and len(number) > SHORT_DIGITS_MAX:
        return f"+{number}"
    return number
