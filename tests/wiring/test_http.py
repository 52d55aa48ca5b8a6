"""Who asks: whoever connects, unless a proxy that the operator trusts tells otherwise."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path

import httpx
import pytest
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from cordboard.control.app import create_app
from cordboard.control.auth import FAILURES_MAX
from cordboard.storage.database import migrate
from cordboard.wiring.http import HttpPort, bound
from tests.control.server import Engine, services_on


async def _told(scope: Scope, receive: Receive, send: Send) -> None:
    answer = JSONResponse([scope["client"][0], scope["scheme"]])
    await answer(scope, receive, send)


@asynccontextmanager
async def _serving(app: ASGIApp, proxies: Sequence[str]) -> AsyncIterator[httpx.AsyncClient]:
    listening = bound("127.0.0.1", 0)
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    port = HttpPort(app, listening, None, [ip_network(each) for each in proxies])
    async with port.open(), httpx.AsyncClient(base_url=address, timeout=30) as http:
        yield http


@pytest.mark.parametrize(
    ("proxies", "forwarded", "asks"),
    [
        ((), "203.0.113.7", "127.0.0.1"),
        (("192.0.2.0/24",), "203.0.113.7", "127.0.0.1"),
        (("127.0.0.1/32",), "203.0.113.7", "203.0.113.7"),
        (("127.0.0.0/8",), "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        (("127.0.0.0/8", "203.0.113.0/24"), "198.51.100.1, 203.0.113.7", "198.51.100.1"),
        (("127.0.0.1/32",), "", "127.0.0.1"),
    ],
)
async def test_who_asks(
    monkeypatch: pytest.MonkeyPatch, proxies: Sequence[str], forwarded: str, asks: str
) -> None:
    """The header counts from trusted proxies alone, and from its end, which they have written."""
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")  # the library's own switch has no effect
    async with _serving(_told, proxies) as http:
        headers = {"X-Forwarded-For": forwarded, "X-Forwarded-Proto": "https"}
        client, scheme = (await http.get("/", headers=headers)).json()
    assert client == asks
    trusted = any(ip_network("127.0.0.1").subnet_of(ip_network(each)) for each in proxies)  # type: ignore[arg-type]
    assert scheme == ("https" if trusted else "http")


async def test_no_header_helps_to_guess(tmp_path: Path) -> None:
    """Whatever address a request claims, after 20 failures it is refused (R14)."""
    url = f"sqlite+aiosqlite:///{tmp_path}/c.db"
    await migrate(url)
    services = services_on(url, Engine())
    async with _serving(create_app(services), ()) as http:
        codes = []
        for number in range(FAILURES_MAX + 5):
            claimed = f"203.0.113.{number}"
            headers = {"X-Forwarded-For": claimed, "Forwarded": f"for={claimed}"}
            headers |= {"X-Real-IP": claimed, "Authorization": f"Bearer k{number}"}
            codes.append((await http.get("/v1/agents/list", headers=headers)).status_code)
    await services.database.close()
    assert codes == [401] * FAILURES_MAX + [429] * 5
