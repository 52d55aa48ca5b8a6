"""Calls that begin, as tests need them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from cordboard.call.plan import CallPlan
from cordboard.ports import Direction, NewCall

BEGUN_AT: Final = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def new_call(plan: CallPlan, **fields: Any) -> NewCall:
    """Return a call that runs on ``plan``: inbound, where ``fields`` do not say otherwise."""
    usual: dict[str, Any] = {
        "call_id": "c1",
        "leg_id": "leg1",
        "organisation_id": plan.organisation_id,
        "direction": Direction.INBOUND,
        "from_number": "12025550100",
        "to_number": "12025550101",
        "carrier": "loopback",
        "trunk_id": None,
        "carrier_handle": "leg1",
        "dialog": {},
        "at": BEGUN_AT,
    }
    return NewCall(plan=plan, **{**usual, **fields})
