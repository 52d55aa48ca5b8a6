"""Voice activity from level alone: a gate per frame, and stretches of speech from its votes."""

from __future__ import annotations

from enum import StrEnum

from cordboard.media import g711

_FLOOR_START_RMS = 100.0
_FLOOR_MAX_RMS = 800.0
_OPEN_FACTOR = 4.0  # 12 dB over the noise floor
_LEAST_RMS = 180  # -45 dBov: below it nothing is speech
_FALL = 0.2
_RISE = 0.004


class EnergyGate:
    """Tells loud frames of one stream from its background, for less than a microsecond each.

    The noise floor falls quickly and rises slowly (by half in two seconds of louder sound), so a
    line's hum is learnt and words are not. ``hangover_frames`` keeps the gate open between
    syllables. ``rms`` and ``floor_rms`` are those of the last frame.
    """

    __slots__ = ("_hangover_frames", "_open_frames", "floor_rms", "rms")

    def __init__(self, hangover_frames: int = 10) -> None:
        self.floor_rms = _FLOOR_START_RMS
        self.rms = 0
        self._hangover_frames = hangover_frames
        self._open_frames = 0

    def push(self, pcm: bytes) -> bool:
        """Take one frame of PCM16; tell whether the gate is open."""
        rms = self.rms = g711.rms(pcm)
        floor = self.floor_rms
        if rms > _LEAST_RMS and rms > floor * _OPEN_FACTOR:
            self._open_frames = self._hangover_frames + 1
        elif self._open_frames:
            self._open_frames -= 1
        self.floor_rms = min(
            floor + (rms - floor) * (_FALL if rms < floor else _RISE), _FLOOR_MAX_RMS
        )
        return self._open_frames > 0


class SpeechEdge(StrEnum):
    """What a segmenter decides."""

    STARTED = "started"
    STOPPED = "stopped"


class SpeechSegmenter:
    """Turns the probability of speech, piece by piece, into beginnings and ends.

    Speech has started once ``onset_ms`` of it have come with no more than half as much between
    them, and has stopped after ``hangover_ms`` without any; both are counted in the sound's own
    time. ``started_ms`` is where it began and ``stopped_ms`` where the last of it ended, in
    milliseconds since the first piece.
    """

    __slots__ = (
        "_begin_ms",
        "_gap_ms",
        "_hangover_ms",
        "_now_ms",
        "_onset_ms",
        "_speech_ms",
        "_threshold",
        "speaking",
        "started_ms",
        "stopped_ms",
    )

    def __init__(self, onset_ms: int = 80, hangover_ms: int = 200, threshold: float = 0.5) -> None:
        self._onset_ms = onset_ms
        self._hangover_ms = hangover_ms
        self._threshold = threshold
        self._now_ms = 0
        self._begin_ms = 0
        self._speech_ms = 0
        self._gap_ms = 0
        self.speaking = False
        self.started_ms = 0
        self.stopped_ms = 0

    def push(self, probability: float, duration_ms: int) -> SpeechEdge | None:
        """Take the judgement of the next piece of sound and its length."""
        start_ms = self._now_ms
        self._now_ms = start_ms + duration_ms
        if probability < self._threshold:
            return self._silence(duration_ms)
        self._gap_ms = 0
        if self.speaking:
            self.stopped_ms = self._now_ms
            return None
        if not self._speech_ms:
            self._begin_ms = start_ms
        self._speech_ms += duration_ms
        if self._speech_ms < self._onset_ms:
            return None
        self.speaking = True
        self.started_ms, self.stopped_ms = self._begin_ms, self._now_ms
        return SpeechEdge.STARTED

    def _silence(self, duration_ms: int) -> SpeechEdge | None:
        self._gap_ms += duration_ms
        if not self.speaking:
            if self._gap_ms * 2 > self._onset_ms:
                self._speech_ms = 0
            return None
        if self._gap_ms < self._hangover_ms:
            return None
        self.speaking = False
        self._speech_ms = 0
        return SpeechEdge.STOPPED
