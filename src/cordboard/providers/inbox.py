"""The child's end of the two pipes: frames come in by standard input, go out by standard output.

Runs in a child process only. Libraries that print must not break the framing, so the real
standard output is kept for frames and everything printed goes to standard error.
"""

from __future__ import annotations

import os
import select
from collections import deque

from cordboard.providers.frames import FrameReader, pack

_PIECE_BYTES = 65536


class Inbox:
    """Frames from the parent, and the way back. End of input means: the parent is gone."""

    def __init__(self) -> None:
        self._out = os.dup(1)
        os.dup2(2, 1)
        self._reader = FrameReader()
        self._frames: deque[bytes] = deque()
        self.ended = False

    def poll(self, wait: bool) -> None:
        """Read what has come; with ``wait`` stay until something has, or the input ended."""
        while not self.ended:
            timeout = None if wait and not self._frames else 0
            if not select.select([0], [], [], timeout)[0]:
                return
            piece = os.read(0, _PIECE_BYTES)
            self.ended = not piece
            self._frames.extend(self._reader.push(piece))

    def take(self) -> bytes | None:
        """Return the next frame that has been read, or None."""
        return self._frames.popleft() if self._frames else None

    def put(self, payload: bytes) -> None:
        """Write a frame; waits while the parent does not read. A gone parent ends the input."""
        rest = memoryview(pack(payload))
        try:
            while rest:
                rest = rest[os.write(self._out, rest) :]
        except BrokenPipeError:
            self.ended = True
