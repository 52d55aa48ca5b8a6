"""What goes wrong with a vendor (reliability R10 and R33), by names."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress

from tests.e2e.vendors.house import House

VENDORS = ("chat", "listen", "speech")
FAULTS = (
    "connect_refused",
    "connect_hangs",
    "blackhole",
    "reset",
    "first_byte_late",
    "stalls",
    "cut",
    "over_quota",
    "server_error",
    "garbage",
    "slow_drip",
)
_UNREACHABLE = ("connect_refused", "connect_hangs")
PASSING = tuple(fault for fault in FAULTS if fault not in _UNREACHABLE)
"""Those that can come and go while the vendor's address stays."""

_NEVER_MS = 600_000


async def break_vendor(
    house: House, vendor: str, fault: str, stack: AsyncExitStack, at: int = 0
) -> None:
    """Let a fault begin, also for connections that are open already where it can.

    ``at`` is the message of a stream in place of which it stalls, breaks off or turns to garbage.
    """
    net = house.nets[vendor]
    if fault in _UNREACHABLE:
        place = closed_port if fault == "connect_refused" else deaf_port
        house.hosts[vendor] = await stack.enter_async_context(place())
        return
    faults = house.faults_of(vendor)
    match fault:
        case "blackhole":
            net.blackhole = True
        case "reset":
            net.reset = True
            net.drop_all()
        case "first_byte_late":
            net.latency_ms = _NEVER_MS
        case "stalls":
            faults.stall_at = at
        case "cut":
            faults.cut_at = at
        case "over_quota":
            faults.refuse = 429
        case "server_error":
            faults.refuse = 503
        case "garbage":
            faults.garble_at = at
        case "slow_drip":
            net.slice_bytes = net.bytes_per_second = 1


def mend_vendor(house: House, vendor: str) -> None:
    """Let all faults of a vendor end; connections that hang go on hanging."""
    faults = house.faults_of(vendor)
    net = house.nets[vendor]
    faults.refuse = faults.stall_at = faults.cut_at = None
    faults.garble_at = None
    net.blackhole = net.reset = False
    net.latency_ms = 0
    net.slice_bytes = net.bytes_per_second = None


@asynccontextmanager
async def deaf_port() -> AsyncIterator[str]:
    """A port to which no connection is ever made: its queue of connections is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        loop = asyncio.get_running_loop()
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            with suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    await loop.sock_connect(filler, address)
        yield f"127.0.0.1:{address[1]}"


@asynccontextmanager
async def closed_port() -> AsyncIterator[str]:
    """A port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{probe.getsockname()[1]}"
