"""A WebSocket whose messages are handled in the very call that read them from the network.

``aiohttp`` does the handshake, the framing and the closing; only text messages leave its path: they
go straight to a callback instead of through a queue and a task (`performance.md` 5.1). That takes
its internal queue class; the tests hold that a message is handled before the read returns.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final

from aiohttp import WSMsgType, web
from aiohttp._websocket.reader import WebSocketDataQueue, WebSocketReader

from cordboard.telephony.twilio.wire import MESSAGE_BYTES_MAX

_FIN_TEXT: Final = 0x81
_CLOSE: Final = 0x88
_PACK_SHORT: Final = struct.Struct("!BB").pack
_PACK_LONG: Final = struct.Struct("!BBH").pack
_PACK_HUGE: Final = struct.Struct("!BBQ").pack
_QUEUE_BYTES: Final = 64 * 1024


def text_frame(message: bytes) -> bytes:
    """Return a text message as one unmasked frame (RFC 6455 5.2), as a server sends it."""
    size = len(message)
    if size < 126:
        return _PACK_SHORT(_FIN_TEXT, size) + message
    if size < 65_536:
        return _PACK_LONG(_FIN_TEXT, 126, size) + message
    return _PACK_HUGE(_FIN_TEXT, 127, size) + message


class _Straight(WebSocketDataQueue):
    """Hands text messages on at once and queues everything else for ``receive``."""

    take: Callable[[bytes], None]

    def feed_data(self, data: Any, size: int) -> None:
        if data[0] is WSMsgType.TEXT:
            self.take(data[1])
        else:
            super().feed_data(data, size)


class MediaSocket(web.WebSocketResponse):
    """The server's end of one media stream. ``prepare`` it, then wait for ``receive`` to return.

    ``handle`` gets each text message as bytes. Sending never waits: ``waiting_bytes`` tells how
    much the far end has left unread, and the sender stops by that.
    """

    def __init__(self, handle: Callable[[bytes], None]) -> None:
        """Take who handles messages."""
        super().__init__(
            compress=False, max_msg_size=MESSAGE_BYTES_MAX, timeout=1.0, decode_text=False
        )
        self._handle = handle

    def _post_start(self, request: web.BaseRequest, protocol: str | None, writer: Any) -> None:
        assert self._loop is not None
        self._ws_protocol = protocol
        self._writer = writer
        queue = _Straight(request.protocol, _QUEUE_BYTES, loop=self._loop)
        queue.take = self._handle
        self._reader = queue
        self._parser = WebSocketReader(queue, MESSAGE_BYTES_MAX, compress=False, decode_text=False)
        request.protocol.set_parser(self._parser)
        request.protocol.keep_alive(False)

    @property
    def waiting_bytes(self) -> int:
        """How much of what was sent the far end has not taken yet."""
        writer = self._writer
        if writer is None or writer.transport is None:
            return 0
        size: int = writer.transport.get_write_buffer_size()
        return size

    def send(self, message: bytes) -> None:
        """Send one text message; nothing happens when the connection is gone."""
        writer = self._writer
        if writer is not None and not self.closed and not writer.transport.is_closing():
            writer.transport.write(text_frame(message))

    def hang_up(self, code: int = 1000) -> None:
        """Send the close frame and close as soon as it has left."""
        writer = self._writer
        if writer is not None and not writer.transport.is_closing():
            writer.transport.write(_PACK_SHORT(_CLOSE, 2) + code.to_bytes(2, "big"))
            writer.transport.close()

    def abort(self) -> None:
        """Cut the connection; what is unsent is dropped."""
        writer = self._writer
        if writer is not None:
            writer.transport.abort()
