"""What the flow protocol promises about events, judged over the steps of a whole call."""

from __future__ import annotations

from collections.abc import Sequence

from cordboard.call.commands import (
    CloseCall,
    EndLeg,
    PlayStored,
    RunAction,
    SendText,
    Speak,
    StopSpeaking,
)
from cordboard.call.conversation import INAUDIBLE
from cordboard.call.events import (
    ActionFinished,
    AppAnswered,
    AppFailed,
    AppGone,
    LegEnded,
    PlayoutStarted,
    PlayoutStopped,
    TextSent,
)
from cordboard.call.flow.actions import (
    FlowBargeIn,
    FlowHangup,
    FlowSendSms,
    FlowSpeak,
    FlowTransfer,
)
from cordboard.call.flow.plan import FlowPlan
from tests.simulation.flow_scene import Rule, Scene, Step
from tests.simulation.flow_timing import Silence, Timeouts
from tests.simulation.invariants import Violated

__all__ = ["Step", "judge_steps"]

FAILURES_MAX = 3
CLOSED_WITHIN_MS = 1_000
_ENDS = (StopSpeaking, EndLeg, RunAction)
LAST_THINGS = ("assistant_speak", "assistant_speech_ended")


def judge_steps(steps: Sequence[Step], plan: FlowPlan) -> list[tuple[int, int]]:
    """Return when the caller waited for the app, from and to. Raises ``Violated`` with the time and
    the event at which a rule was broken.
    """
    scene = Scene(plan)
    silence = Silence(scene)
    rules: tuple[Rule, ...] = (
        Order(scene),
        Speeches(scene),
        Turns(scene),
        Obedience(scene),
        Chains(scene),
        GivingUp(scene),
        Closing(scene),
        Timeouts(scene),
        silence,
    )
    for step in steps:
        try:
            scene.before(step)
            for rule in rules:
                rule.take(step)
            scene.after(step)
            for rule in rules:
                rule.settled(step)
        except Violated as violated:
            raise Violated(f"at {step.now_ms}, {step.event!r}: {violated}") from violated
    for rule in rules:
        rule.over()
    return silence.waits


class Order(Rule):
    """Begun once for every entry, ended once, nothing before or after, nothing while handed
    over.
    """

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._begun = 0
        self._ended = 0
        self._returns = 0

    def take(self, step: Step) -> None:
        scene = self.scene
        transfer, event = scene.transfer, step.event
        if isinstance(event, ActionFinished) and transfer is not None and scene.obeys:
            returns = "rings_s" in transfer.plan.config and not event.outcome.success
            self._returns += returns
            if returns and [told.kind for told in step.told][:1] != ["session_start"]:
                raise Violated("the caller came back and the app was not told")
        for told in step.told:
            if self._ended:
                raise Violated(f"{told.kind} after the end")
            if told.kind == "session_start":
                self._begun += 1
            elif not self._begun:
                raise Violated(f"{told.kind} before the beginning")
            if told.kind == "session_end":
                self._ended += 1
                if told.answerable:
                    raise Violated("the end wants no answer")
            elif scene.handed_over and told.kind not in LAST_THINGS:
                raise Violated(f"{told.kind} while the caller talks with somebody else")

    def over(self) -> None:
        if self._begun != (1 + self._returns if self._begun else 0):
            raise Violated(f"begun {self._begun} times, and came back {self._returns} times")
        if self._ended != (self._begun > 0):
            raise Violated(f"begun {self._begun} times, ended {self._ended} times")


