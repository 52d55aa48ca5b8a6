"""A WebSocket to a tenant's target, as the gate opens it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import aiohttp
from yarl import URL

from cordboard.egress.errors import Unreachable

PING_EVERY_S: Final = 20.0
"""A ping that is not answered within half of it means that nobody is there any more."""

CLOSE_S: Final = 1.0

_TEXT: Final = (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY)


class EgressSocket:
    """An open WebSocket. Made by ``Egress.open_socket``."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Take what has been connected."""
        self._socket = socket

    async def send(self, text: str) -> None:
        """Send one text message.

        Raises:
            Unreachable: the connection is gone, and nothing of the message was written.

        """
        try:
            await self._socket.send_str(text)
        except (aiohttp.ClientError, ConnectionError):
            raise Unreachable("the connection is gone") from None

    async def receive(self) -> str | bytes | None:
        """Return the next message, None when the connection is over."""
        message = await self._socket.receive()
        if message.type in _TEXT:
            received: str | bytes = message.data
            return received
        return None

    async def close(self) -> None:
        """Say goodbye (1000); returns when the other side did, or soon after."""
        await self._socket.close()

    @property
    def close_code(self) -> int | None:
        """How the other side closed, where it told."""
        return self._socket.close_code


async def connected(
    http: aiohttp.ClientSession, url: URL, headers: Mapping[str, str], max_bytes: int
) -> EgressSocket:
    """Connect; errors are those of the HTTP client."""
    return EgressSocket(
        await http.ws_connect(
            url,
            headers=headers,
            heartbeat=PING_EVERY_S,
            max_msg_size=max_bytes,
            timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_S),
        )
    )
