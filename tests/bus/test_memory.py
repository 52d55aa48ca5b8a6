"""The memory adapter keeps the contract of the bus."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cordboard.bus.memory import MemoryBus
from cordboard.bus.port import Bus
from cordboard.clock import SystemClock
from tests.bus.contract import BusContract


class TestMemoryBus(BusContract):
    """Every rule of the contract, and that nothing is left behind."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Bus]:
        """Return a fresh bus, and look that all scopes were left clean."""
        bus = MemoryBus(SystemClock().now_ms)
        yield bus
        assert bus._subscriptions == []
        assert bus._servers == {}