class Speeches(Rule):
    """A speech that was heard is told once when it begins and once when it ends; no text is said
    twice.
    """

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._said: set[str] = set()
        self._told: set[str] = set()

    def take(self, step: Step) -> None:
        scene = self.scene
        for speak in step.all(Speak):
            if speak.manner is not None and speak.text in self._said:
                raise Violated(f"{speak.text!r} is said twice")
            self._said.add(speak.text)
        kinds = [told.kind for told in step.told]
        ended = scene.over
        heard = []
        if ended is not None and ended.ours and not scene.app.ended:
            dropped = isinstance(step.event, PlayoutStopped) and not ended.started
            heard = [] if dropped else [ended]
        if "session_end" in kinds:
            heard += [each for each in scene.open.values() if each.ours and each.started]
        if kinds.count("assistant_speech_ended") != len(heard):
            raise Violated(f"{len(heard)} speeches ended, told {kinds}")
        self._begin(step)
        for each in heard:
            if each.started and not each.is_sound and each.text not in self._told:
                raise Violated(f"{each.text!r} ended, and its beginning was never told")

    def _begin(self, step: Step) -> None:
        scene = self.scene
        known = {each.text: each for each in scene.open.values()}
        if scene.over is not None:
            known[scene.over.text] = scene.over
        for told in step.told:
            if told.kind != "assistant_speak":
                continue
            text = str(told.content["text"])
            speech = known.get(text)
            if speech is None or not speech.started or not speech.ours:
                raise Violated(f"{text!r} is told to be heard")
            if text in self._told:
                raise Violated(f"{text!r} is told twice")
            self._told.add(text)
            if (
                scene.plan.speaks_at_end
                and speech is not scene.over
                and "session_end" not in [each.kind for each in step.told]
            ):
                raise Violated(f"{text!r} is told before it has ended")
            if not isinstance(told.content["duration_ms"], int):
                raise Violated("a duration is a whole number")


class Closing(Rule):
    """Once the caller is gone the call is closed at once; whoever they were handed over to is not
    taken from them.
    """

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._gone_ms: int | None = None

    def take(self, step: Step) -> None:
        if isinstance(step.event, LegEnded) and self._gone_ms is None:
            self._gone_ms = step.now_ms
        for close in step.all(CloseCall):
            if self._gone_ms is not None and step.now_ms - self._gone_ms > CLOSED_WITHIN_MS:
                raise Violated(f"closed {step.now_ms - self._gone_ms} ms after the caller had left")
            if close.detail == "transfer":
                raise Violated("a transfer is overdue whose outcome was reported")


