"""Actions: bounded, sent and finished once."""

from __future__ import annotations

import asyncio

from cordboard.call.actions import ActionCall, ActionKind, ActionPlan
from cordboard.call.commands import RunAction
from cordboard.call.events import ActionFinished, ActionSent, Event
from cordboard.clock import run_virtual
from cordboard.engine.acting import MOST_ACTIONS, Acting
from cordboard.engine.work import Work
from tests.engine.rig import NoActions, Rig

PLAN = ActionPlan(action_id="a", kind=ActionKind.EXTERNAL, function_name="book")


def test_sent_then_finished_and_bounded() -> None:
    """Each action reports both steps; the ninth at once is refused; later there is room again."""
    events: list[Event] = []

    async def main() -> None:
        rig = Rig()
        async with asyncio.TaskGroup() as group:
            work = Work(group, rig.report, lambda where: None)
            acting = Acting("c1", NoActions(), work, events.append)
            for number in range(MOST_ACTIONS + 1):
                acting.run(RunAction(ActionCall(f"x{number}", "book", {}), PLAN))
            await asyncio.sleep(1)
            acting.run(RunAction(ActionCall("later", "book", {}), PLAN))
            await asyncio.sleep(0.05)
            work.cancel_all()

    run_virtual(main())
    (refused, *rest) = events
    assert isinstance(refused, ActionFinished)
    assert (refused.action_call_id, refused.outcome.outcome_class) == ("x8", "refused")
    sent = [event.action_call_id for event in rest if isinstance(event, ActionSent)]
    done = [event.action_call_id for event in rest if isinstance(event, ActionFinished)]
    assert sorted(done) == [f"x{number}" for number in range(MOST_ACTIONS)]
    assert sorted(sent) == ["later", *sorted(done)]
