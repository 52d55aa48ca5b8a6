"""Where a leg meets its call: the one synchronous path of sound, and what else the leg tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cordboard.call.events import (
    DigitPressed,
    DigitsSent,
    Event,
    LegEnded,
    LegEndedBy,
    LegHeld,
    LegResumed,
)
from cordboard.engine.bridge import Bridge
from cordboard.engine.guard import Guard, Report
from cordboard.engine.listening import Listening
from cordboard.engine.outlet import Outlet
from cordboard.engine.recording import Recorder
from cordboard.engine.ringback import Ringback
from cordboard.engine.speaking import Speaking
from cordboard.engine.timeline import Timeline
from cordboard.engine.transcribing import Transcribing
from cordboard.ports import Leg


@dataclass(frozen=True, slots=True, kw_only=True)
class LineParts:
    """What a line connects. ``broke`` is told when something of ours raised in the path of
    sound.
    """

    leg_id: str
    timeline: Timeline
    listening: Listening
    transcribing: Transcribing
    speaking: Speaking
    recorder: Recorder
    outlet: Outlet | None = None
    report: Report
    post: Callable[[Event], None]
    broke: Callable[[str], None]


class Line:
    """The ``LegSink`` of a call. Sound that comes before the answer or after the end is dropped."""

    def __init__(self, parts: LineParts) -> None:
        self.has_ended = False
        """The far end is gone."""
        self._parts = parts
        self._guard = Guard("path of sound", parts.report)
        self._open = False
        self._handover: tuple[Bridge, Leg] | None = None
        self._ringback: Ringback | None = None
        # Looked up once: these run for every frame.
        self._timeline = parts.timeline
        self._record = parts.recorder.tick
        self._hear = parts.listening.hear
        self._next_frame = _heard_frames(parts.speaking, parts.outlet)

    def open(self) -> None:
        """The leg has been answered: the timeline starts, sound flows."""
        self._timeline.start()
        self.codec_changed()
        self._open = True
        self._parts.speaking.answered()

    def close(self) -> None:
        """Let no more sound through."""
        self._open = False

    def bridge(self, bridge: Bridge, target: Leg) -> None:
        """Let the caller talk with ``target`` from now on; the agent is as if on hold."""
        self._handover = bridge, target
        self._parts.post(LegHeld(self._parts.leg_id))

    def let_ring(self, ringback: Ringback | None) -> None:
        """Let the caller hear a ringing tone wherever nothing else sounds; None ends it."""
        self._ringback = ringback

    def unbridge(self) -> None:
        """Let nobody talk with the caller any more: a bridge is the end of the agent's part."""
        if self._handover is not None:
            self._handover = None
            self._open = False

    def audio_received(self, payload: bytes) -> None:
        """Take one 20 ms frame through everything that wants it."""
        if not self._open:
            return
        with self._guard:
            timeline = self._timeline
            missing = timeline.missing_frames()
            if missing:
                self._parts.recorder.pad(missing)
                timeline.advance(missing)
            if self._handover is None:
                played = self._next_frame()
                if played is None and self._ringback is not None:
                    played = self._ringback.play_frame()
                self._record(payload, played)
                self._hear(payload, played)
            else:
                self._record(payload, self._handover[0].exchange(payload))
            timeline.advance()
        if self._guard.broken:
            self._failed()

    def judge(self, due_ms: int) -> None:
        """Second pass of a media tick: the voice activity batch has run."""
        if not self._open:
            return
        with self._guard:
            self._parts.listening.judge(due_ms)
        if self._guard.broken:
            self._failed()

    def mark_reached(self, mark: str) -> None:
        """Everything before the mark has been played."""
        with self._guard:
            self._parts.speaking.mark_reached(mark)
        if self._guard.broken:
            self._failed()

    def digit_pressed(self, digit: str) -> None:
        """One key press."""
        if self._handover is not None:
            self._handover[1].send_digits("caller", digit)
            return
        self._parts.post(DigitPressed(digit))

    def digits_sent(self, request_id: str, failure: str | None) -> None:
        """Digits have been sent, or not."""
        self._parts.post(DigitsSent(request_id, failure))

    def held(self, on: bool) -> None:
        """The far end put us on hold, or took us off."""
        if self._handover is not None:
            return
        leg_id = self._parts.leg_id
        self._parts.post(LegHeld(leg_id) if on else LegResumed(leg_id))

    def codec_changed(self) -> None:
        """The leg's codec is another one from now on."""
        with self._guard:
            self._parts.recorder.codec_changed()
            self._parts.transcribing.codec_changed()
            self._parts.listening.codec_changed()
            if self._parts.outlet is not None:
                self._parts.outlet.codec_changed()
            self._parts.speaking.codec_changed()
            if self._handover is not None:
                self._handover[0].codec_changed()
        if self._guard.broken:
            self._failed()

    def ended(self, by: LegEndedBy, cause: str) -> None:
        """The leg is gone."""
        self.has_ended = True
        self._open = False
        self._parts.post(LegEnded(self._parts.leg_id, by, cause))

    def _failed(self) -> None:
        self._open = False
        self._parts.broke("path of sound")


def _heard_frames(speaking: Speaking, outlet: Outlet | None) -> Callable[[], bytes | None]:
    """Return what gives, once a tick, the frame that leaves for the far end."""
    if outlet is None:
        return speaking.next_frame

    def next_frame() -> bytes | None:
        speaking.next_frame()
        return outlet.tick()

    return next_frame
