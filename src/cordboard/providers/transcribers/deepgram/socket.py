"""A WebSocket that is written to without waiting, in the stack frame in which sound arrives."""

from __future__ import annotations

from typing import Any

import aiohttp


class DirectSocket(aiohttp.ClientWebSocketResponse[Any]):
    """aiohttp's client socket with a way to write that is no coroutine.

    Given to a session as its ``ws_response_class``. No task is woken for a frame: that would be
    the largest part of what a frame costs.
    """

    def __init__(self, reader: Any, writer: Any, *rest: Any, **named: Any) -> None:
        super().__init__(reader, writer, *rest, **named)
        self._direct = writer

    @property
    def unsent_bytes(self) -> int:
        """How much waits in our process because the far end does not read."""
        size: int = self._direct.transport.get_write_buffer_size()
        return size

    def send_now(self, message: bytes | str) -> None:
        """Write one message at once, binary or text. The caller looks at ``unsent_bytes`` before.

        Raises ``ConnectionError`` when the socket is closed.
        """
        if isinstance(message, str):
            sending = self._direct.send_frame(message.encode(), aiohttp.WSMsgType.TEXT)
        else:
            sending = self._direct.send_frame(message, aiohttp.WSMsgType.BINARY)
        try:
            sending.send(None)
        except StopIteration:
            return
        sending.close()  # the message is written; what it waits for is room for more

    def free(self) -> None:
        """Give the connection up, whatever state it is in; nothing is sent any more."""
        self._response.close()
