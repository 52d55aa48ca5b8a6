"""One caller on a media stream, as the carrier would relay them: 50 messages a second on time, a
playout buffer that returns marks when their sound has been played, and ``clear``.

It says its sentence, listens to the answer, and talks over every second one.
"""

from __future__ import annotations

import asyncio
import json
import time
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from enum import Enum, auto

from benchmarks.streams.vendors import Notes, Turn, call_name, has_speech
from benchmarks.streams.wire import CLOSE, Client

FRAME_S = 0.02
FRAME_BYTES = 160
SETTLE_S = 1.5
ANSWER_WAIT_S = 8.0
OVERLAP_AFTER_S = 2.0
QUIET_S = 1.0
CLEAR_WAIT_S = 4.0
CLOSE_WAIT_S = 1.0
_SILENCE = b64encode(b"\xff" * FRAME_BYTES)


class Phase(Enum):
    """What the caller does."""

    PAUSING = auto()
    SPEAKING = auto()
    AWAITING = auto()
    LISTENING = auto()


@dataclass(slots=True)
class Heard:
    """What all callers noted. Times in seconds of the monotonic clock unless their name says so."""

    answers: list[tuple[Turn, float, float]] = field(default_factory=list)
    """Which turn, when its last frame of speech left, when the first sound of the answer came."""
    clears_ms: list[float] = field(default_factory=list)
    started: dict[int, float] = field(default_factory=dict)
    overlaps: int = 0
    bad: int = 0
    frames: float = 0.0
    late_frames: int = 0
    failures: list[str] = field(default_factory=list)


class Playout:
    """What the phone has been sent and when it will have been played. Positions are times."""

    def __init__(self, heard: Heard) -> None:
        self.until = 0.0
        self.begun = False
        self._heard = heard
        self._marks: list[tuple[float, str]] = []

    def take(self, seconds: float, now: float) -> None:
        """Append sound; if all before has been played within an answer, it comes late."""
        gap_s = now - self.until
        if self.begun and gap_s > FRAME_S:
            self._heard.late_frames += int(gap_s / FRAME_S)
        self.until = max(self.until, now) + seconds
        self._heard.frames += seconds / FRAME_S
        self.begun = True

    def mark(self, name: str) -> None:
        """Have a mark returned when all so far has been played."""
        self._marks.append((self.until, name))

    def due(self, now: float) -> list[str]:
        """Return the marks that have been reached."""
        count = sum(at <= now for at, _ in self._marks)
        reached, self._marks = self._marks[:count], self._marks[count:]
        return [name for _, name in reached]

    def clear(self, now: float) -> None:
        """Drop what has not been played; marks are all due."""
        self.until = now
        self.begun = False
        self._marks = [(now, name) for _, name in self._marks]


