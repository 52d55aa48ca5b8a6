"""A tap on both directions of a call."""

from __future__ import annotations

import asyncio
from collections import deque

from cordboard.engine.conversion import Converter
from cordboard.engine.facts import FactLog
from cordboard.engine.guard import Guard, Report
from cordboard.media.codec import FRAMES_PER_SECOND, Codec
from cordboard.ports import Leg, Recording, RecordingSink

OPEN_S = 5.0
CLOSE_S = 5.0
_KEPT_FRAMES = 10 * FRAMES_PER_SECOND


class Recorder:
    """Writes one frame of each side a tick. Whatever fails becomes a fact and ends the recording,
    never the call.

    Frames that come before the file is open wait, up to 10 s of them.
    """

    def __init__(self, leg: Leg, facts: FactLog, report: Report) -> None:
        self._leg = leg
        self._facts = facts
        self._guard = Guard("recording", report)
        self._report = report
        self._recording: Recording | None = None
        self._broken = False
        self._codec = leg.codec
        self._waiting: deque[tuple[bytes, bytes]] | None = None
        self._silence = leg.codec.silence_frame
        self._converters: tuple[Converter, Converter] | None = None

    async def open(self, sink: RecordingSink, call_id: str, organisation_id: str) -> None:
        """Open the file; the leg has been answered and its codec is settled."""
        self._codec = self._leg.codec
        self._silence = self._codec.silence_frame
        self._waiting = deque(maxlen=_KEPT_FRAMES)
        failure = "failed"
        with self._guard:
            try:
                async with asyncio.timeout(OPEN_S):
                    self._recording = await sink.open(call_id, organisation_id, self._codec)
            except OSError as error:  # a TimeoutError is one, too
                failure = "timeout" if isinstance(error, TimeoutError) else "no_room"
        waiting, self._waiting = self._waiting, None
        if self._recording is None:
            self._facts.keep("recording_failed", {"failure": failure})
            return
        for caller, agent in waiting:
            self._write(caller, agent)

    def tick(self, caller: bytes, agent: bytes | None) -> None:
        """Write this tick's frames; no frame of ours is silence."""
        if self._recording is not None:
            if not self._broken:
                self._write(caller, agent or self._silence)
        elif self._waiting is not None:
            self._waiting.append((caller, agent or self._silence))

    def pad(self, frames: int) -> None:
        """Fill a gap of the leg with silence, so that positions stay true."""
        for _ in range(frames):
            self.tick(self._silence, None)

    def codec_changed(self) -> None:
        """Follow the leg's codec; the file keeps the one it was opened with."""
        codec: Codec = self._leg.codec
        self._silence = codec.silence_frame
        self._converters = None
        if codec != self._codec:
            self._converters = Converter(codec, self._codec), Converter(codec, self._codec)

    async def close(self) -> bool:
        """Seal the file; True if there is a readable one."""
        recording, self._recording = self._recording, None
        readable = False
        if recording is not None:
            with Guard("closing a recording", self._report):
                async with asyncio.timeout(CLOSE_S):
                    readable = await recording.close()
        return readable

    def _write(self, caller: bytes, agent: bytes) -> None:
        recording = self._recording
        assert recording is not None
        if self._converters is not None:
            caller = self._converters[0].convert(caller)
            agent = self._converters[1].convert(agent)
        guard = self._guard
        with guard:
            recording.caller(caller)
            recording.agent(agent)
        if guard.broken:
            self._broken = True
            self._facts.keep("recording_failed", {"failure": "failed"})
