"""The cheap first stage of voice activity: whether a frame is loud enough."""

from __future__ import annotations

from cordboard.media import g711

_LOUD_RMS = 330
_AUDIBLE_RMS = 120
_NOISE_FACTOR = 3.0
_AUDIBLE_FACTOR = 1.6
_NOISE_MOST_RMS = 2000.0
_NOISE_RISE = 1.004
_ECHO_SHARE = 0.16
_ECHO_FADE = 0.96


class EnergyGate:
    """Compares frames with the line's noise floor and with the echo of our own sound.

    ``audible`` frames are worth a neural model's time; ``loud`` ones are speech where energy alone
    decides. The floor falls at once to the quietest frame and rises slowly. Echo is expected up to
    16 dB below our own sound, fading over about half a second.
    """

    __slots__ = ("_echo", "_floor", "audible", "loud")

    def __init__(self) -> None:
        self.audible = False
        self.loud = False
        self._floor = 40.0
        self._echo = 0.0

    def played(self, pcm: bytes) -> None:
        """Take the frame that we send in this tick, as PCM16."""
        echo = g711.rms(pcm) * _ECHO_SHARE
        if echo > self._echo:
            self._echo = echo

    def heard(self, pcm: bytes) -> None:
        """Judge the frame received in this tick."""
        level = g711.rms(pcm)
        floor = self._floor
        if level < floor:
            self._floor = max(level, 4.0)
        elif floor < _NOISE_MOST_RMS:
            self._floor = floor * _NOISE_RISE
        echo = self._echo
        if echo:
            self._echo = echo * _ECHO_FADE if echo > 1.0 else 0.0
        self.audible = level > _AUDIBLE_RMS and level > floor * _AUDIBLE_FACTOR and level > echo
        self.loud = self.audible and level > _LOUD_RMS and level > floor * _NOISE_FACTOR
