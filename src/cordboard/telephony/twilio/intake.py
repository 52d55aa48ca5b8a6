"""What comes from the far end: one frame for every 20 ms, whatever the network does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cordboard.media import g711
from cordboard.media.codec import FRAME_MS, PCMU

CONCEAL_AFTER_MS: Final = 200
"""So long without sound, and silence stands in, one frame a tick. Shorter gaps are late frames."""

FILLED_AFTER_MS: Final = 120
"""So far behind the clock, and whoever gets the frames fills the gap on its own timeline."""

AHEAD_MS: Final = 60
"""So far may late frames run ahead of the clock; then pauses are shortened until it fits."""

QUIET_RMS: Final = 150
_FRAME_BYTES: Final = PCMU.frame_bytes


class Intake:
    """Frames pass through in the call that brought them. After a stall the late ones are all
    delivered, since they hold the caller's words; the time they take is won back from pauses.
    """

    __slots__ = ("_deliver", "_delivered_ms", "_last_ms", "_rest", "_started_ms")

    def __init__(self, deliver: Callable[[bytes], None], now_ms: int) -> None:
        self._deliver = deliver
        self._rest = b""
        self._started_ms = now_ms
        self._last_ms = now_ms
        self._delivered_ms = 0

    def take(self, payload: bytes, now_ms: int) -> None:
        """Take sound as it arrived; nearly always exactly one frame."""
        self._last_ms = now_ms
        if len(payload) == _FRAME_BYTES and not self._rest:
            self._pass_on(payload, now_ms)
            return
        sound = self._rest + payload
        whole = len(sound) - len(sound) % _FRAME_BYTES
        self._rest = sound[whole:]
        for start in range(0, whole, _FRAME_BYTES):
            self._pass_on(sound[start : start + _FRAME_BYTES], now_ms)

    def tick(self, now_ms: int) -> None:
        """Stand in with silence where sound is missing; once per 20 ms."""
        if now_ms - self._last_ms > CONCEAL_AFTER_MS and self._ahead_ms(now_ms) <= -FRAME_MS:
            self._delivered_ms += FRAME_MS
            self._deliver(PCMU.silence_frame)

    def resumed(self, now_ms: int) -> None:
        """Another socket brings the sound from now on."""
        self._rest = b""
        self._last_ms = now_ms

    def silent_ms(self, now_ms: int) -> int:
        """Return how long nothing has come."""
        return now_ms - self._last_ms

    def _pass_on(self, frame: bytes, now_ms: int) -> None:
        if self._ahead_ms(now_ms) > AHEAD_MS and g711.rms(g711.mulaw_to_pcm(frame)) < QUIET_RMS:
            return
        self._delivered_ms += FRAME_MS
        self._deliver(frame)

    def _ahead_ms(self, now_ms: int) -> int:
        """Return how far what was delivered is ahead of the clock, after a gap was filled."""
        ahead_ms = self._delivered_ms - (now_ms - self._started_ms)
        if ahead_ms < -FILLED_AFTER_MS:
            self._started_ms = now_ms - self._delivered_ms - FRAME_MS
            return -FRAME_MS
        return ahead_ms
