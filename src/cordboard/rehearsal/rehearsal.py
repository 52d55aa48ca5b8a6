"""The rehearsal of one call: typed lines or a script in, one line for each thing that happens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from cordboard.call.events import Event
from cordboard.ports import Clock, FlowApps, NewCall
from cordboard.rehearsal.call import RehearsedCall
from cordboard.rehearsal.lines import Board, Mark
from cordboard.rehearsal.playout import spoken_ms
from cordboard.rehearsal.script import (
    HELP,
    BadLine,
    Check,
    HangUp,
    Help,
    Press,
    Say,
    StaySilent,
    Step,
    TargetAnswers,
    Wait,
    parse_line,
)

SETTLE_S: Final = 0.15
"""So long an app on a WebSocket is given to act before a rehearsal takes it for silent."""

TYPED_WORDS_MS: Final = 150
"""What was typed has taken its time already."""

_INBOX_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class Typed:
    """A line from the terminal; None at its end."""

    text: str | None


@dataclass(frozen=True, slots=True)
class Manners:
    """How a rehearsal goes. ``fast`` lets speech take no time, as scripts want it."""

    fast: bool = False
    answer_wait_ms: int = 10_000


class Rehearsal:
    """Runs one call to its end. ``typed`` and what the app wants may come at any time."""

    def __init__(
        self, call: NewCall, clock: Clock, write: Callable[[str], None], manners: Manners
    ) -> None:
        assert call.plan.flow is not None, "only a flow can be rehearsed"
        self._board = Board(clock, write)
        self._call = RehearsedCall(call, clock, self._board)
        self._clock = clock
        self._write = write
        self._manners = manners
        self._settle_s = 0.0 if call.plan.flow.answers_each else SETTLE_S
        # Full only if an app acts without end; the error that is raised then ends the rehearsal.
        self._inbox: asyncio.Queue[Event | Typed] = asyncio.Queue(_INBOX_MAX)
        self._said_count = 0
        self._came_ms = clock.now_ms()

    @property
    def trouble_count(self) -> int:
        """How many things were not as they should be."""
        return self._board.trouble_count

    def typed(self, text: str | None) -> None:
        """Take a line from the terminal; None for the end of the input."""
        self._inbox.put_nowait(Typed(text))

    async def run(self, apps: FlowApps, script: Sequence[Step] | None = None) -> None:
        """Make the call; without a script it follows what is typed."""
        call = self._call
        steps = None if script is None else [*script, HangUp()]
        call.begin(apps, self._inbox.put_nowait)
        call.let_pass()
        while call.ended is None:
            if steps and self._has_settled:
                await self._follow(steps)
            else:
                await self._next()
            call.let_pass()
        self._take_leave(steps or [])

    @property
    def _has_settled(self) -> bool:
        """Whether nothing is under way, and the app has had its time to act."""
        settled = self._still_ms >= self._settle_s * 1_000
        return self._call.is_quiet and self._inbox.empty() and settled

    @property
    def _still_ms(self) -> int:
        """How long nothing has come from the app or gone to it."""
        return self._clock.now_ms() - max(self._came_ms, self._call.app.told_ms)

    async def _next(self) -> None:
        """Wait for the next thing, whatever it is, and let it happen."""
        call = self._call
        try:
            async with asyncio.timeout(self._wait_s()):
                item = await self._inbox.get()
        except TimeoutError:
            self._nothing_came()
            return
        self._came_ms = self._clock.now_ms()
        call.pace.run()
        if not isinstance(item, Typed):
            call.take(item)
        elif item.text is None:
            call.hang_up()
        else:
            self._take_line(item.text)

    def _wait_s(self) -> float | None:
        """Return how long to wait for something to come; None for as long as it takes."""
        call = self._call
        if call.is_quiet:
            call.pace.stand_still()
            return max(self._settle_s, 0.001) if not self._has_settled else None
        call.pace.run()
        due_ms = call.next_ms()
        waits = [] if due_ms is None else [max(0, due_ms - call.pace.now_ms()) / 1_000]
        if call.app.owes:
            waits.append(max(0, self._manners.answer_wait_ms - self._still_ms) / 1_000)
        elif self._manners.fast:
            waits.append(self._settle_s)
        return min(waits, default=None)

    def _nothing_came(self) -> None:
        call = self._call
        if call.is_quiet:
            return
        if call.app.owes:
            if self._still_ms >= self._manners.answer_wait_ms:
                call.app.wait_no_more()
        elif self._manners.fast:
            due_ms = call.next_ms()
            if due_ms is not None:
                call.pace.skip_to(due_ms)

    async def _follow(self, steps: list[Step]) -> None:
        step = steps.pop(0)
        call = self._call
        call.pace.run()
        if call.target is not None and not isinstance(step, (TargetAnswers, Check, Wait)):
            # A script that goes on has the caller back; one that ends there was put through.
            call.target_answers(isinstance(step, HangUp))
            steps.insert(0, step)
        elif isinstance(step, Wait):
            await self._wait(step.seconds)
        else:
            self._do(step)
        self._came_ms = self._clock.now_ms()

    def _take_leave(self, steps: Sequence[Step]) -> None:
        """The call is over: what was said last is still looked at; nothing else can be done."""
        for step in steps:
            if isinstance(step, Check):
                self._check(step)
            elif isinstance(step, (Say, Press, StaySilent)):
                self._board.show(Mark.TROUBLE, "the call was over before", asdict(step))
                return

    async def _wait(self, seconds: float) -> None:
        until_ms = self._clock.now_ms() + round(seconds * 1_000)
        call = self._call
        while (left_ms := until_ms - self._clock.now_ms()) > 0 and call.ended is None:
            call.let_pass()
            try:
                async with asyncio.timeout(left_ms / 1_000):
                    item = await self._inbox.get()
            except TimeoutError:
                return
            if not isinstance(item, Typed):
                call.take(item)

    def _take_line(self, text: str) -> None:
        try:
            step = parse_line(text)
        except BadLine as problem:
            self._write(str(problem))
            return
        if step is not None and not isinstance(step, Wait):
            self._do(step)

    def _do(self, step: Step) -> None:
        call = self._call
        if isinstance(step, Check):
            self._check(step)
            return
        if isinstance(step, Help):
            self._write(HELP)
            return
        self._said_count = len(call.heard)
        match step:
            case Say(text=text):
                fast = self._manners.fast
                call.say(text, spoken_ms(text) if fast else TYPED_WORDS_MS)
            case Press(digits=digits):
                call.press(digits)
            case StaySilent():
                if not call.stay_silent():
                    self._board.show(Mark.TROUBLE, "the app waits for no silence")
            case TargetAnswers(answers=answers):
                if call.target is None:
                    self._board.show(Mark.TROUBLE, "nobody is being rung")
                call.target_answers(answers)
            case HangUp():
                call.hang_up()

    def _check(self, step: Check) -> None:
        said = " ".join(self._call.heard[self._said_count :])
        if step.words.casefold() not in said.casefold():
            self._board.show(Mark.TROUBLE, "not heard", {"words": step.words})
