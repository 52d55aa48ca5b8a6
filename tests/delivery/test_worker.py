"""Events of calls reach their webhooks: in order, and for as long as it takes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest_asyncio
from sqlalchemy import select
from standardwebhooks import Webhook

from cordboard.call.events import EndReason
from cordboard.storage import deliveries
from cordboard.storage.tables import Delivery, DeliveryAttempt, WebhookHealth
from tests.delivery.receiver import ORGANISATION, House, house

WAITS_S = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)


@pytest_asyncio.fixture
async def home(database_url: str) -> AsyncIterator[House]:
    """Return a house of one organisation, on either database."""
    async with house(database_url) as opened:
        yield opened


async def _whole_call(home: House, call_id: str) -> None:
    await home.answer(call_id)
    await home.keep(call_id, 1, "heard", text="Hello.", whole=True)
    await home.keep(call_id, 2, "turn_ended", turn_id="t1", text="a table")
    await home.keep(call_id, 3, "action_started", function_name="book", arguments={"n": 2})
    await home.keep(call_id, 4, "action_finished", function_name="book", result={"ok": True})
    home.clock.forward(minutes=2)
    await home.close(
        call_id,
        reason=EndReason.CALLER_HUNG_UP,
        transcript="BOT: Hello.\nHUMAN: a table",
        recording_available=True,
    )


async def test_a_whole_call(home: House) -> None:
    """Every event arrives once, in order, numbered, signed, the terminal one last."""
    call_id = await home.add_call()
    await _whole_call(home, call_id)
    async with home.delivering():
        got = await home.receiver.has(8)
    events = [json.loads(each.body) for each in got]
    assert {event["call_id"] for event in events} == {call_id}
    assert [event["type"].removeprefix("event_") for event in events] == [
        *("phone_call_connected", "message", "message", "action", "action"),
        *("transcript", "recording", "phone_call_ended"),
    ]
    payloads = [event["payload"] for event in events]
    assert payloads[0] == {
        "to_phone_number": "12025550101",
        "from_phone_number": "12025550100",
    }
    assert [(each["sender"], each["text"]) for each in payloads[1:3]] == [
        ("bot", "Hello."),
        ("human", "a table"),
    ]
    assert payloads[3]["action_input"]["params"] == {"n": 2}
    assert payloads[4]["action_output"]["response"] == {"ok": True}
    assert payloads[6]["recording_url"].endswith(f"/v1/calls/recording/{call_id}")
    assert payloads[7] == {"conversation_minutes": 2.0}
    assert [each.headers["cordboard-sequence"] for each in got] == [*map(str, range(1, 9))]
    async with home.database.read() as session:
        health = (await session.scalars(select(WebhookHealth))).one()
    (secret,) = deliveries.secrets_of(health, home.vault, home.clock.wall())
    real = [each for each in got if Webhook(secret).verify(each.body, _now(each.headers, home))]
    assert len(real) == 8


def _now(headers: dict[str, str], home: House) -> dict[str, str]:
    # The verifier knows only the machine's clock, which the house has run ahead of by minutes.
    assert abs(int(headers["webhook-timestamp"]) - home.clock.wall().timestamp()) < 5
    return headers


async def test_a_batch_written_twice(home: House) -> None:
    """What is written twice because the first answer was lost is announced once."""
    call_id = await home.add_call()
    for _ in range(2):
        await home.answer(call_id)
        await home.keep(call_id, 1, "heard", text="Hello.", whole=True)
        await home.close(call_id, reason=EndReason.CALLER_HUNG_UP)
    async with home.delivering():
        await home.receiver.has(3)


async def test_not_connected(home: House) -> None:
    """A call that nobody answered has one terminal event: it did not connect, and why."""
    expected = {"busy": "busy", "no_answer": "no-answer", "rejected": "failed"}
    for reason in expected:
        call_id = await home.add_call()
        await home.close(call_id, reason=EndReason(reason))
    async with home.delivering():
        got = await home.receiver.has(3)
    told = [json.loads(each.body)["payload"]["telephony_status"] for each in got]
    assert sorted(told) == sorted(expected.values())


async def test_subscriptions(home: House) -> None:
    """Only what a webhook subscribed to is sent, in an order without gaps."""
    wanted = ["event_transcript", "event_phone_call_connected"]
    call_id = await home.add_call(subscriptions=wanted)
    await _whole_call(home, call_id)
    async with home.delivering():
        got = await home.receiver.has(2)
    assert [each.headers["cordboard-sequence"] for each in got] == ["1", "2"]


async def test_get(home: House) -> None:
    """A webhook with method GET gets the event in the query."""
    call_id = await home.add_call(method="GET")
    await home.answer(call_id)
    async with home.delivering():
        (got,) = await home.receiver.has(1)
    assert (got.body, got.query["call_id"]) == (b"", call_id)
    assert json.loads(got.query["payload"])["to_phone_number"] == "12025550101"


async def test_the_schedule(home: House) -> None:
    """An event is tried ten times over three days, with the same id and body; then it is over."""
    home.receiver.answers["/in"] = 500
    await home.answer(await home.add_call())
    begun = home.clock.wall()
    async with home.delivering() as worker:
        for number, wait_s in enumerate((*WAITS_S, 10**6), start=1):
            await home.receiver.has(number)
            home.clock.forward(seconds=wait_s - 1)
            worker.nudge()
            await asyncio.sleep(0.1)
            assert len(home.receiver.got) == number
            home.clock.forward(seconds=1)
            worker.nudge()
        await asyncio.sleep(0.2)
    got = home.receiver.got
    assert len({(each.event_id, each.body) for each in got}) == 1
    assert len(got) == 10
    spans = [(b.at - a.at).total_seconds() for a, b in pairwise(got)]
    assert spans == [*WAITS_S]
    assert (got[-1].at - begun).days == 3
    async with home.database.read() as session:
        row = (await session.scalars(select(Delivery))).one()
        attempts = await deliveries.attempts_of(session, row.id)
    assert (row.state, row.attempts_count) == ("failed", 10)
    assert [(each.status, each.answer) for each in attempts] == [(500, "noted")] * 10


async def test_holds_back_a_minute(home: House) -> None:
    """A failing event holds back the later ones of its call for a minute, and no other call's."""
    first, second = await home.add_call("/bad"), await home.add_call("/good")
    home.receiver.answers["/bad"] = lambda request: 200 if _later(home) else 500
    for call_id in (first, second):
        await home.answer(call_id)
        await home.keep(call_id, 1, "heard", text="Hello.", whole=True)
    async with home.delivering() as worker:
        got = await home.receiver.has(3)
        assert sorted(each.path for each in got) == ["/bad", "/good", "/good"]
        home.clock.forward(seconds=5)
        worker.nudge()
        await home.receiver.has(4)
        home.clock.forward(seconds=56)
        worker.nudge()
        await home.receiver.has(5)
    assert json.loads(home.receiver.got[-1].body)["type"] == "event_message"


