"""Sound on its way to the far end: whole frames and marks, one frame a tick."""

from __future__ import annotations

from collections import deque

from cordboard.media.codec import Codec


class PlayoutQueue:
    """Frames and marks in the order in which they were queued."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._items: deque[bytes | str] = deque()
        self._rest = b""
        self._frame_count = 0

    def play(self, payload: bytes) -> None:
        """Queue sound of any length; what does not fill a frame waits for the next call or mark."""
        size = self._codec.frame_bytes
        if self._rest:
            payload = self._rest + payload
        whole = len(payload) - len(payload) % size
        append = self._items.append
        for start in range(0, whole, size):
            append(payload[start : start + size])
        self._frame_count += whole // size
        self._rest = payload[whole:]

    def mark(self, mark: str) -> None:
        """Queue a mark; a frame begun before it is filled with silence."""
        if self._rest:
            self._items.append((self._rest + self._codec.silence_frame)[: self._codec.frame_bytes])
            self._frame_count += 1
            self._rest = b""
        self._items.append(mark)

    def clear(self) -> int:
        """Drop everything; return how many milliseconds of sound that was."""
        unheard_ms = self._frame_count * 20 + self._codec.duration_ms(self._rest)
        self._items.clear()
        self._frame_count = 0
        self._rest = b""
        return unheard_ms

    def next(self) -> tuple[list[str], bytes | None]:
        """Return the marks that are reached and the frame that is due, None when there is none."""
        items = self._items
        if not items:
            return [], None
        marks: list[str] = []
        while items:
            item = items.popleft()
            if isinstance(item, bytes):
                self._frame_count -= 1
                return marks, item
            marks.append(item)
        return marks, None

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits, digits may go."""
        return not self._items
