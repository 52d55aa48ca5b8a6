"""Deliveries in the API: each organisation sees, and sends again, its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
from sqlalchemy import Select, select
from standardwebhooks import Webhook as Verifier

from cordboard.delivery.signing import standard_webhook_headers
from cordboard.storage import call_writes
from cordboard.storage.deliveries import FAILED, relay
from cordboard.storage.tables import Call, Delivery, DeliveryAttempt, WebhookHealth
from tests.control.server import Server

PATH = "/x/v1/deliveries"
HOOK = {"url": "https://hook.example.com/in", "subscriptions": ["event_phone_call_connected"]}


def _failed_delivery(server: Server, http: httpx.Client) -> tuple[str, str]:
    """Make a call whose one event could not be delivered; returns webhook and delivery id."""
    webhook = http.post("/v1/webhooks/create", json=HOOK).json()
    services, call_id = server.services, server.services.randomness.uuid()

    async def make() -> str:
        now = datetime.now(UTC)
        async with services.database.write() as session:
            session.add(
                Call(
                    id=call_id,
                    organisation_id=webhook["user_id"],
                    created_at=now,
                    direction="inbound",
                    status="not_started",
                    stage="created",
                    from_number="1",
                    to_number="2",
                    agent_phone_number="2",
                    agent={"webhook": webhook},
                    plan={},
                    carrier="sip",
                    telephony_provider="sip",
                )
            )
            await session.flush()
            await call_writes.mark_answered(session, call_id, now)
            await relay(session, now, lambda event: "{}", lambda *_: "unused")
            delivery = (await session.scalars(_of(call_id))).one()
            delivery.state, delivery.finished_at, delivery.attempts_count = FAILED, now, 1
            session.add(
                DeliveryAttempt(
                    delivery_id=delivery.id,
                    number=1,
                    at=now,
                    duration_ms=7,
                    status=500,
                    failure=None,
                    answer="no",
                )
            )
            return delivery.id

    return webhook["id"], server.run(make())


def _of(call_id: str) -> Select[Delivery]:

    return select(Delivery).where(Delivery.call_id == call_id)


def test_shown_and_sent_again(server: Server, http: httpx.Client) -> None:
    """A failed delivery is listed with its attempts, and waits again after a replay."""
    _, delivery_id = _failed_delivery(server, http)
    listed = http.get(f"{PATH}/list?state=failed").json()["items"]
    assert delivery_id in [each["id"] for each in listed]
    whole = http.get(f"{PATH}?id={delivery_id}").json()
    assert [(each["status"], each["answer"]) for each in whole["attempts"]] == [(500, "no")]
    assert http.post(f"{PATH}/replay", json={"id": delivery_id}).json() == {"count": 1}
    assert http.get(f"{PATH}?id={delivery_id}").json()["state"] == "waiting"


def test_a_range(server: Server, http: httpx.Client) -> None:
    """All failed ones of a range are sent again; a replay must say which it means."""
    webhook_id, _ = _failed_delivery(server, http)
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    chosen = {"since": soon, "webhook": webhook_id}
    assert http.post(f"{PATH}/replay", json=chosen).json() == {"count": 0}
    assert http.post(f"{PATH}/replay", json={"webhook": webhook_id}).json() == {"count": 1}
    refused = http.post(f"{PATH}/replay", json={})
    assert refused.status_code == 422
    assert refused.json()["detail"][0]["loc"] == ["body", "id"]


def test_health(server: Server, http: httpx.Client) -> None:
    """A webhook's health tells its state and its deliveries, to its own organisation only."""
    webhook_id, delivery_id = _failed_delivery(server, http)
    path = f"/x/v1/webhooks/health?id={webhook_id}"
    shown = http.get(path).json()
    assert (shown["state"], shown["failed_count"], shown["waiting_count"]) == ("ok", 1, 0)
    services, at = server.services, datetime(2026, 1, 2, tzinfo=UTC)

    async def fail(**columns: object) -> None:
        async with services.database.write() as session:
            row = await session.get_one(WebhookHealth, webhook_id)
            for name, value in columns.items():
                setattr(row, name, value)

    server.run(fail(failing_since=at))
    assert http.get(path).json()["state"] == "failing"
    assert http.get(path).json()["failing_since"].startswith("2026-01-02T00:00:00")
    server.run(fail(disabled_at=at, disabled_why="gone"))
    listed = {
        each["id"]: each for each in http.get("/x/v1/webhooks/health/list?size=100").json()["items"]
    }
    assert (listed[webhook_id]["state"], listed[webhook_id]["disabled_why"]) == ("disabled", "gone")
    with server.client(server.other_organisation()) as other:
        assert other.get(path).status_code == 404
        assert other.get("/x/v1/webhooks/health/list").json()["items"] == []
    http.post(f"{PATH}/replay", json={"id": delivery_id})
    assert http.get(path).json()["state"] == "ok"


def test_strangers(server: Server, http: httpx.Client) -> None:
    """Another organisation neither sees nor sends any of it."""
    webhook_id, delivery_id = _failed_delivery(server, http)
    with server.client(server.other_organisation()) as other:
        assert other.get(f"{PATH}/list").json()["total"] == 0
        assert other.get(f"{PATH}?id={delivery_id}").status_code == 404
        assert other.post(f"{PATH}/replay", json={"id": delivery_id}).status_code == 404
        assert other.post(f"{PATH}/replay", json={"webhook": webhook_id}).json() == {"count": 0}
        assert other.post(f"/x/v1/webhooks/secret?id={webhook_id}").status_code == 404
    assert http.get(f"{PATH}?id={delivery_id}").json()["state"] == "failed"


def test_secrets(http: httpx.Client) -> None:
    """A webhook's secret is in the form verifiers take; after a rotation the old one counts on."""
    webhook = http.post("/v1/webhooks/create", json=HOOK).json()
    first = http.post(f"/x/v1/webhooks/secret?id={webhook['id']}").json()
    again = http.post(f"/x/v1/webhooks/secret?id={webhook['id']}").json()
    assert (first["secret"], first["old_secret"]) == (again["secret"], None)
    turned = http.post(f"/x/v1/webhooks/rotate_secret?id={webhook['id']}").json()
    assert turned["old_secret"] == first["secret"]
    assert turned["secret"] != first["secret"]
    body = b'{"a":1}'
    now = int(datetime.now(UTC).timestamp())
    headers = standard_webhook_headers(turned["secret"].removeprefix("whsec_"), "m", now, body)
    assert Verifier(turned["secret"]).verify(body, headers) == {"a": 1}
