"""One call from its offer to its closed record: wait, decide once, carry out, repeat."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from cordboard.call.commands import CloseCall, KeepFact
from cordboard.call.events import EndReason, EndRequested, Event, LegOffered, LegWanted
from cordboard.engine.guard import Guard
from cordboard.engine.inbox import Inbox
from cordboard.engine.parts import CallParts
from cordboard.engine.station import Station
from cordboard.engine.work import Work
from cordboard.ports import CallEnding, Direction

SETTLE_S = 2.0
FINISH_S = 30.0


class Runner:
    """Runs one call. ``post`` may be called from anywhere on the loop, from the constructor to the
    end.
    """

    def __init__(self, parts: CallParts) -> None:
        self._parts = parts
        self._inbox = Inbox()
        self._report = partial(_tagged, parts)
        self._transcript = ""
        self._failure: str | None = None

    def post(self, event: Event) -> None:
        """Let something happen to the call."""
        self._inbox.post(event)

    async def run(self) -> CallEnding:
        """Run the call to its end; the far end is released and the row finished when this returns.

        A mistake of our own ends this call with ``INTERNAL_ERROR``. Cancelling ends it at once,
        cleaned up.
        """
        ending: CallEnding | None = None
        close = CloseCall(EndReason.INTERRUPTED, "cancelled")
        async with asyncio.TaskGroup() as group:
            work = Work(group, self._report, self._broke)
            station: Station | None = None
            try:
                with (guard := Guard("runner", self._report)):
                    station = Station(self._parts, work, self._report, self.post, self._broke)
                    station.open()
                    close = await self._drive(station)
                if guard.broken:
                    close = CloseCall(EndReason.INTERNAL_ERROR, "runner")
            finally:
                ending = await self._tear_down(station, work, close)
        assert ending is not None
        return ending

    async def _drive(self, station: Station) -> CloseCall:
        brain = self._parts.brain
        call = self._parts.call
        now_ms = self._parts.engine.clock.now_ms
        begins = LegWanted if call.direction is Direction.OUTBOUND else LegOffered
        self.post(begins(call.leg_id, call.from_number, call.to_number))
        deadline_was_last = False
        while True:
            failure = self._failed()
            if failure is not None:
                return CloseCall(EndReason.INTERNAL_ERROR, failure)
            deadline = brain.next_deadline()
            wait_ms = None if deadline is None else deadline.at_ms - now_ms()
            event: Event | None = None
            if wait_ms is None or wait_ms > 0 or deadline_was_last:
                event = await self._inbox.next(wait_ms)
                if self._failed() is not None:
                    continue
            deadline_was_last = event is None
            if event is None:
                commands = brain.handle_deadline(now_ms())
            else:
                commands = brain.receive(event, now_ms())
            for command in commands:
                if isinstance(command, CloseCall):
                    return command
                station.carry_out(command)
            if any(isinstance(command, KeepFact) for command in commands):
                self._keep_transcript()
            if brain.ended:
                return CloseCall(EndReason.INTERNAL_ERROR, "closed without a reason")

    def _failed(self) -> str | None:
        """Return what makes it pointless to go on, if anything does."""
        return "too many events" if self._inbox.overflowed else self._failure

    def _broke(self, where: str) -> None:
        """Something of this call's own broke: end it."""
        if self._failure is None:
            self._failure = where
            self.post(EndRequested(EndReason.INTERNAL_ERROR, where))

    def _keep_transcript(self) -> None:
        parts = self._parts
        if parts.call.plan.content_free:
            return
        transcript = parts.brain.transcript
        if transcript != self._transcript:
            self._transcript = transcript
            parts.engine.store.keep_transcript(parts.call.call_id, transcript)

    async def _tear_down(self, station: Station | None, work: Work, close: CloseCall) -> CallEnding:
        """Release and free everything, piece by piece; the far end first."""
        readable = False
        release = self._parts.leg.end if station is None else station.release_leg
        await self._piece("releasing the leg", release, SETTLE_S)
        if station is not None:
            with Guard("closing the line", self._report):
                station.close()
        work.cancel_all()
        await self._piece("waiting for tasks", work.settled, SETTLE_S)
        if station is not None:
            with Guard("closing the recording", self._report):
                readable = await station.recorder.close()
        ending = self._ending(station, close, readable)
        store = self._parts.engine.store
        await self._piece(
            "finishing the row",
            lambda: store.finish(self._parts.call.call_id, ending),
            FINISH_S,
        )
        return ending

    def _ending(self, station: Station | None, close: CloseCall, readable: bool) -> CallEnding:
        transcript = self._transcript
        with Guard("transcript", self._report):
            if not self._parts.call.plan.content_free:
                transcript = self._parts.brain.transcript
        with Guard("facts", self._report):
            if station is not None and not self._parts.brain.ended:
                content = {"reason": close.reason.value, "detail": close.detail}
                station.facts.keep("broken_off", content)
        return CallEnding(
            reason=close.reason,
            detail=close.detail,
            at=self._parts.engine.clock.wall(),
            transcript=transcript,
            recording_available=readable,
        )

    async def _piece(self, name: str, work: Callable[[], Awaitable[None]], wait_s: float) -> None:
        with Guard(name, self._report):
            async with asyncio.timeout(wait_s):
                await work()


async def run_call(parts: CallParts) -> CallEnding:
    """Run one call to its end; see ``Runner.run``."""
    return await Runner(parts).run()


def _tagged(parts: CallParts, where: str, error: BaseException) -> None:
    parts.engine.report(f"{where} (call {parts.call.call_id})", error)
