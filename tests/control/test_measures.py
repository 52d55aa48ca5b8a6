"""``GET /metrics``."""

from __future__ import annotations

import httpx
import pytest

from tests.control.server import OWNER_KEY, Server


def test_open_on_this_machine(server: Server) -> None:
    """Whoever asks from this machine needs no key; the answer is of Prometheus's type."""
    answer = httpx.get(f"{server.base_url}/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"])
def test_a_proxy_is_not_this_machine(server: Server, name: str) -> None:
    """Behind a proxy anybody might ask: a key is needed."""
    url = f"{server.base_url}/metrics"
    assert httpx.get(url, headers={name: "127.0.0.1"}).status_code == 401
    key = {"Authorization": f"Bearer {OWNER_KEY}"}
    assert httpx.get(url, headers={name: "127.0.0.1", **key}).status_code == 200
