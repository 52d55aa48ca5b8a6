"""A TCP proxy in front of a fake vendor that does to the bytes what bad networks do."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from socket import SO_LINGER, SOL_SOCKET


@dataclass
class Chaos:
    """What happens to connections; may be changed while they run.

    ``blackhole`` takes everything and answers nothing, also on connections that are open already.
    ``reset`` ends new connections with a reset, ``limit_bytes`` ends each after that many bytes of
    answer. ``latency_ms``, ``slice_bytes`` and ``bytes_per_second`` slow the answer down.
    """

    target: str
    blackhole: bool = False
    reset: bool = False
    latency_ms: int = 0
    slice_bytes: int | None = None
    limit_bytes: int | None = None
    bytes_per_second: int | None = None
    host: str = ""
    connections: int = 0
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Chaos]:
        """Serve while the block lasts; ``host`` is where to connect to instead of the target."""
        await self.admit()
        try:
            yield self
        finally:
            self.turn_away()
            await asyncio.sleep(0.02)

    async def admit(self) -> None:
        """Listen, on the same port as before."""
        port = int(self.host.partition(":")[2] or 0)
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.host = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    @property
    def is_listening(self) -> bool:
        """Whether connections are taken."""
        return self._server is not None and self._server.is_serving()

    def turn_away(self) -> None:
        """Refuse connections from now on, and reset those that are open."""
        if self._server is not None:
            self._server.close()
        self.drop_all()

    def drop_all(self) -> None:
        """Reset every open connection."""
        for writer in list(self._writers):
            _reset(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self.reset:
            _reset(writer)
            return
        host, _, port = self.target.partition(":")
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        self._writers.add(writer)
        try:
            async with asyncio.TaskGroup() as group:
                forth = group.create_task(self._forth(reader, far_writer))
                await self._back(far_reader, writer)
                forth.cancel()
        except* OSError:
            pass
        finally:
            self._writers.discard(writer)
            far_writer.close()
            writer.close()

    async def _forth(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(65536):
            if not self.blackhole:
                writer.write(piece)
                await writer.drain()
        writer.close()

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sent = 0
        while piece := await reader.read(65536):
            if self.blackhole:
                continue
            await asyncio.sleep(self.latency_ms / 1000)
            size = self.slice_bytes or len(piece)
            for start in range(0, len(piece), size):
                part = piece[start : start + size]
                if self.limit_bytes is not None and sent + len(part) > self.limit_bytes:
                    writer.write(part[: self.limit_bytes - sent])
                    await writer.drain()
                    return
                writer.write(part)
                await writer.drain()
                sent += len(part)
                await asyncio.sleep(
                    len(part) / self.bytes_per_second if self.bytes_per_second else 0
                )


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
