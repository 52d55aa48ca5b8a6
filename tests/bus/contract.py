"""What every adapter of the bus must do. A test module subclasses it and says how to open one."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

import pytest

from cordboard.bus.port import (
    MAX_MESSAGE_BYTES,
    Bus,
    Delivery,
    Message,
    NoAnswer,
    NobodyServes,
    Refused,
    Subscription,
)


async def echo(subject: str, message: Message) -> Message:
    """Answer with what was asked."""
    return {"subject": subject, **message}


async def received(subscription: Subscription, count: int) -> list[Delivery]:
    """Return the next messages."""
    deliveries: list[Delivery] = []
    async with asyncio.timeout(5):
        async for delivery in subscription:
            deliveries.append(delivery)
            if len(deliveries) == count:
                break
    return deliveries


class BusContract:
    """The rules of ``port.Bus``."""

    def open(self) -> AbstractAsyncContextManager[Bus]:
        """Return a bus that shares nothing with any other."""
        raise NotImplementedError

    async def test_subscribers_get_messages_in_order(self) -> None:
        """Every subscription that means the subject gets every message, in order."""
        async with self.open() as bus, AsyncExitStack() as scopes:
            patterns = ["calls.a.live", "calls.*.live", "calls.>"]
            subscriptions = [
                await scopes.enter_async_context(bus.subscribe(pattern)) for pattern in patterns
            ]
            for number in range(10):
                bus.publish("calls.a.live", {"number": number})
                bus.publish("other", {})
            for subscription in subscriptions:
                deliveries = await received(subscription, 10)
                assert [each.message["number"] for each in deliveries] == list(range(10))
                assert {each.subject for each in deliveries} == {"calls.a.live"}

    async def test_patterns(self) -> None:
        """A star is one word, a last > one or more; nothing else matches."""
        async with self.open() as bus:
            for pattern, wanted in {
                "calls.*": ["calls.a"],
                "calls.>": ["calls.a", "calls.a.b", "calls.a.b.c"],
                "calls.*.b": ["calls.a.b"],
                "*.a": ["calls.a", "legs.a"],
            }.items():
                async with bus.subscribe(pattern) as subscription:
                    for subject in ("calls", "calls.a", "calls.a.b", "calls.a.b.c", "legs.a"):
                        bus.publish(subject, {})
                    deliveries = await received(subscription, len(wanted))
                    assert [each.subject for each in deliveries] == wanted
                    with pytest.raises(TimeoutError):
                        await asyncio.wait_for(anext(aiter(subscription)), 0.02)

    async def test_a_slow_subscriber_loses_the_oldest(self) -> None:
        """What does not fit pushes out the oldest, and is counted."""
        async with self.open() as bus, bus.subscribe("a", max_count=3) as subscription:
            for number in range(10):
                bus.publish("a", {"number": number})
            deliveries = await received(subscription, 3)
            assert [each.message["number"] for each in deliveries] == [7, 8, 9]
            assert subscription.dropped_count == 7

    async def test_a_receiver_has_its_own_copy(self) -> None:
        """Changing a message after sending or receiving changes nobody else's."""
        async with (
            self.open() as bus,
            bus.subscribe("a") as first,
            bus.subscribe("a") as second,
        ):
            message: dict[str, Any] = {"list": [1]}
            bus.publish("a", message)
            message["list"].append(2)
            (delivery,) = await received(first, 1)
            delivery.message["list"].append(3)
            assert (await received(second, 1))[0].message == {"list": [1]}

    async def test_a_request_is_answered(self) -> None:
        """The answer is the handler's; after the scope nobody serves."""
        async with self.open() as bus:
            async with bus.serve("calls.a.end", echo):
                answer = await bus.request("calls.a.end", {"why": "api"})
                assert answer == {"subject": "calls.a.end", "why": "api"}
                with pytest.raises(Refused):
                    async with bus.serve("calls.a.end", echo):
                        pass
            with pytest.raises(NobodyServes):
                await bus.request("calls.a.end", {})

    async def test_a_refusal_carries_its_reason(self) -> None:
        """What a handler refuses reaches the requester in its words."""

        async def refuse(_subject: str, _message: Message) -> Message:
            raise Refused("the call is over")

        async with self.open() as bus, bus.serve("a", refuse):
            with pytest.raises(Refused) as caught:
                await bus.request("a", {})
            assert caught.value.reason == "the call is over"

    async def test_a_request_has_a_deadline(self) -> None:
        """A handler that does not answer in time gives NoAnswer."""

        async def never(_subject: str, _message: Message) -> Message:
            await asyncio.Event().wait()
            return {}

        async with self.open() as bus, bus.serve("a", never):
            with pytest.raises(NoAnswer):
                await bus.request("a", {}, timeout_ms=20)

    async def test_too_many_requests_are_refused(self) -> None:
        """One server runs 100 requests at once and refuses more."""
        go_on = asyncio.Event()

        async def wait(_subject: str, _message: Message) -> Message:
            await go_on.wait()
            return {}

        async with self.open() as bus, bus.serve("a", wait), asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(bus.request("a", {})) for _ in range(100)]
            await asyncio.sleep(0.05)
            with pytest.raises(Refused, match="busy"):
                await bus.request("a", {})
            go_on.set()
        assert all(task.result() == {} for task in running)

    async def test_what_is_malformed_is_refused(self) -> None:
        """Subjects, patterns and messages are checked where they enter."""
        async with self.open() as bus:
            for subject in ("", "a..b", "a b", "a.*", "a.>", "é", ".".join("a" * 17)):
                with pytest.raises(ValueError, match="subject"):
                    bus.publish(subject, {})
            for pattern in ("", ">.a", "a.>.b", "a*"):
                with pytest.raises(ValueError, match="pattern"):
                    async with bus.subscribe(pattern):
                        pass
            for message in ({"x": object()}, {"x": "y" * MAX_MESSAGE_BYTES}, {"x": float("nan")}):
                with pytest.raises(ValueError):
                    bus.publish("a", message)

    async def test_a_lease_has_one_holder(self) -> None:
        """It is renewed by its holder, refused to others, free when given back or run out."""
        async with self.open() as bus, bus.watch("line") as watched:
            assert await bus.lease("line", "one", 60_000)
            assert not await bus.lease("line", "two", 60_000)
            assert await bus.lease("line", "one", 60_000)
            await bus.release("line", "two")
            assert not await bus.lease("line", "two", 60_000)
            await bus.release("line", "one")
            assert await bus.lease("line", "two", 20)
            await asyncio.sleep(0.05)
            assert await bus.lease("line", "one", 60_000)
            holders = [each.message["holder"] for each in await received(watched, 4)]
            assert holders == ["one", None, "two", "one"]
