"""The cheap first stage of voice activity: whether a frame is loud enough."""

from __future__ import annotations

from cordboard.media import g711
from cordboard.media.codec import FRAMES_PER_SECOND

_LOUD_RMS = 330
_LOUD_FACTOR = 2.5
_AUDIBLE_RMS = 120
_AUDIBLE_FACTOR = 1.6
_FLOOR_START_RMS = 40
_FLOOR_MOST_RMS = 500
_FLOOR_WINDOW_FRAMES = 3 * FRAMES_PER_SECOND // 2
_ECHO_SHARE = 0.16
_ECHO_FADE = 0.96


class EnergyGate:
    """Compares frames with the line's noise floor and with the echo of our own sound.

    ``audible`` frames are worth a neural model's time; ``loud`` ones are speech where energy alone
    decides. The floor is the quietest frame of the last 1.5 to 3 s. Echo is expected up to 16 dB
    below our own sound, fading over about half a second.
    """

    __slots__ = ("_echo", "_floor", "_frames", "_quietest", "audible", "loud")

    def __init__(self) -> None:
        self.audible = False
        self.loud = False
        self._floor = _FLOOR_START_RMS
        self._quietest = _FLOOR_MOST_RMS
        self._frames = 0
        self._echo = 0.0

    def played(self, pcm: bytes) -> None:
        """Take the frame that we send in this tick, as PCM16."""
        echo = g711.rms(pcm) * _ECHO_SHARE
        if echo > self._echo:
            self._echo = echo

    def heard(self, pcm: bytes) -> None:
        """Judge the frame received in this tick."""
        level = g711.rms(pcm)
        if level < self._quietest:
            self._quietest = level
            if level < self._floor:
                self._floor = level
        self._frames += 1
        if self._frames == _FLOOR_WINDOW_FRAMES:
            self._floor = self._quietest
            self._quietest = _FLOOR_MOST_RMS
            self._frames = 0
        echo = self._echo
        if echo:
            self._echo = echo * _ECHO_FADE if echo > 1.0 else 0.0
        floor = self._floor
        self.audible = level > _AUDIBLE_RMS and level > floor * _AUDIBLE_FACTOR and level > echo
        self.loud = self.audible and level > _LOUD_RMS and level > floor * _LOUD_FACTOR