class Caller(Client):
    """One call. ``send_frame`` is due every 20 ms, from when it has ``started``."""

    def __init__(self, number: int, speech: list[bytes], heard: Heard, target: str) -> None:
        super().__init__(target)
        self.has_started = False
        self.is_over = False
        self._number = number
        self._heard = heard
        self._speech = [b64encode(frame) for frame in speech]
        self._stream_sid = f"MZ{number:032x}"
        self._tail = b'"},"streamSid":"%b"}' % self._stream_sid.encode()
        self._playout = Playout(heard)
        self._script = _Script(number, heard, self._playout)
        self._sent = 0

    def opened(self) -> None:
        """Say whose stream this is."""
        self._tell({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        name = call_name(self._number)
        start = {
            "accountSid": "AC" + "0" * 32, "streamSid": self._stream_sid, "callSid": name,
            "tracks": ["inbound"], "customParameters": {},
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        }  # fmt: skip
        self._tell({"event": "start", "sequenceNumber": "1", "streamSid": self._stream_sid,
                    "start": start})  # fmt: skip
        self._heard.started[self._number] = now = time.monotonic()
        self._script.begin(now)
        self.has_started = True

    def send_frame(self) -> None:
        """Send 20 ms, and do what is due."""
        if self.is_over or not self.is_open:
            return
        now = time.monotonic()
        at = self._script.next_frame(now, len(self._speech))
        self._sent += 1
        self.send(
            b'{"event":"media","sequenceNumber":"%d","media":{"track":"inbound","chunk":"%d",'
            b'"timestamp":"%d","payload":"%b%b'
            % (self._sent + 1, self._sent, self._sent * 20,
               _SILENCE if at is None else self._speech[at], self._tail)
        )  # fmt: skip
        for name in self._playout.due(now):
            self._tell({"event": "mark", "streamSid": self._stream_sid, "mark": {"name": name}})

    def message(self, payload: bytes) -> None:
        """Take sound, a mark or ``clear``."""
        now = time.monotonic()
        told = json.loads(payload)
        match told["event"]:
            case "media":
                sound = b64decode(told["media"]["payload"])
                if self._script.hears(now, sound):
                    self._playout.take(len(sound) / 8000, now)
            case "mark":
                self._playout.mark(told["mark"]["name"])
            case "clear":
                self._playout.clear(now)
                self._script.cleared(now)

    def hang_up(self) -> None:
        """End the call."""
        self.is_over = True
        if self.is_open:
            self._tell({"event": "stop", "streamSid": self._stream_sid, "stop": {}})
            self.send(b"\x03\xe8", CLOSE)
            asyncio.get_running_loop().call_later(CLOSE_WAIT_S, self.transport.abort)

    def lost(self) -> None:
        """The other side must not be the one to close."""
        if not self.is_over:
            self.is_over = True
            self._heard.failures.append(f"call {self._number} was closed")

    def _tell(self, content: object) -> None:
        self.send(json.dumps(content).encode())


class _Script:
    """Who speaks when."""

    def __init__(self, number: int, heard: Heard, playout: Playout) -> None:
        self._number = number
        self._heard = heard
        self._playout = playout
        self._phase, self._since = Phase.PAUSING, 0.0
        self._pause_s = SETTLE_S
        self._turn = self._answers = self._at = 0
        self._overlapping: float | None = None

    def begin(self, now: float) -> None:
        """The stream has started."""
        self._enter(Phase.PAUSING, now)

    def next_frame(self, now: float, size: int) -> int | None:
        """Return the number of the frame of speech that is due, None for silence."""
        self._decide(now)
        if self._phase is not Phase.SPEAKING:
            return None
        at, self._at = self._at, self._at + 1
        if self._at == size:
            self._enter(Phase.AWAITING, now)
        return at

    def hears(self, now: float, sound: bytes) -> bool:
        """Take sound of the agent's; False if it is silence before an answer."""
        if self._phase is Phase.AWAITING:
            if not has_speech(sound):
                return False
            self._heard.answers.append(((self._number, self._turn), self._since, now))
            self._answers += 1
            self._playout.begun = False
            self._enter(Phase.LISTENING, now)
        return True

    def cleared(self, now: float) -> None:
        """The agent has fallen silent."""
        if self._overlapping is not None:
            self._heard.clears_ms.append((now - self._overlapping) * 1000)
            self._overlapping = None

    def _decide(self, now: float) -> None:
        waited_s = now - self._since
        quiet = now > self._playout.until + QUIET_S
        if self._overlapping is not None and now - self._overlapping > CLEAR_WAIT_S:
            self._overlapping = None
            self._heard.bad += 1
        match self._phase:
            case Phase.PAUSING if waited_s > self._pause_s:
                self._speak(now)
            case Phase.AWAITING if waited_s > ANSWER_WAIT_S:
                self._heard.bad += 1
                self._enter(Phase.PAUSING, now)
            case Phase.LISTENING if self._answers % 2 == 0 and waited_s > OVERLAP_AFTER_S:
                self._overlapping = now
                self._heard.overlaps += 1
                self._speak(now)
            case Phase.LISTENING if quiet:
                self._pause_s = 0.3
                self._playout.begun = False
                self._enter(Phase.PAUSING, now)
            case _:
                pass

    def _speak(self, now: float) -> None:
        self._turn += 1
        self._at = 0
        self._playout.begun = False
        self._enter(Phase.SPEAKING, now)

    def _enter(self, phase: Phase, now: float) -> None:
        self._phase, self._since = phase, now


def own_share_ms(notes: Notes, answer: tuple[Turn, float, float]) -> dict[str, float] | None:
    """Return how long the server held the ball in a turn, by stage; None if a stage is missing.

    What the vendors take is between the stages and counts for nobody.
    """
    turn, spoke, answered = answer
    at = notes.turns.get(turn, {})
    try:
        return {
            "to_transcriber": (at["last_sound"] - spoke) * 1000,
            "to_model": (at["asked_model"] - at["final"]) * 1000,
            "to_voice": (at["asked_voice"] - at["first_sentence"]) * 1000,
            "to_caller": (answered - at["first_sound"]) * 1000,
        }
    except KeyError:
        return None
