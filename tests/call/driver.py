"""A whole call by hand: events and time in, commands out; sound that is dropped answers itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from cordboard.call.actions import ActionKind, ActionOutcome, ActionPlan
from cordboard.call.agent import AgentOperator
from cordboard.call.commands import (
    CloseCall,
    Command,
    KeepFact,
    Message,
    PlayStored,
    RunAction,
    Speak,
    StartReply,
    StopSpeaking,
)
from cordboard.call.events import (
    ActionFinished,
    ActionSent,
    Event,
    LegAnswered,
    LegOffered,
    PlayoutFinished,
    PlayoutStarted,
    PlayoutStopped,
    ReplyActionAsked,
    ReplyClauseReady,
    ReplyFinished,
    SpeechStarted,
    SpeechStopped,
    WordsHeard,
)
from cordboard.call.expectation import Expectation
from cordboard.call.machine import Call
from cordboard.call.operator import Operator
from cordboard.call.plan import CallPlan, TurnPlan

Kind = TypeVar("Kind")
STORED_WORDS = "(stored)"


class Given:
    """What a call has asked for so far."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.commands: list[Command] = []

    def all(self, kind: type[Kind]) -> list[Kind]:
        """All commands of a kind so far."""
        return [command for command in self.commands if isinstance(command, kind)]

    def last(self, kind: type[Kind]) -> Kind:
        """The last command of a kind."""
        return self.all(kind)[-1]

    def facts(self, kind: str) -> list[KeepFact]:
        """The facts of a kind."""
        return [fact for fact in self.all(KeepFact) if fact.kind == kind]

    @property
    def spoken(self) -> list[str]:
        """What was asked to be spoken, stored phrases by name."""
        return [
            command.text if isinstance(command, Speak) else command.phrase.value
            for command in self.commands
            if isinstance(command, (Speak, PlayStored))
        ]

    @property
    def messages(self) -> Sequence[Message]:
        """What the last reply was asked with."""
        return self.last(StartReply).messages

    @property
    def lines(self) -> list[str]:
        """The transcript, line by line."""
        return self.call.transcript.splitlines()

    @property
    def actions_run(self) -> list[str]:
        """The functions that left, in order."""
        return [command.call.function_name for command in self.all(RunAction)]

    @property
    def end(self) -> CloseCall | None:
        """How the call was closed, if it was."""
        return next(iter(self.all(CloseCall)), None)


class Driver(Given):
    """Drives one call. Utterances sound when the test says so; ``StopSpeaking`` is answered at
    once, with what the test put into ``heard`` for an utterance.
    """

    def __init__(
        self,
        *,
        opening: Expectation | None = None,
        plan: CallPlan,
        operator: Operator | None = None,
        thinks_ahead: bool = False,
    ) -> None:
        operates = operator or AgentOperator(opening)
        super().__init__(Call("c1", plan, operates, thinks_ahead=thinks_ahead))
        self.now_ms = 1_000
        self.answered_ms = 1_000
        self.queue: list[str] = []
        self.started: set[str] = set()
        self.heard: dict[str, int] = {}
        self.answer_stops = True

    def receive(self, *events: Event) -> None:
        """Let events happen now."""
        for event in events:
            self._take(self.call.receive(event, self.now_ms))

    def wait(self, duration_ms: int) -> None:
        """Let time pass; deadlines are kept to the millisecond."""
        end_ms = self.now_ms + duration_ms
        while (deadline := self.call.next_deadline()) is not None and deadline.at_ms <= end_ms:
            self.now_ms = max(self.now_ms, deadline.at_ms)
            self._take(self.call.handle_deadline(self.now_ms))
        self.now_ms = end_ms

    @property
    def at_ms(self) -> int:
        """Now, on the call's timeline."""
        return self.now_ms - self.answered_ms

    def answer(self) -> Driver:
        """Offer the leg and answer it."""
        self.receive(LegOffered("l1", "+1", "+2"))
        self.answered_ms = self.now_ms
        self.receive(LegAnswered("l1"))
        return self

    def speech(self, text: str, *, duration_ms: int = 500, final_ms: int = 50) -> None:
        """The caller says something; the final words come a little after the sound ends."""
        self.receive(SpeechStarted(self.at_ms))
        self.wait(duration_ms)
        self.receive(SpeechStopped(self.at_ms))
        self.wait(final_ms)
        self.receive(WordsHeard(text, final=True))

    def turn(self, text: str) -> str:
        """The caller says something and waits for the answer; returns the reply that begins."""
        self.speech(text)
        self.wait(2_000)
        return self.last(StartReply).reply_id

    def reply(self, *clauses: str, action: tuple[str, str] | None = None) -> None:
        """The reply under way says this, asks for an action, and ends."""
        reply_id = self.last(StartReply).reply_id
        for clause in clauses:
            self.receive(ReplyClauseReady(reply_id, clause))
        if action is not None:
            self.receive(ReplyActionAsked(reply_id, *action))
        self.receive(ReplyFinished(reply_id))

    def begin(self) -> str:
        """The first utterance that waits begins to sound."""
        utterance_id = next(each for each in self.queue if each not in self.started)
        self.started.add(utterance_id)
        stored = any(
            isinstance(command, PlayStored) and command.utterance_id == utterance_id
            for command in self.commands
        )
        text = STORED_WORDS if stored else ""
        self.receive(PlayoutStarted(utterance_id, self.at_ms, text))
        return utterance_id

    def finish(self) -> str:
        """The first utterance has been heard whole."""
        if self.queue[0] not in self.started:
            self.begin()
        utterance_id = self.queue.pop(0)
        self.receive(PlayoutFinished(utterance_id, self.at_ms))
        return utterance_id

    def finish_all(self) -> None:
        """Everything queued is heard whole."""
        while self.queue:
            self.finish()

    def outcome(self, outcome: ActionOutcome, action_call_id: str = "a1") -> None:
        """The action has been sent and came to this."""
        self.receive(ActionSent(action_call_id), ActionFinished(action_call_id, outcome))

    def _take(self, commands: list[Command]) -> None:
        self.commands += commands
        for command in commands:
            if isinstance(command, (Speak, PlayStored)):
                self.queue.append(command.utterance_id)
            elif isinstance(command, StopSpeaking) and self.answer_stops:
                self.stop()

    def stop(self) -> None:
        """Answer ``StopSpeaking``."""
        dropped, self.queue = self.queue, []
        for utterance_id in dropped:
            self.receive(PlayoutStopped(utterance_id, self.heard.get(utterance_id, 0)))


def plan(
    *,
    greeting: str | None = None,
    actions: tuple[ActionPlan, ...] = (),
    sensitivity: str = "low",
    turn: TurnPlan | None = None,
    content_free: bool = False,
    bridge_phrases: bool = True,
    language: str = "en",
) -> CallPlan:
    """A plan in few words."""
    return CallPlan(
        organisation_id="o",
        language=language,
        initial_message=greeting,
        actions=actions,
        turn=turn or TurnPlan(interrupt_sensitivity=sensitivity),
        content_free=content_free,
        bridge_phrases=bridge_phrases,
        longest_call_ms=600_000,
    )


def calling(
    *,
    greeting: str | None = None,
    actions: tuple[ActionPlan, ...] = (),
    sensitivity: str = "low",
    opening: Expectation | None = None,
) -> Driver:
    """An answered call."""
    chosen = plan(greeting=greeting, actions=actions, sensitivity=sensitivity)
    return Driver(plan=chosen, opening=opening).answer()


END = ActionPlan(action_id="9", kind=ActionKind.END_CONVERSATION, function_name="end")
