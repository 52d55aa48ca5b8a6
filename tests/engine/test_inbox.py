"""Events wait in order, and not without end."""

from __future__ import annotations

import asyncio

from cordboard.call.events import DigitPressed
from cordboard.clock import VirtualClock, run_virtual
from cordboard.engine.inbox import Inbox


def test_order_and_deadline() -> None:
    """Events come in order; without one the wait ends exactly at its deadline."""

    async def main() -> None:
        inbox, clock = Inbox(), VirtualClock()
        inbox.post(DigitPressed("1"))
        inbox.post(DigitPressed("2"))
        assert await inbox.next(0) == DigitPressed("1")
        assert await inbox.next(None) == DigitPressed("2")
        begun_ms = clock.now_ms()
        assert await inbox.next(150) is None
        assert clock.now_ms() - begun_ms == 150
        asyncio.get_running_loop().call_later(1, inbox.post, DigitPressed("3"))
        assert await inbox.next(2000) == DigitPressed("3")
        assert clock.now_ms() - begun_ms == 1150

    run_virtual(main())


def test_full() -> None:
    """A full inbox takes nothing more and says so."""

    async def main() -> None:
        inbox = Inbox(2)
        for digit in "123":
            inbox.post(DigitPressed(digit))
        assert inbox.overflowed
        assert await inbox.next(0) == DigitPressed("1")
        assert await inbox.next(0) == DigitPressed("2")
        assert await inbox.next(0) is None

    run_virtual(main())