def _later(home: House) -> bool:
    return len([each for each in home.receiver.got if each.path == "/bad"]) >= 2


async def test_gone(home: House) -> None:
    """410 disables a webhook at once: what waits for it is over, and so is what comes after."""
    webhook_id = "00000000-0000-4000-8000-0000000000aa"
    home.receiver.answers["/in"] = 410
    for _ in range(2):
        await home.answer(await home.add_call(webhook_id=webhook_id))
    async with home.delivering() as worker:
        await home.idle()
        early = len(home.receiver.got)
        assert early <= 2  # both were under way when the first answer came
        await home.answer(await home.add_call(webhook_id=webhook_id))
        worker.nudge()
        await home.idle()
        assert len(home.receiver.got) == early
        home.receiver.answers["/in"] = 200
        async with home.database.write() as session:
            mine = Delivery.webhook_id == webhook_id
            replayed = await deliveries.replay(session, ORGANISATION, home.clock.wall(), mine)
        worker.nudge()
        await home.receiver.has(early + 3)
    assert replayed == 3


async def test_five_days_of_failures(home: House) -> None:
    """A webhook that has only failed for five days is disabled."""
    webhook_id = "00000000-0000-4000-8000-0000000000aa"
    home.receiver.answers["/in"] = 500
    async with home.delivering() as worker:
        for day in range(7):
            await home.answer(await home.add_call(webhook_id=webhook_id))
            worker.nudge()
            await home.idle()
            async with home.database.read() as session:
                health = (await session.scalars(select(WebhookHealth))).one()
            assert (health.disabled_at is not None) == (day >= 5), day
            home.clock.forward(days=1)
    assert health.disabled_why == "only_failures"


async def test_a_secret_that_does_not_open(home: House) -> None:
    """A webhook whose secret cannot be read gets nothing unsigned, and holds up no other."""
    await home.answer(await home.add_call("/shut", webhook_id=f"{1:036}"))
    async with home.delivering() as worker:
        await home.receiver.has(1)
        async with home.database.write() as session:
            (await session.scalars(select(WebhookHealth))).one().secret = "changed"
        await home.answer(await home.add_call("/shut", webhook_id=f"{1:036}"))
        await home.answer(await home.add_call("/good"))
        worker.nudge()
        got = await home.receiver.has(2)
        await home.idle()
    assert [each.path for each in got] == ["/shut", "/good"]
    async with home.database.read() as session:
        failures = (await session.scalars(select(DeliveryAttempt.failure))).all()
    assert [each for each in failures if each] == ["secret_unreadable"]


async def test_bulkheads(home: House) -> None:
    """Receivers that hang have two requests each under way; a healthy one is served at once."""
    for number in range(50):
        path = f"/hang{number}"
        home.receiver.hanging.add(path)
        for _ in range(5):
            await home.answer(await home.add_call(path, webhook_id=f"{number:036}"))
    async with home.delivering() as worker:
        await home.receiver.has(100)
        await home.answer(await home.add_call("/good"))
        worker.nudge()
        got = await home.receiver.has(101, wait_s=5)
    assert got[-1].path == "/good"


async def test_a_worker_that_died(home: House) -> None:
    """What was under way when a worker died is sent again once its lease has run out."""
    home.receiver.hanging.add("/in")
    await home.answer(await home.add_call())
    async with home.delivering():
        await home.receiver.has(1)
    home.receiver.hanging.clear()
    async with home.delivering() as worker:
        await asyncio.sleep(0.2)
        assert len(home.receiver.got) == 1
        home.clock.forward(seconds=31)
        worker.nudge()
        first, again = await home.receiver.has(2)
    assert (first.event_id, first.body) == (again.event_id, again.body)


async def test_the_old_are_forgotten(home: House) -> None:
    """A month after it was over a delivery is forgotten, with its attempts."""
    await home.answer(await home.add_call())
    async with home.delivering():
        await home.idle()
    for days, left in ((29, 1), (2, 0)):
        home.clock.forward(days=days)
        async with home.database.write() as session:
            await deliveries.purge(session, home.clock.wall())
        async with home.database.read() as session:
            kept = (await session.scalars(select(Delivery))).all()
        assert (len(kept), await _attempts(home)) == (left, left)


async def _attempts(home: House) -> int:
    async with home.database.read() as session:
        return len((await session.scalars(select(DeliveryAttempt))).all())
