"""What the flow protocol promises about time: silence that is told, silence that is not heard."""

from __future__ import annotations

from cordboard.call.commands import RunAction
from cordboard.call.events import (
    AppAnswered,
    AppFailed,
    DigitPressed,
    SpeechStarted,
    SpeechStopped,
)
from cordboard.call.flow.actions import (
    FlowAction,
    FlowAudio,
    FlowBargeIn,
    FlowHangup,
    FlowSpeak,
    FlowTransfer,
)
from cordboard.call.flow.plan import Waiting
from tests.simulation.flow_scene import Rule, Scene, Step
from tests.simulation.invariants import Violated

LATE_MS = 300
SILENT_MAX_MS = 3_000
ASKING = ("session_start", "user_speak", "user_input_timeout")
ASKED_MS = 2_000
"""How much longer than its time an app that may stay silent is waited for."""


class Timeouts(Rule):
    """The caller's silence is told once for each wish, when it has lasted so long, and never while
    anybody speaks.
    """

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._wish_ms: int | None = None
        self._armed = False
        self._since_ms: int | None = None
        self._asked: dict[str, str] = {}

    def take(self, step: Step) -> None:
        scene = self.scene
        told = [each.kind for each in step.told]
        if "user_input_timeout" in told:
            self._judge_fired(step)
        elif self._since_ms is not None and self._wish_ms is not None:
            late_ms = step.now_ms - self._since_ms - self._wish_ms
            if late_ms > LATE_MS and scene.obeys and not scene.app.unsure:
                raise Violated(f"{late_ms} ms late, and not told")
        self._follow(step)
        if "user_speak" in told:
            self._armed = False
        for each in step.told:
            self._asked[each.event_id] = each.kind
        if "session_start" in told or step.all(RunAction):
            self._armed = False

    def settled(self, step: Step) -> None:
        self._run(step)

    def _judge_fired(self, step: Step) -> None:
        if self._wish_ms is None or self._since_ms is None:
            raise Violated("nobody wished to be told of silence now")
        if self.scene.caller_speaks:
            raise Violated("told of silence while the caller speaks")
        if step.now_ms - self._since_ms < self._wish_ms - 1:
            raise Violated(f"told too early: {step.now_ms - self._since_ms} of {self._wish_ms} ms")
        self._wish_ms, self._armed = None, False

    def _follow(self, step: Step) -> None:
        event, scene = step.event, self.scene
        if isinstance(event, AppAnswered) and scene.obeys:
            kind = self._asked.pop(event.event_id or "", None)
            if event.nothing_to_do and kind == "user_speak":
                self._armed = True
            for action in event.actions:
                self._wish(action)
        elif isinstance(event, DigitPressed) and self._since_ms is not None:
            self._since_ms = step.now_ms
        elif scene.over is not None and scene.over.ours:
            self._armed = True

    def _wish(self, action: FlowAction) -> None:
        if isinstance(action, FlowSpeak):
            self._wish_ms, self._armed = action.input_timeout_ms or None, False
        elif isinstance(action, FlowAudio):
            self._wish_ms, self._armed = action.input_timeout_ms or self._wish_ms, False

    def _run(self, step: Step) -> None:
        scene = self.scene
        spoken = any(each.ours for each in scene.open.values())
        stops = scene.caller_speaks or not self._armed or self._wish_ms is None or spoken
        if stops or scene.transfer is not None:
            self._since_ms = None
        elif self._since_ms is None and not scene.open:
            self._since_ms = step.now_ms


class Silence(Rule):
    """While the app has the turn the caller hears something at least every three seconds."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._pending: dict[str, int] = {}
        self._asked_ms: int | None = None
        self._silent_ms: int | None = None
        self._since_ms: int | None = None
        self.waits: list[tuple[int, int]] = []
        """When the caller had nothing to do but wait for the app, from and to."""

    def take(self, step: Step) -> None:
        scene = self.scene
        if scene.plan.waiting is Waiting.NOTHING:
            return
        if self._silent_ms is not None and step.now_ms - self._silent_ms > SILENT_MAX_MS:
            raise Violated(f"silent for {step.now_ms - self._silent_ms} ms")
        self._follow(step)

    def settled(self, step: Step) -> None:
        scene = self.scene
        waits = self._has_turn(step.now_ms) or scene.app.away
        busy = scene.caller_speaks or scene.caller.held or scene.transfer is not None
        waits = waits and scene.obeys and not busy
        if not waits or scene.open or scene.plays:
            self._silent_ms = None
        elif self._silent_ms is None:
            self._silent_ms = step.now_ms
        if not waits or scene.open:
            if self._since_ms is not None:
                self.waits.append((self._since_ms, step.now_ms))
            self._since_ms = None
        elif self._since_ms is None:
            self._since_ms = step.now_ms

    def _has_turn(self, now_ms: int) -> bool:
        within_ms = self.scene.plan.answer_within_ms + ASKED_MS
        if self.scene.plan.answers_each:
            return any(now_ms - told_ms < within_ms for told_ms in self._pending.values())
        return self._asked_ms is not None and now_ms - self._asked_ms < within_ms

    def _follow(self, step: Step) -> None:
        event = step.event
        if isinstance(event, (AppAnswered, AppFailed)):
            self._pending.pop(event.event_id or "", None)
        if isinstance(event, AppAnswered) and any(map(_is_heard, event.actions)):
            self._asked_ms = None
        if isinstance(event, (SpeechStarted, SpeechStopped)):
            self._silent_ms = None
        for told in step.told:
            if told.answerable:
                self._pending[told.event_id] = step.now_ms
            if told.kind == "user_speak":
                self._silent_ms = None
            if told.kind in ASKING:
                self._asked_ms = step.now_ms


def _is_heard(action: FlowAction) -> bool:
    heard = (FlowSpeak, FlowAudio, FlowHangup, FlowTransfer, FlowBargeIn)
    return isinstance(action, heard)
