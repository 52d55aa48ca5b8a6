"""Actions that are run here: what a prompt collects leaves for nobody."""

from __future__ import annotations

from typing import cast

from cordboard.call.actions import ActionCall, ActionKind, ActionPlan
from cordboard.clock import SystemClock
from cordboard.egress import Egress
from cordboard.storage.database import Database
from cordboard.storage.vault import Vault
from cordboard.wiring.actions import SignedActions


async def test_what_is_collected_stays_here() -> None:
    """A collected value is judged and recorded without a request and without the database."""
    nothing = object()
    actions = SignedActions(
        cast("Egress", nothing), SystemClock(), cast("Database", nothing), cast("Vault", nothing)
    )
    plan = ActionPlan(
        action_id="",
        kind=ActionKind.RECORD_EMAIL,
        function_name="record_bill",
        config={"name": "bill"},
    )
    values = {"raw_value": "ann at", "formatted_value": "ann@example.com"}
    sent: list[None] = []
    call = ActionCall("a", "record_bill", values)
    outcome = await actions.run("c", call, plan, lambda: sent.append(None))
    assert (outcome.success, outcome.result["descriptor"], sent) == (True, "bill", [])
