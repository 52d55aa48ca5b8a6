"""Receivers of external actions on loopback: a well-behaved one and many that are not."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Serve = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def receiving(serve: Serve) -> AsyncIterator[tuple[str, list[tuple[bytes, bytes]]]]:
    """Run a receiver; gives its URL and the (head, body) of each request it got."""
    requests: list[tuple[bytes, bytes]] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.partition(b":")[2])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length:")
            )
            requests.append((head, await reader.readexactly(length)))
            await serve(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/act", requests
    finally:
        server.close()


def answering(status: int, body: bytes, *headers: str, delay_seconds: float = 0) -> Serve:
    """Answer with a status and body, after a delay."""

    async def serve(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(delay_seconds)
        lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}", *headers]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        await writer.drain()

    return serve


def agreeing(content: object, delay_seconds: float = 0) -> Serve:
    """Answer 200 with this content as JSON."""
    return answering(200, json.dumps(content).encode(), delay_seconds=delay_seconds)


def flooding(status: int) -> Serve:
    """Send a gigabyte, as far as somebody takes it."""

    async def serve(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status} Flood\r\nContent-Length: {10**9}\r\n\r\n".encode())
        block = b'{"result": {"a": "' + b"x" * 65536
        for _ in range(10**9 // len(block)):
            writer.write(block)
            await writer.drain()

    return serve


def bombing(size_bytes: int) -> Serve:
    """Send little that unpacks to much."""
    packed = gzip.compress(b'{"result": {"a": "' + bytes(size_bytes) + b'"}}')
    return answering(200, packed, "Content-Encoding: gzip")


async def silent(writer: asyncio.StreamWriter) -> None:
    """Accept and never answer."""
    await asyncio.sleep(30)


async def dripping(writer: asyncio.StreamWriter) -> None:
    """Answer a byte at a time, each soon enough to keep hope alive."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def resetting(writer: asyncio.StreamWriter) -> None:
    """Reset the connection instead of answering."""
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def cutting(writer: asyncio.StreamWriter) -> None:
    """Announce more than is sent."""
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{"result": {')
    await writer.drain()
