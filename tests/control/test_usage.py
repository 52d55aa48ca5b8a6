"""How much an organisation has telephoned, and what happens when that is enough."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from uuid import uuid4

import httpx

from cordboard.storage.tables import Call
from cordboard.storage.usage import month_of
from tests.control.server import Server


def _call(server: Server, organisation_id: str, began: datetime | None, seconds: float) -> None:
    async def write() -> None:
        async with server.services.database.write() as session:
            session.add(
                Call(
                    id=str(uuid4()), organisation_id=organisation_id,
                    created_at=began or server.services.clock.wall(),
                    direction="inbound", status="ended", stage="picked_up",
                    from_number="1", to_number="2", agent_phone_number="2", agent={}, plan={},
                    carrier="sip", telephony_provider="sip", hipaa_compliant=False,
                    started_at=began,
                    ended_at=None if began is None else began + timedelta(seconds=seconds),
                )
            )  # fmt: skip

    server.run(write())


def test_minutes_of_this_month(server: Server, http: httpx.Client) -> None:
    """Answered calls of this month count, rounded up in all; others and older ones do not."""
    before = http.get("/v1/usage").json()
    assert before["plan_type"] == "plan_unlimited"
    assert before["monthly_usage_limit_minutes"] is None
    month = month_of(server.services.clock.wall())
    for began, seconds in (
        (month, 50.0), (month, 20.0), (month - timedelta(seconds=1), 6_000.0), (None, 0.0)
    ):  # fmt: skip
        _call(server, before["user_id"], began, seconds)
    after = http.get("/v1/usage").json()
    assert after["monthly_usage_minutes"] == before["monthly_usage_minutes"] + 2
    old = http.get("/v1/usage", headers={"X-Fern-SDK-Version": "0.0.20"}).json()
    assert isinstance(old["monthly_usage_limit_minutes"], int)


def test_a_month_that_is_used_up(server: Server, http: httpx.Client) -> None:
    """No call is placed any more; the answer names the setting, in the shape of all refusals."""
    mine = http.get("/v1/usage").json()["user_id"]
    _call(server, mine, month_of(server.services.clock.wall()), 600)
    limited = dataclasses.replace(server.services, monthly_minutes_max=5)
    kept, server.app.state.services = server.app.state.services, limited
    try:
        shown = http.get("/v1/usage").json()
        assert shown["monthly_usage_limit_minutes"] == 5
        assert shown["limit_reached"] is True
        body = {"from_number": "12025550100", "to_number": "12025550101", "agent": str(uuid4())}
        answer = http.post("/v1/calls/create", json=body)
    finally:
        server.app.state.services = kept
    assert answer.status_code == 429
    assert "CORDBOARD_MONTHLY_MINUTES_MAX" in answer.json()["detail"]
