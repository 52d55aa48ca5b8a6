"""Server-sent events, as far as chat completions use them: the ``data`` of each event.

https://html.spec.whatwg.org/multipage/server-sent-events.html, section 9.2.6.
"""

from __future__ import annotations

MOST_EVENT_BYTES = 256 * 1024


class BadEvents(ValueError):
    """What came is no stream of events, or one event is larger than any answer may be."""


class EventReader:
    """Cuts a stream of bytes, which arrives in pieces of any size, into the data of its events.

    Comments, event names, identifiers and retry times are passed over. An event without a blank
    line after it is not handed out, as the standard has it.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._lines: list[bytes] = []
        self._held_bytes = 0

    def push(self, piece: bytes) -> list[bytes]:
        """Take the next bytes; return the data of the events they completed. Raises
        ``BadEvents``.
        """
        self._rest += piece
        events: list[bytes] = []
        start = 0
        while (end := self._rest.find(b"\n", start)) >= 0:
            line = bytes(self._rest[start:end]).removesuffix(b"\r")
            start = end + 1
            if line:
                self._take(line)
            elif self._lines:
                events.append(b"\n".join(self._lines))
                self._lines.clear()
                self._held_bytes = 0
        del self._rest[:start]
        if len(self._rest) + self._held_bytes > MOST_EVENT_BYTES:
            raise BadEvents(f"event: more than {MOST_EVENT_BYTES} bytes")
        return events

    def _take(self, line: bytes) -> None:
        name, colon, value = line.partition(b":")
        if name == b"data" and colon:
            value = value.removeprefix(b" ")
            self._lines.append(value)
            self._held_bytes += len(value)
        elif not colon and name not in (b"data", b"event", b"id", b"retry"):
            raise BadEvents("event: a line that is no field")
