"""A WebSocket that can be given up at once."""

from __future__ import annotations

from typing import Any

import aiohttp


class LooseSocket(aiohttp.ClientWebSocketResponse[Any]):
    """aiohttp's client socket with an end that waits for nobody.

    Given to a session as its ``ws_response_class``.
    """

    def free(self) -> None:
        """Close the connection now, whatever state it is in: the vendor stops making sound."""
        self._response.close()
