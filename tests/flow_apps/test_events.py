"""Events of the flow protocol: the session that each of them carries."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from cordboard.call.flow.plan import FlowPlan
from cordboard.call.plan import CallPlan
from cordboard.flow_apps.events import EventWriter
from cordboard.ports import Direction, NewCall


def _session(direction: Direction, number: str, *, digits_only: bool) -> dict[str, str]:
    plan = FlowPlan(flow_id="f1", url="http://app", digits_only=digits_only)
    call = NewCall(
        call_id="c1",
        leg_id="l1",
        organisation_id="o",
        direction=direction,
        from_number=number,
        to_number="12025550101",
        carrier="sip",
        trunk_id=None,
        carrier_handle="h",
        dialog={},
        plan=CallPlan(organisation_id="o", flow=plan),
        at=datetime(2026, 1, 2, tzinfo=UTC),
    )
    event = json.loads(EventWriter(call, plan).write("session_start", {}))
    session: dict[str, str] = event["session"]
    return session


@pytest.mark.parametrize("direction", list(Direction))
@pytest.mark.parametrize(
    ("stored", "shown", "digits"),
    [
        ("4917000001", "+4917000001", "4917000001"),
        ("+4917000001", "+4917000001", "4917000001"),
        ("100", "100", "100"),
        ("anonymous", "anonymous", "anonymous"),
    ],
)
def test_numbers_are_international(
    direction: Direction, stored: str, shown: str, digits: str
) -> None:
    """Numbers have their plus, unless the flow's app wants digits; extensions are no numbers."""
    session = _session(direction, stored, digits_only=False)
    assert (session["from_phone_number"], session["to_phone_number"]) == (shown, "+12025550101")
    assert session["phone_number"] == session["to_phone_number"]
    assert session["direction"] == direction.value
    bare = _session(direction, stored, digits_only=True)
    assert (bare["from_phone_number"], bare["to_phone_number"]) == (digits, "12025550101")
