"""Votes of single frames to stretches of speech, counted in the sound's own time."""

from __future__ import annotations

from cordboard.media.codec import FRAME_MS

ENERGY_ONSET_FRAMES = 4
MODEL_ONSET_FRAMES = 2
_ONSET_WINDOW_FRAMES = 6
HANGOVER_MS = 200
_WINDOW_MASK = (1 << _ONSET_WINDOW_FRAMES) - 1


class Segmenter:
    """Speech starts when ``onset_frames`` of the last 6 frames are speech, and has stopped when
    200 ms hold none. Votes by energy alone need more of them than a model's, which come later.

    ``push`` returns whether something changed; ``speaking`` and the position tell what: where the
    speech began (its first frame within the window), or where it ended (the end of its last frame).
    """

    __slots__ = (
        "_quiet_ms",
        "_votes",
        "changed_at_ms",
        "onset_frames",
        "speaking",
        "started_at_ms",
    )

    def __init__(self) -> None:
        self.onset_frames = ENERGY_ONSET_FRAMES
        self.speaking = False
        self.changed_at_ms = 0
        self.started_at_ms = 0
        self._votes = 0
        self._quiet_ms = 0

    def push(self, speech: bool, start_ms: int) -> bool:
        """Take the vote of the frame that lies at ``start_ms``."""
        if self.speaking:
            return self._in_speech(speech, start_ms)
        votes = self._votes = (self._votes << 1 | speech) & _WINDOW_MASK
        if not speech or votes.bit_count() < self.onset_frames:
            return False
        self.speaking = True
        self._quiet_ms = 0
        first = votes.bit_length() - 1
        self.changed_at_ms = self.started_at_ms = max(start_ms - first * FRAME_MS, 0)
        return True

    def _in_speech(self, speech: bool, start_ms: int) -> bool:
        if speech:
            self._quiet_ms = 0
            return False
        self._quiet_ms += FRAME_MS
        if self._quiet_ms < HANGOVER_MS:
            return False
        self.speaking = False
        self._votes = 0
        self.changed_at_ms = start_ms + FRAME_MS - self._quiet_ms
        return True