class Turns(Rule):
    """Whatever the caller said is told, once, as an interruption exactly where it was one."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._cut = False

    def take(self, step: Step) -> None:
        scene = self.scene
        if isinstance(step.event, PlayoutStarted) and scene.open[step.event.utterance_id].ours:
            self._cut = False
        begun = any(each.ours and each.started for each in scene.open.values())
        if step.facts("barge_in"):
            self._cut |= begun and bool(step.all(StopSpeaking))
        turns = [fact for fact in step.facts("turn_ended") if fact.content["text"] != INAUDIBLE]
        told = [each for each in step.told if each.kind == "user_speak"]
        if [fact.content["text"] for fact in turns] != [each.content["text"] for each in told]:
            raise Violated(f"said {turns}, told {told}")
        for each in told:
            if not each.content["text"]:
                raise Violated("told of no words")
            if each.content["barged_in"] is not self._cut:
                raise Violated(f"cut {self._cut}, told {each.content}")
            self._cut = False
        lost = [fact for fact in step.facts("caller_turn") if fact.content["reason"] != "hung_up"]
        if lost:
            raise Violated(f"the app never learns of {lost}")


class Obedience(Rule):
    """What the app asks for is done at once and in its order, until something ends its part; of a
    text message it learns the failure.
    """

    def take(self, step: Step) -> None:
        event = step.event
        hears = not (self.scene.app.ended or self.scene.handed_over)
        if isinstance(event, TextSent) and hears:
            told = [each.kind for each in step.told]
            if told.count("sms_failed") != (event.failure is not None):
                raise Violated(f"{event}, and told {told}")
        spoken = [speak.text for speak in step.all(Speak) if speak.manner is not None]
        wanted: list[str] = []
        texts = 0
        if isinstance(event, AppAnswered) and self.scene.obeys and not self.scene.app.unsure:
            for action in event.actions:
                if isinstance(action, (FlowHangup, FlowTransfer)):
                    break
                if isinstance(action, FlowSpeak):
                    wanted.append(action.text)
                texts += isinstance(action, FlowSendSms)
        if spoken[: len(wanted)] != wanted or len(step.all(SendText)) < texts:
            raise Violated(f"wanted {wanted}, said {spoken}")
        if not isinstance(event, AppAnswered) and spoken:
            raise Violated(f"said {spoken} that nobody asked for")
        if spoken and not self.scene.obeys:
            raise Violated(f"said {spoken} for an app that has no say")


class Chains(Rule):
    """What ends the app's part waits for the speeches before it in its answer, and for the one
    whose beginning it answers; alone it acts at once.
    """

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._beginnings: dict[str, str] = {}
        self._waits: tuple[FlowHangup | FlowTransfer, set[str]] | None = None
        self._taken_back = False

    def take(self, step: Step) -> None:
        event = step.event
        judged = self.scene.obeys and not (self.scene.transfer or self.scene.app.unsure)
        if isinstance(event, AppAnswered) and judged:
            self._answered(event, step)
        elif self.scene.over is not None and self._waits is not None:
            self._ended(step)
        ended = any(isinstance(each, (EndLeg, RunAction)) for each in step.commands)
        if ended and self._taken_back and self.scene.over is not None and self.scene.obeys:
            raise Violated("what was taken back by a barge-in is done")
        if ended or step.facts("flow_given_up"):
            self._waits = None
        for told in step.told:
            if told.kind == "assistant_speak":
                self._beginnings[told.event_id] = str(told.content["text"])

    def _answered(self, event: AppAnswered, step: Step) -> None:
        ends = [type(each) in (FlowHangup, FlowTransfer) for each in event.actions]
        if any(isinstance(each, FlowBargeIn) for each in event.actions):
            self._waits, self._taken_back = None, self._waits is not None
        if any(ends):
            self._taken_back = False
        if not event.actions or not ends[-1] or sum(ends) != 1:
            if any(ends):
                self._waits, self.scene.app.unsure = None, True
            return
        texts = {each.text for each in event.actions if isinstance(each, FlowSpeak)}
        before = self._beginnings.get(event.event_id or "")
        if before in {each.text for each in self.scene.open.values()} and before is not None:
            texts.add(before)
        kinds = [type(each).__name__ for each in event.actions]
        if "FlowBargeIn" in kinds or "FlowAudio" in kinds:
            self._waits, self.scene.app.unsure = None, True
        elif texts:
            if any(isinstance(each, _ENDS) for each in step.commands):
                raise Violated(f"{event.actions[-1]} does not wait for {texts}")
            last = event.actions[-1]
            assert isinstance(last, (FlowHangup, FlowTransfer))
            self._waits = last, texts
        else:
            self._waits = None
            self.scene.leaving |= isinstance(event.actions[-1], FlowHangup)
            if self.scene.open and not step.all(StopSpeaking):
                raise Violated(f"{event.actions[-1]} alone waits")

    def _ended(self, step: Step) -> None:
        assert self._waits is not None
        assert self.scene.over is not None
        last, texts = self._waits
        texts.discard(self.scene.over.text)
        if texts or not self.scene.obeys or self.scene.app.unsure:
            return
        if isinstance(last, FlowTransfer) and not step.all(RunAction):
            raise Violated("the transfer does not come after its speech")
        self.scene.leaving |= isinstance(last, FlowHangup)
        silent = not self.scene.open and not step.all(PlayStored)
        if isinstance(last, FlowHangup) and silent and not step.all(EndLeg):
            raise Violated("the end does not come after its speech")


def _words(step: Step) -> bool:
    return bool(step.all(PlayStored) or step.all(Speak))


class GivingUp(Rule):
    """Three failures in a row, one at the beginning, or the loss of the connection end the app's
    part, and nothing else does.
    """

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._failures = 0
        self._starts: set[str] = set()

    def take(self, step: Step) -> None:
        event, scene = step.event, self.scene
        due = False
        if isinstance(event, AppAnswered) and scene.app.started:
            self._failures = 0
            self._starts.discard(event.event_id or "")
        elif isinstance(event, AppFailed):
            self._failures += 1
            due = self._failures >= FAILURES_MAX or event.event_id in self._starts
        elif isinstance(event, AppGone):
            due = True
        if step.facts("flow_given_up") and not due:
            raise Violated("given up for nothing")
        given_up = bool(step.facts("flow_given_up")) and scene.app.started
        if given_up and not (scene.transfer or step.all(RunAction) or _words(step)):
            raise Violated("given up, and the caller hears nothing of it")
        if due and scene.obeys and not scene.app.unsure and not step.facts("flow_given_up"):
            raise Violated("the app is gone, and not given up")
        for told in step.told:
            if told.kind == "session_start" and scene.plan.answers_each:
                self._starts.add(told.event_id)
