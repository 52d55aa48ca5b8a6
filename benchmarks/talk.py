"""One caller's conversation with the server under test, and the delays it notes.

It waits for the greeting, speaks, times the answer, and talks over every second answer. All is
judged from what is on the wire: sound is every frame that is not digital silence.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from enum import Enum, auto

from benchmarks.caller import SILENCE, Callers
from benchmarks.vendors import vendors_ms
from cordboard.media.segmenter import HANGOVER_MS

FRAME_BYTES = 160
QUIET_S = 0.4
PAUSE_S = 0.5
OVERLAP_AFTER_S = 1.5
ANSWER_WAIT_S = 6.0


class Phase(Enum):
    """What the caller does."""

    LISTENING = auto()
    PAUSING = auto()
    SPEAKING = auto()
    OVERLAPPING = auto()
    AWAITING = auto()


@dataclass(slots=True)
class Delays:
    """What one caller timed, in milliseconds; ``bad`` turns had no answer, or one too soon.

    ``own_ms`` are response delays without what vendors and the end of the turn take.
    """

    own_ms: list[float] = field(default_factory=list)
    overlap_ms: list[float] = field(default_factory=list)
    greeting_ms: float | None = None
    bad: int = 0


class Talk:
    """One call: ``send_frame`` is due every 20 ms."""

    def __init__(self, callers: Callers, number: str, speech: bytes) -> None:
        self.delays = Delays()
        self.call = callers.new_call(number, self._hear)
        self._speech = speech
        self._at = 0
        self._phase = Phase.LISTENING
        self._since = 0.0
        self._last_sound = 0.0
        self._spoke = 0.0
        self._answers = 0
        self._utterances = 0

    def send_frame(self) -> None:
        """Do what is due, and send 20 ms."""
        now = time.perf_counter()
        self._decide(now)
        if self._phase not in (Phase.SPEAKING, Phase.OVERLAPPING):
            self.call.send_frame()
            return
        self.call.send_frame(self._speech[self._at : self._at + FRAME_BYTES])
        self._at += FRAME_BYTES
        if self._at >= len(self._speech):
            if self._phase is Phase.OVERLAPPING:
                self._overlapped(now)
            self._spoke = now
            self._enter(Phase.AWAITING, now)

    def _decide(self, now: float) -> None:
        quiet = self._last_sound and now - self._last_sound > QUIET_S
        match self._phase:
            case Phase.LISTENING if quiet:
                self._enter(Phase.PAUSING, now)
            case Phase.LISTENING if self._overlaps and now - self._since > OVERLAP_AFTER_S:
                self._speak(Phase.OVERLAPPING, now)
            case Phase.PAUSING if now - self._since > PAUSE_S:
                self._speak(Phase.SPEAKING, now)
            case Phase.AWAITING if now - self._since > ANSWER_WAIT_S:
                self.delays.bad += 1
                self._enter(Phase.PAUSING, now)
            case _:
                pass

    @property
    def _fixed_ms(self) -> int:
        """What the answer to the last utterance takes without any work."""
        return HANGOVER_MS + vendors_ms(self._utterances)

    @property
    def _overlaps(self) -> bool:
        return self._answers > 0 and self._answers % 2 == 0

    def _speak(self, phase: Phase, now: float) -> None:
        self._at = 0
        self._utterances += 1
        self._enter(phase, now)

    def _enter(self, phase: Phase, now: float) -> None:
        self._phase, self._since = phase, now

    def _overlapped(self, now: float) -> None:
        """Note how long the agent's sound went on after the overlap began."""
        if now - self._last_sound < QUIET_S:
            self.delays.bad += 1
            return
        self.delays.overlap_ms.append((self._last_sound - self._since) * 1000)

    def _hear(self, payload: bytes, now: float) -> None:
        if payload == SILENCE:
            return
        self._last_sound = now
        noted = self.call.noted
        if self.delays.greeting_ms is None and noted.final is not None:
            self.delays.greeting_ms = (now - noted.final) * 1000
        if self._phase is Phase.AWAITING:
            self.delays.own_ms.append((now - self._spoke) * 1000 - self._fixed_ms)
            self._answers += 1
            self._enter(Phase.LISTENING, now)
        elif self._phase is Phase.SPEAKING:
            self.delays.bad += 1
            self._answers += 1
            self._enter(Phase.LISTENING, now)
