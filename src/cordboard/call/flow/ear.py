"""What the app learns of the caller before there are words: their voice and their keys."""

from __future__ import annotations

from collections.abc import Callable

from cordboard.call.desk import Desk
from cordboard.call.flow.exchange import Exchange
from cordboard.call.flow.input_timer import InputTimer
from cordboard.call.flow.plan import FlowPlan
from cordboard.call.flow.voice import CallerVoice

KEYS = "0123456789*#"
"""The keys that the protocol knows; others are left out."""


class FlowEar:
    """Follows the caller at every moment; ``after`` is called with the time when that is done."""

    def __init__(
        self,
        plan: FlowPlan,
        timer: InputTimer,
        exchange: Exchange,
        after: Callable[[int], None],
    ) -> None:
        self.voice = CallerVoice()
        self._answers_each = plan.answers_each
        self._timer = timer
        self._exchange = exchange
        self._after = after

    def started(self, desk: Desk, now_ms: int) -> None:
        """Tell an app that can be told at any time; the caller's silence is over."""
        if self.voice.started(now_ms) and not self._answers_each:
            self._exchange.tell(desk, "user_speech_started", now_ms, answerable=False)
        self._after(now_ms)

    def noise(self, desk: Desk, now_ms: int) -> None:
        """Let the silence count again."""
        if self.voice.heard:
            self.voice.stopped(now_ms)
            self._after(now_ms)

    def pressed(self, digit: str, desk: Desk, now_ms: int) -> None:
        """Tell the app of each key by itself."""
        self._timer.restart(desk, now_ms)
        if digit in KEYS:
            self._exchange.tell(desk, "dtmf_received", now_ms, {"digit": digit})
        self._after(now_ms)
