"""The gate and TLS: the judged address is connected to, the name is what is verified."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path

import pytest

from cordboard.egress import Egress, EgressPolicy, Unreachable
from cordboard.egress.gate import _judging_sockets
from tests.egress.certificates import server_trust
from tests.egress.test_gate import ScriptedNames

LOOPBACK = EgressPolicy(open_networks=(ip_network("127.0.0.0/8"),))


@asynccontextmanager
async def serving_tls(context: ssl.SSLContext) -> AsyncIterator[int]:
    """Run a target that speaks TLS and answers 200."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def post(tls: ssl.SSLContext | None, host: str, port: int) -> int:
    """POST to ``https://host:port/``, whose name resolves to loopback."""
    egress = Egress(LOOPBACK, ScriptedNames(["127.0.0.1"]), tls)
    try:
        return (await egress.post_json(f"https://{host}:{port}/", b"{}", {})).status
    finally:
        await egress.close()


async def test_the_name_is_asked_for_and_verified(tmp_path: Path) -> None:
    """TLS names the host of the URL, although the connection goes to an address."""
    server, client = server_trust(tmp_path, "secure.test")
    asked: list[str | None] = []
    server.sni_callback = lambda _, name, __: asked.append(name)
    async with serving_tls(server) as port:
        assert await post(client, "secure.test", port) == 200
    assert asked == ["secure.test"]


async def test_another_name_is_not_trusted(tmp_path: Path) -> None:
    """A certificate for another name is no connection, however the name resolved."""
    server, client = server_trust(tmp_path, "secure.test")
    async with serving_tls(server) as port:
        with pytest.raises(Unreachable):
            await post(client, "other.test", port)


async def test_an_unknown_issuer_is_not_trusted(tmp_path: Path) -> None:
    """By default the system's trust decides."""
    server, _ = server_trust(tmp_path, "secure.test")
    async with serving_tls(server) as port:
        with pytest.raises(Unreachable):
            await post(None, "secure.test", port)


@pytest.mark.parametrize("address", ["10.0.0.1", "::1", "169.254.169.254", "nonsense"])
def test_sockets_judge_again(address: str) -> None:
    """Should an address ever get past the resolver, no socket is made for it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with pytest.raises(PermissionError):
        _judging_sockets(LOOPBACK)((family, socket.SOCK_STREAM, 0, "", (address, 80)))
