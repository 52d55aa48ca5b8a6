"""A call that a flow runs, by hand: what the app is told, and what it answers."""

from __future__ import annotations

from cordboard.call.commands import Command, PlaySound, SendText, TellApp
from cordboard.call.events import AppAnswered, AppFailed, SpeechMade
from cordboard.call.flow.actions import FlowAction, FlowSpeak
from cordboard.call.flow.operator import FlowOperator
from cordboard.call.flow.plan import FlowPlan
from cordboard.call.plan import CallPlan, TurnPlan
from tests.call.driver import Driver


class FlowDriver(Driver):
    """Drives one call of a flow. ``told`` are the events that the app got, in order."""

    def __init__(self, flow: FlowPlan) -> None:
        plan = CallPlan(
            organisation_id="o",
            flow=flow,
            turn=TurnPlan(idle_ms=120_000),
            longest_call_ms=600_000,
        )
        super().__init__(plan=plan, operator=FlowOperator(flow))

    @property
    def events(self) -> list[TellApp]:
        """What the app was told."""
        return self.all(TellApp)

    @property
    def told(self) -> list[str]:
        """The kinds of what the app was told."""
        return [event.kind for event in self.events]

    def app(self, *actions: FlowAction, to: str | None = None) -> None:
        """The app answers its last answerable event, or the last of kind ``to``."""
        events = [
            event for event in self.events if event.answerable and (to is None or event.kind == to)
        ]
        self.receive(AppAnswered(events[-1].event_id, actions, nothing_to_do=not actions))

    def pushes(self, *actions: FlowAction) -> None:
        """The app acts of its own accord."""
        self.receive(AppAnswered(None, actions))

    def fails(self, failure: str = "timeout") -> None:
        """The app does not answer its last answerable event."""
        events = [event for event in self.events if event.answerable]
        self.receive(AppFailed(events[-1].event_id, failure))

    def play(self, duration_ms: int = 1_000) -> str:
        """The first utterance that waits is made, sounds, and is heard whole."""
        utterance_id = self.begin()
        self.receive(SpeechMade(utterance_id, duration_ms))
        self.wait(duration_ms)
        return self.finish()

    def _take(self, commands: list[Command]) -> None:
        for command in commands:
            if isinstance(command, PlaySound):
                self.queue.append(command.utterance_id)
        super()._take(commands)

    @property
    def texts(self) -> list[SendText]:
        """The text messages that were asked for."""
        return self.all(SendText)


def flow(**changes: object) -> FlowPlan:
    """A flow in few words."""
    return FlowPlan(flow_id="f1", url="http://app", **changes)  # type: ignore[arg-type]


def flowing(**changes: object) -> FlowDriver:
    """An answered call of a flow."""
    call = FlowDriver(flow(**changes))
    call.answer()
    return call


def say(text: str, **changes: object) -> FlowSpeak:
    """A ``speak`` in few words."""
    return FlowSpeak(text=text, **changes)  # type: ignore[arg-type]
