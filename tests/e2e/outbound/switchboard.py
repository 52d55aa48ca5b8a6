"""A far end that counts: it rings for a while, then it is busy, and it knows who was dialled."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

Address = tuple[str, int]
_DIALLED = re.compile(r"^INVITE sip:\+?([^@]+)@")


class Switchboard(asyncio.DatagramProtocol):
    """``dials`` holds the Call-IDs of each number's INVITEs; ``cancelled`` those given up.

    ``most_at_once`` is how many rang at the same time.
    """

    def __init__(self, ring_ms: int, group: asyncio.TaskGroup) -> None:
        self.dials: dict[str, set[str]] = defaultdict(set)
        self.cancelled: set[str] = set()
        self.port = 0
        self.most_at_once = 0
        self._ring_ms = ring_ms
        self._group = group
        self._transport: asyncio.DatagramTransport | None = None
        self._settled: dict[str, str] = {}
        self._seen: set[str] = set()
        self._over = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket (asyncio's callback)."""
        self._transport = cast("asyncio.DatagramTransport", transport)
        self.port = int(transport.get_extra_info("sockname")[1])

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Take one request (asyncio's callback)."""
        text = data.decode("utf-8", "replace")
        method = text.partition(" ")[0]
        call_id = _field(text, "Call-ID")
        if method == "INVITE":
            self._invited(text, call_id, addr)
        elif method == "CANCEL":
            self._say(text, "200 OK", addr)
            self.cancelled.add(call_id)
            self._settled.setdefault(call_id, "487 Request Terminated")
            self._say(text.replace("CANCEL", "INVITE"), self._settled[call_id], addr)
        elif method == "BYE":
            self._say(text, "200 OK", addr)

    def _invited(self, text: str, call_id: str, addr: Address) -> None:
        found = _DIALLED.match(text)
        assert found is not None
        self.dials[found[1]].add(call_id)
        if call_id in self._settled:
            self._say(text, self._settled[call_id], addr)
            return
        self._say(text, "180 Ringing", addr)
        if call_id not in self._seen:
            self._seen.add(call_id)
            self.most_at_once = max(self.most_at_once, len(self._seen) - len(self._settled))
            self._group.create_task(self._be_busy(text, call_id, addr))

    async def _be_busy(self, text: str, call_id: str, addr: Address) -> None:
        try:
            async with asyncio.timeout(self._ring_ms / 1_000):
                await self._over.wait()
        except TimeoutError:
            pass
        if self._settled.setdefault(call_id, "486 Busy Here") == "486 Busy Here":
            self._say(text, "486 Busy Here", addr)

    def _say(self, request: str, status: str, addr: Address) -> None:
        assert self._transport is not None
        if self._transport.is_closing():
            return
        lines = [f"SIP/2.0 {status}"]
        for line in request.split("\r\n"):
            name = line.partition(":")[0].lower()
            if name in ("via", "from", "call-id", "cseq"):
                lines.append(line)
            elif name == "to":
                lines.append(line if ";tag=" in line else f"{line};tag=far")
        lines += ["Contact: <sip:far@127.0.0.1>", "Content-Length: 0", "", ""]
        self._transport.sendto("\r\n".join(lines).encode(), addr)

    def hurry(self) -> None:
        """Ring no longer."""
        self._over.set()

    def close(self) -> None:
        """Ring no longer, and close the socket."""
        self.hurry()
        if self._transport is not None:
            self._transport.close()


@asynccontextmanager
async def switchboard(ring_ms: int = 500) -> AsyncIterator[Switchboard]:
    """Listen within the block."""
    async with asyncio.TaskGroup() as group:
        board = Switchboard(ring_ms, group)
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: board, local_addr=("127.0.0.1", 0))
        try:
            yield board
        finally:
            board.close()
            await asyncio.sleep(0)  # the loop lets go of the socket in its next turn


def _field(text: str, name: str) -> str:
    found = re.search(rf"^{name}:\s*(\S+)", text, re.MULTILINE | re.IGNORECASE)
    return "" if found is None else found[1]
