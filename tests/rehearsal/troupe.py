"""Apps made of a function, and rehearsals of calls to them in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from cordboard.call.events import AppAnswered, AppFailed, AppGone, Event
from cordboard.call.flow.actions import FlowAction
from cordboard.call.flow.plan import FlowPlan
from cordboard.call.plan import CallPlan, TurnPlan
from cordboard.clock import VirtualClock, run_virtual
from cordboard.ports import AppLine, Direction, NewCall
from cordboard.rehearsal.rehearsal import Manners, Rehearsal
from cordboard.rehearsal.script import parse_script

Decide = Callable[[str, Mapping[str, object]], Sequence[FlowAction] | None]
"""What the app does about an event; None means that it fails."""


class FunctionApp:
    """An app, and the way to it. It answers after ``delay_s``; with ``answers_each`` to every
    event, else only where it has something to do.
    """

    def __init__(self, decide: Decide, *, answers_each: bool, delay_s: float = 0.02) -> None:
        self.told: list[str] = []
        self.closed = False
        self._decide = decide
        self._answers_each = answers_each
        self._delay_s = delay_s
        self._post: Callable[[Event], None] | None = None

    def open(self, call: NewCall, post: Callable[[Event], None]) -> AppLine:
        self._post = post
        return self

    def tell(
        self, event_id: str, kind: str, content: Mapping[str, object], *, answerable: bool
    ) -> None:
        self.told.append(kind)
        actions = self._decide(kind, content)
        if not answerable or self._post is None:
            return
        if actions is None:
            away = "unreachable"
            answer: Event = AppFailed(event_id, away) if self._answers_each else AppGone(away)
        elif actions or self._answers_each:
            answer = AppAnswered(event_id, tuple(actions), nothing_to_do=not actions)
        else:
            return
        asyncio.get_running_loop().call_later(self._delay_s, self._post, answer)

    def close(self) -> None:
        self.closed = True


def new_call(*, answers_each: bool = True) -> NewCall:
    """A call of a flow that rings."""
    flow = FlowPlan(flow_id="f", url="http://app", answers_each=answers_each)
    plan = CallPlan(
        organisation_id="o",
        flow=flow,
        turn=TurnPlan(idle_ms=86_400_000),
        longest_call_ms=86_400_000,
    )
    return NewCall(
        call_id="c1",
        leg_id="l1",
        organisation_id="o",
        direction=Direction.INBOUND,
        from_number="+12025550199",
        to_number="+12025550110",
        carrier="rehearsal",
        trunk_id=None,
        carrier_handle="",
        dialog={},
        plan=plan,
        at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def rehearse(
    decide: Decide, script: str, *, answers_each: bool = True, fast: bool = True
) -> tuple[list[str], FunctionApp, int]:
    """Follow a script; return the lines without their times, the app, and the count of trouble."""
    lines: list[str] = []

    async def run() -> tuple[FunctionApp, int]:
        app = FunctionApp(decide, answers_each=answers_each)
        call = new_call(answers_each=answers_each)
        made = Rehearsal(call, VirtualClock(), lines.append, Manners(fast=fast))
        await made.run(app, parse_script(script))
        return app, made.trouble_count

    app, trouble = run_virtual(run())
    return [line[8:] for line in lines], app, trouble
