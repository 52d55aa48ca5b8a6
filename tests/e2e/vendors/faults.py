"""What goes wrong with a vendor (reliability R10 and R33), by names."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.e2e.vendors.house import House
from tests.egress.certificates import server_trust

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
ELSEWHERE = ("no_name", "wrong_certificate", "handshake_hangs")
"""What is wrong with an address from the start: its name or its TLS."""

_UNREACHABLE = ("connect_refused", "connect_hangs")
PASSING = FAULTS
"""All of them can come and go while the vendor's address stays."""

_NEVER_MS = 600_000


async def break_vendor(
    house: House, vendor: str, fault: str, stack: AsyncExitStack, at: int = 0
) -> None:
    """Let a fault begin, also for connections that are open already where it can.

    ``at`` is the message of a stream in place of which it stalls, breaks off or turns to garbage.
    """
    net = house.nets[vendor]
    if fault in _UNREACHABLE:
        net.turn_away()
        if fault == "connect_hangs":
            await stack.enter_async_context(deaf_port(net.host))
    elif fault in ELSEWHERE:
        house.urls[vendor] = await stack.enter_async_context(_elsewhere(fault))
    else:
        _break_answers(house, vendor, fault, at)


def _break_answers(house: House, vendor: str, fault: str, at: int) -> None:
    """Let answers go wrong where connections can be made."""
    faults, net = house.faults_of(vendor), house.nets[vendor]
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


async def mend_vendor(house: House, vendor: str, stack: AsyncExitStack) -> None:
    """Let all faults of a vendor end; connections that hang go on hanging."""
    faults = house.faults_of(vendor)
    net = house.nets[vendor]
    await stack.aclose()
    if not net.is_listening:
        await net.admit()
    faults.refuse = faults.stall_at = faults.cut_at = None
    faults.garble_at = None
    net.blackhole = net.reset = False
    net.latency_ms = 0
    net.slice_bytes = net.bytes_per_second = None


@asynccontextmanager
async def deaf_port(host: str) -> AsyncIterator[None]:
    """Make no connection to this address: its queue of connections is full."""
    name, _, port = host.partition(":")
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((name, int(port)))
        listener.listen(0)
        address = listener.getsockname()
        loop = asyncio.get_running_loop()
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            with suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    await loop.sock_connect(filler, address)
        yield


@asynccontextmanager
async def _elsewhere(fault: str) -> AsyncIterator[str]:
    """Give an address that begins well and leads nowhere."""
    if fault == "no_name":
        yield "https://vendor.invalid"
        return
    with TemporaryDirectory() as directory:
        trust = None
        if fault == "wrong_certificate":
            trust, _ = server_trust(Path(directory), "another.example")
        # Without a certificate it takes the handshake's first message and never answers.
        server = await asyncio.start_server(_swallow, "127.0.0.1", 0, ssl=trust)
        try:
            yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()


async def _swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        await reader.read(-1)
    writer.close()
