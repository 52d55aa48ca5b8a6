"""Where a flow's call stands, followed from its events and commands alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from cordboard.call.commands import (
    Command,
    EndLeg,
    KeepFact,
    MixSound,
    PlaySound,
    PlayStored,
    PlayWaiting,
    RunAction,
    Speak,
    TellApp,
)
from cordboard.call.events import (
    ActionFinished,
    AppAnswered,
    AppBack,
    AppLost,
    Event,
    LegHeld,
    LegResumed,
    PlayoutFailed,
    PlayoutFinished,
    PlayoutPaused,
    PlayoutStarted,
    PlayoutStopped,
    SpeechStarted,
    SpeechStopped,
    WordsHeard,
)
from cordboard.call.flow.actions import FlowHangup
from cordboard.call.flow.plan import FlowPlan

T = TypeVar("T")
OVER = (PlayoutFinished, PlayoutFailed, PlayoutStopped)


@dataclass(frozen=True, slots=True)
class Step:
    """One event (None where a deadline came) and what the call made of it."""

    now_ms: int
    event: Event | None
    commands: tuple[Command, ...]

    def all(self, kind: type[T]) -> list[T]:
        """Return the commands of one kind."""
        return [command for command in self.commands if isinstance(command, kind)]

    @property
    def told(self) -> list[TellApp]:
        """What the app is told in it."""
        return self.all(TellApp)

    @property
    def told_end(self) -> bool:
        """Whether the app is told that the call is over."""
        return any(told.kind == "session_end" for told in self.told)

    def facts(self, kind: str) -> list[KeepFact]:
        """Return the facts of one kind."""
        return [fact for fact in self.all(KeepFact) if fact.kind == kind]


class Rule:
    """One promise."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def take(self, step: Step) -> None:
        """Judge a step; the scene is that after its event and before its commands."""

    def settled(self, step: Step) -> None:
        """Follow a step; the scene is that after its commands."""

    def over(self) -> None:
        """Judge the whole."""


@dataclass(slots=True)
class Sounding:
    """An utterance that is not over. ``ours`` tells that the app asked for it."""

    text: str
    ours: bool
    is_sound: bool = False
    started: bool = False


@dataclass(slots=True)
class AppSide:
    """What the app knows, and whether it is there."""

    started: bool = False
    ended: bool = False
    away: bool = False
    given_up: bool = False
    unsure: bool = False
    """It hung up in a way that is not followed here: it has a say until then, whenever that is."""


@dataclass(slots=True)
class CallerSide:
    """What comes from the caller."""

    held: bool = False
    voice: bool = False
    words: tuple[bool, bool] = (False, False)
    """Whether there are final words of this turn, and whether there are others."""


@dataclass
class Scene:
    """The state before a step's commands, its event taken in."""

    plan: FlowPlan
    app: AppSide = field(default_factory=AppSide)
    caller: CallerSide = field(default_factory=CallerSide)
    ending: bool = False
    leaving: bool = False
    """The app has hung up, and what is queued is heard to its end."""
    handed_over: bool = False
    paused: bool = False
    comfort: bool = False
    mixing: bool = False
    transfer: RunAction | None = None
    over: Sounding | None = None
    open: dict[str, Sounding] = field(default_factory=dict)

    @property
    def plays(self) -> bool:
        """Whether the caller hears something of ours."""
        spoken = any(each.started for each in self.open.values()) and not self.paused
        return spoken or self.comfort or self.mixing

    @property
    def caller_speaks(self) -> bool:
        """Whether there is sound of the caller, or words that are no turn yet."""
        return self.caller.voice or any(self.caller.words)

    @property
    def obeys(self) -> bool:
        """Whether what the app asks for is to be done."""
        stopped = (
            self.app.ended or self.ending or self.leaving or self.app.given_up or self.handed_over
        )
        return self.app.started and not stopped

    def before(self, step: Step) -> None:
        """Take the event in."""
        self.over = None
        event = step.event
        match event:
            case LegHeld() | LegResumed():
                self.caller.held = isinstance(event, LegHeld)
                # Whatever was being said is over with it.
                self.caller.voice &= not self.caller.held
                self.paused = self.caller.held
            case SpeechStarted() | SpeechStopped():
                self.caller.voice = isinstance(event, SpeechStarted)
            case WordsHeard(text=text, final=final):
                self.caller.words = (
                    self.caller.words[0] or (final and bool(text)),
                    bool(text) and not final,
                )
            case AppAnswered(actions=actions) if self.transfer is not None:
                self.app.unsure |= any(isinstance(action, FlowHangup) for action in actions)
            case AppLost() | AppBack():
                self.app.away = isinstance(event, AppLost)
            case ActionFinished():
                self._take_outcome(event)
            case PlayoutStarted(utterance_id=utterance_id) if utterance_id in self.open:
                self.open[utterance_id].started = True
                self.paused = False
            case PlayoutPaused():
                self.paused = True
            case PlayoutFinished() | PlayoutFailed() | PlayoutStopped():
                self.over = self.open.pop(event.utterance_id, None)
            case _:
                pass

    def _take_outcome(self, event: ActionFinished) -> None:
        transfer = self.transfer
        if transfer is not None and transfer.call.action_call_id == event.action_call_id:
            self.handed_over |= event.outcome.success
            self.leaving |= "rings_s" not in transfer.plan.config

    def after(self, step: Step) -> None:
        """Take the commands in."""
        for command in step.commands:
            self._take(command)
        finished = isinstance(step.event, ActionFinished) and not self.handed_over
        if finished and not step.all(RunAction):
            self.transfer = None

    def _take(self, command: Command) -> None:
        match command:
            case Speak(utterance_id=utterance_id, text=text, manner=manner):
                self.open[utterance_id] = Sounding(text, manner is not None)
            case PlaySound(utterance_id=utterance_id):
                self.open[utterance_id] = Sounding("", ours=True, is_sound=True)
            case PlayStored(utterance_id=utterance_id):
                self.open[utterance_id] = Sounding("", ours=False)
            case PlayWaiting(on=on):
                self.comfort = on
            case MixSound(sound=sound):
                self.mixing = sound is not None and any(sound.pcm)
            case RunAction():
                self.transfer = command
            case EndLeg():
                self.ending = True
            case KeepFact(kind="turn_ended"):
                self.caller.words = (False, False)
            case KeepFact(kind="flow_given_up"):
                self.app.given_up = True
            case TellApp(kind="session_start"):
                self.app.started = True
            case TellApp(kind="session_end"):
                self.app.ended = True
            case _:
                pass
