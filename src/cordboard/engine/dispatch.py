"""Which calls run: admission, the registry of running calls, drain, and what a crash left
behind.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from types import TracebackType

from cordboard.call.events import EndReason, EndRequested, Event
from cordboard.engine.brain import Brain
from cordboard.engine.clock import Lateness
from cordboard.engine.guard import Guard
from cordboard.engine.parts import CallParts, EngineParts
from cordboard.engine.runner import Runner
from cordboard.ports import CallEnding, Leg, NewCall, OpenCall

log = logging.getLogger(__name__)

RETRY_AFTER_S = 5
RELEASE_S = 5.0
GOODBYE_S = 15.0
_RECOVERIES_AT_ONCE = 20


def _none_recorded(call: OpenCall) -> bool:
    return False


class Admission:
    """One answer to "may another call come in?". Whoever is admitted starts the call or gives back.

    ``refusal`` is None when admitted, else a word for the record: ``full``, ``draining``,
    ``not_ready``; a carrier answers it with 503 and Retry-After.
    """

    __slots__ = ("_give_back", "refusal", "retry_after_s")

    def __init__(self, refusal: str | None, give_back: Callable[[], None] | None) -> None:
        self.refusal = refusal
        self.retry_after_s = RETRY_AFTER_S
        self._give_back = give_back

    @property
    def admitted(self) -> bool:
        """Whether the call may go on."""
        return self.refusal is None

    def give_back(self) -> None:
        """The call does not come after all. Harmless when there is nothing to give back."""
        give_back, self._give_back = self._give_back, None
        if give_back is not None:
            give_back()

    def take(self) -> None:
        """The call has begun and counts by itself from now on; once only."""
        assert self._give_back is not None, "this admission has been used or was never given"
        self.give_back()


@dataclass(frozen=True, slots=True)
class DispatchParts:
    """What dispatch needs: ``brains`` makes a call's machine from its row."""

    engine: EngineParts
    brains: Callable[[NewCall], Brain]
    most_calls: int


class Dispatch:
    """``async with Dispatch(parts)`` owns the tasks of all calls; leaving it waits for them."""

    def __init__(self, parts: DispatchParts) -> None:
        self.ready = False
        """Set by wiring once everything that calls need is up."""
        self._parts = parts
        self._group = asyncio.TaskGroup()
        self._running: dict[str, tuple[Runner, asyncio.Task[None]]] = {}
        self._reserved = 0
        self._draining = False
        self._idle = asyncio.Event()
        self._idle.set()

    async def __aenter__(self) -> Dispatch:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._draining = True
        await self._group.__aexit__(kind, error, trace)

    @property
    def running_count(self) -> int:
        """How many calls are running."""
        return len(self._running)

    @property
    def lateness(self) -> Lateness:
        """How late frames of all calls were."""
        return self._parts.engine.media_clock.lateness

    @property
    def draining(self) -> bool:
        """Whether new calls are refused for good."""
        return self._draining

    def admit(self) -> Admission:
        """Decide, before any work and before anything is answered, whether one more call fits."""
        refusal = None
        if self._draining:
            refusal = "draining"
        elif not self.ready:
            refusal = "not_ready"
        elif len(self._running) + self._reserved >= self._parts.most_calls:
            refusal = "full"
        if refusal is not None:
            return Admission(refusal, None)
        self._reserved += 1
        return Admission(None, self._unreserve)

    def start(self, admission: Admission, call: NewCall, leg: Leg) -> None:
        """Run an admitted call. The leg has been offered and has no sink yet; the row is written
        before it is answered.
        """
        assert call.call_id not in self._running
        admission.take()
        parts = self._parts
        runner = Runner(CallParts(parts.engine, call, leg, parts.brains(call)))
        task = self._group.create_task(self._run(call.call_id, runner), name=f"call {call.call_id}")
        self._running[call.call_id] = runner, task
        self._idle.clear()

    def post(self, call_id: str, event: Event) -> bool:
        """Let something happen to a running call; False if it does not run here."""
        found = self._running.get(call_id)
        if found is not None:
            found[0].post(event)
        return found is not None

    def end_call(
        self, call_id: str, reason: EndReason = EndReason.API_ENDED, detail: str = ""
    ) -> bool:
        """Ask a running call to end; False if it does not run here."""
        return self.post(call_id, EndRequested(reason, detail))

    async def drain(self, wait_s: float) -> None:
        """Refuse new calls and wait for those that run; after ``wait_s`` say goodbye and end them.

        What is still there 15 s later is cut off. Calling it again with 0 shortens the wait.
        """
        self._draining = True
        if await self._wait_idle(wait_s):
            return
        for call_id in list(self._running):
            self.end_call(call_id, EndReason.DRAINED)
        if await self._wait_idle(GOODBYE_S):
            return
        for _, task in list(self._running.values()):
            task.cancel()
        await self._wait_idle(GOODBYE_S)

    async def recover(
        self,
        engine_id: str,
        release: Callable[[OpenCall], Awaitable[None]],
        is_recorded: Callable[[OpenCall], bool] = _none_recorded,
    ) -> int:
        """Close what engines that died left open: release the far end, then finish the row.

        ``release`` asks the carrier by the dialog on record, ``is_recorded`` tells whether a
        readable recording was saved. Returns how many there were; a store that fails is reported,
        and asking again later finds them.
        """
        engine = self._parts.engine
        left: Sequence[OpenCall] = ()
        with Guard("looking for calls left open", engine.report):
            try:
                left = await engine.store.open_calls(engine_id)
            except TimeoutError:
                log.warning("store.cannot_look")
        slots = asyncio.Semaphore(_RECOVERIES_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for call in left:
                group.create_task(self._recover(call, release, is_recorded, slots))
        return len(left)

    async def _recover(
        self,
        call: OpenCall,
        release: Callable[[OpenCall], Awaitable[None]],
        is_recorded: Callable[[OpenCall], bool],
        slots: asyncio.Semaphore,
    ) -> None:
        engine = self._parts.engine
        async with slots:
            with Guard(f"releasing call {call.call_id}", engine.report):
                async with asyncio.timeout(RELEASE_S):
                    await release(call)
            with Guard(f"finishing call {call.call_id}", engine.report):
                ending = CallEnding(
                    reason=EndReason.INTERRUPTED,
                    detail="interrupted",
                    at=engine.clock.wall(),
                    transcript="",
                    recording_available=is_recorded(call),
                )
                await engine.store.finish(call.call_id, ending)

    async def _run(self, call_id: str, runner: Runner) -> None:
        try:
            with Guard(f"call {call_id}", self._parts.engine.report):
                await runner.run()
        finally:
            del self._running[call_id]
            if not self._running:
                self._idle.set()

    async def _wait_idle(self, wait_s: float) -> bool:
        try:
            async with asyncio.timeout(wait_s):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    def _unreserve(self) -> None:
        self._reserved -= 1
