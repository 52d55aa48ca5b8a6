"""Where adapters open WebSockets to their vendors from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp

_CONNECT_S = 3.0
_NAMES_S = 60


def vendor_sockets(
    socket: type[aiohttp.ClientWebSocketResponse[Any]], headers: Mapping[str, str] | None = None
) -> aiohttp.ClientSession:
    """Return what opens any number of sockets of a class; it keeps no cookies and asks no proxy.

    ``headers`` go with every request. To be closed by whoever asked for it.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=_NAMES_S),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S),
        headers={"User-Agent": "cordboard", **(headers or {})},
        ws_response_class=socket,
        trust_env=False,
    )
